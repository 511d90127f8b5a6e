package httpapi

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/watchtower-go/watchtower"
)

// errand is an update that a caller asked for: a job of one ID on each engine that is
// meant, or why that took none.
type errand []said[*job]

// begin begins it on all of them.
func (a ask) begin(ctx context.Context) errand {
	id := rand.Text()
	return each(a.engines, func(e *engine) (*job, error) { return e.update(ctx, id, a.only) })
}

// await waits until all have come that far, or are over; or ctx ends.
func (e errand) await(ctx context.Context, far func(*job) <-chan struct{}) {
	for _, s := range e {
		if s.err != nil {
			continue
		}
		select {
		case <-far(s.value):
		case <-s.value.done:
		case <-ctx.Done():
		}
	}
}

// goOn withdraws what has not begun, and reports whether anything goes on.
func (e errand) goOn() (going bool) {
	for _, s := range e {
		if s.err != nil {
			continue
		}
		if over, _ := s.value.result(); !over && !s.value.withdraw() {
			going = true
		}
	}
	return going
}

// failure is why it came to nothing: on no engine will there be a report.
func (e errand) failure() error {
	all := make(errand, len(e))
	for i, s := range e {
		if all[i] = s; s.err == nil {
			_, all[i].err = s.value.result()
		}
	}
	_, _, err := sorted(all)
	return err
}

// engineJob is what becomes of an update on one engine.
type engineJob struct {
	Engine  string             `json:"engine"`
	State   jobState           `json:"state"`
	Begun   time.Time          `json:"begun,omitzero"`
	Ended   time.Time          `json:"ended,omitzero"`
	Summary *summary           `json:"summary,omitempty"`
	Timing  *timing            `json:"timing,omitempty"`
	Report  *watchtower.Report `json:"report,omitempty"`
	Error   string             `json:"error,omitempty"`
}

// answer is how it stands, on each engine and in sum; of one without a name its job.
func (e errand) answer() jobAnswer {
	out := jobAnswer{stamp: stamped()}
	var all *total
	states := map[jobState]int{}
	for _, s := range e {
		if s.err != nil {
			states[jobFailed]++
			out.Engines = append(out.Engines, engineJob{Engine: s.engine.name, State: jobFailed, Error: s.err.Error()})
			continue
		}
		one := s.value.answer()
		if s.engine.name == "" {
			return one
		}
		if states[one.State]++; one.State == jobWithdrawn {
			one.Error = errWithdrawn.Error() // whether it has noticed or not
		}
		out.Engines = append(out.Engines, engineJob{s.engine.name, one.State, one.Begun, one.Ended, one.Summary, one.Timing, one.Report, one.Error})
		out.ID, out.Location, out.Asked = one.ID, one.Location, one.Asked
		out.Begun, out.Ended = earlier(out.Begun, one.Begun), later(out.Ended, one.Ended)
		if one.made != nil {
			if all == nil {
				all = &total{}
			}
			all.add(one.made.summary, one.made.started, one.made.ended)
		}
	}
	if out.State = together(states, len(e)); out.State == jobWaiting || out.State == jobRunning {
		out.Ended = time.Time{}
	}
	if err := e.failure(); err != nil {
		out.Error = err.Error()
	}
	if all != nil {
		t := all.timing()
		out.Summary, out.Timing = &all.summary, &t
	}
	return out
}

// together is the state of so many updates: waiting until one has begun, then running until
// all are over, and done if one is.
func together(states map[jobState]int, all int) jobState {
	switch {
	case states[jobWaiting] == all:
		return jobWaiting
	case states[jobWaiting]+states[jobRunning] > 0:
		return jobRunning
	case states[jobDone] > 0:
		return jobDone
	case states[jobFailed] > 0:
		return jobFailed
	default:
		return jobWithdrawn
	}
}
