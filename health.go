package watchtower

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// passPatience is how long a pass may be in hand before it counts as stuck: twice
// what a pull may take by default.
const passPatience = 2 * DefaultPullTimeout

// Health is what a Tower can say of itself. Times are the Clock's; zero stands for
// what has not happened, or will not.
type Health struct {
	// Engine is the engine's name; empty if it has none: see WithEngineName.
	Engine string
	// Started is when New made the Tower.
	Started time.Time
	// LastPass is when the last update pass ended of which a report could be made.
	LastPass time.Time
	// InHand is when the pass began that is being made now.
	InHand time.Time
	// NextDue is when Run makes the next pass, or was to make the one that it is
	// late with. Zero before Run.
	NextDue time.Time
	// Overdue is when the pass after that one would be due: with an interval, two
	// of them after the last pass.
	Overdue time.Time
	// Err is nil if all is well: the engine answers and no pass is overdue. Before
	// the first that is due, none is. An engine that does not answer is of class
	// Unavailable.
	Err error
}

// Health says whether this Tower does its work. It asks the engine whether it
// answers, waits no longer than eight seconds for that, and does nothing else: no
// recovery, no registry. A pass that is being made may take an hour, whatever the
// schedule says: a pull may take half of one.
func (t *Tower) Health(ctx context.Context) Health {
	h := t.pulse.read()
	if !h.NextDue.IsZero() {
		h.Overdue = t.cfg.schedule.Next(h.NextDue)
	}
	h.Err = errors.Join(t.ping(ctx), h.late(t.now()))
	return h
}

// late says which pass is, if one is. One that was begun in time has time to end.
func (h Health) late(now time.Time) error {
	began := !h.InHand.IsZero() && !h.InHand.After(h.Overdue)
	switch {
	case h.Overdue.IsZero(), !now.After(h.Overdue), began && now.Sub(h.InHand) <= passPatience:
		return nil
	case began:
		return fmt.Errorf("watchtower: the pass that began %s has not ended", ago(now, h.InHand))
	case h.LastPass.IsZero():
		return fmt.Errorf("watchtower: no pass was made, the first was due %s", ago(now, h.NextDue))
	default:
		return fmt.Errorf("watchtower: the last pass ended %s, another was due %s", ago(now, h.LastPass), ago(now, h.NextDue))
	}
}

func ago(now, then time.Time) string {
	return now.Sub(then).Round(time.Second).String() + " ago"
}

// pulse keeps what Health tells of passes.
type pulse struct {
	mu sync.Mutex
	Health
}

func (p *pulse) read() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Health
}

// begin notes a pass that is made from now on; end, that it is over, however.
func (p *pulse) begin(now time.Time) (end func()) {
	set := func(at time.Time) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.InHand = at
	}
	set(now)
	return func() { set(time.Time{}) }
}

// note learns the rest from the events.
func (p *pulse) note(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case PassScheduled:
		p.NextDue = e.Next
	case PassEnded:
		if e.Kind == PassUpdate {
			p.LastPass = e.At
		}
	}
}
