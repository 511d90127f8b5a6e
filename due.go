package watchtower

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower/gate"
)

// dueLeast is the least time between the end of a pass and one that is made for what
// it found held, whatever a gate says.
const dueLeast = time.Minute

// due is when Run makes its next pass.
type due struct {
	at   time.Time
	only []Gate // for a pass between two scheduled ones, which is not for everybody
}

// next is the pass after this one: the scheduled one, or an earlier one for what is
// due before it.
func (r *Report) next(now, scheduled time.Time) due {
	first, waiting := scheduled, map[string]bool{}
	for _, e := range r.Entries {
		// A time that had passed before is no time to wait for.
		if !e.due || !e.HeldUntil.After(r.Started) {
			continue
		}
		waiting[e.key()] = true
		at := e.HeldUntil
		if least := now.Add(dueLeast); at.Before(least) {
			at = least
		}
		if at.Before(first) {
			first = at
		}
	}
	if !first.Before(scheduled) {
		return due{at: scheduled}
	}
	return due{first, []Gate{waited(waiting, scheduled)}}
}

// waited holds whoever was not found by a scheduled pass until there is one.
func waited(keys map[string]bool, scheduled time.Time) Gate {
	return gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
		if keys[keyOf(c.Container)] {
			return gate.Decision{}, nil
		}
		return gate.Decision{Verdict: gate.Hold, Until: scheduled, Reason: "found between two scheduled passes"}, nil
	})
}
