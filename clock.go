package watchtower

import (
	"context"
	"time"
)

// Clock tells the time and waits: when passes are due, what gates and events take
// for now. Timeouts are not its business; they bound what others do.
type Clock interface {
	// Now is the time.
	Now() time.Time
	// Wait returns at the given time, or when the context ends if that is sooner.
	Wait(ctx context.Context, until time.Time)
}

// WithClock sets the clock. Default: the machine's.
func WithClock(clock Clock) Option {
	return func(c *config) error {
		if clock == nil {
			return invalid("WithClock", "nil", "a Clock")
		}
		c.clock = clock
		return nil
	}
}

// lookAgain is how often a wait looks at the clock: one that was set, on a machine
// that began without the time or that slept, is noticed after as much.
const lookAgain = time.Minute

// machineClock is the machine's.
type machineClock struct{}

func (machineClock) Now() time.Time { return time.Now() }

func (machineClock) Wait(ctx context.Context, until time.Time) {
	for ctx.Err() == nil {
		wait := left(time.Now(), until)
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(min(wait, lookAgain))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// left is how long it is until then: by the time of day, since a machine that sleeps
// counts none of what goes by; or by what has gone by, if that is sooner, since a clock
// may be set back. What was said as a time of day has only that.
func left(now, until time.Time) time.Duration {
	return min(until.Sub(now), until.Round(0).Sub(now))
}

// now is the clock's.
func (t *Tower) now() time.Time { return t.cfg.clock.Now() }

// waitUntil returns false if ctx ends first. A clock that does not wait, or stands
// still, is asked again no sooner than after a second.
func (t *Tower) waitUntil(ctx context.Context, at time.Time) bool {
	for {
		t.cfg.clock.Wait(ctx, at)
		if ctx.Err() != nil || left(t.now(), at) <= 0 {
			return ctx.Err() == nil
		}
		machineClock{}.Wait(ctx, time.Now().Add(retryFirst))
	}
}

// scheduled is the time the schedule says, and no storm of passes whatever it says.
func (t *Tower) scheduled() time.Time {
	now := t.now()
	next := t.cfg.schedule.Next(now)
	if !next.IsZero() && !next.After(now) {
		return now.Add(retryFirst)
	}
	return next
}
