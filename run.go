package watchtower

import (
	"context"
	"time"
)

// The waits between attempts while the engine does not answer: the first, and
// the longest.
const (
	retryFirst = time.Second
	retryMost  = time.Minute
)

// Run makes passes on the schedule until ctx ends, and then returns nil. While
// the engine does not answer it tries again sooner than the schedule says, after
// a second first, at most after a minute, and tells of it once. So it does while
// an update is unfinished, only to finish or undo it.
func (t *Tower) Run(ctx context.Context) error {
	next := t.cfg.schedule.Next(t.now())
	if t.cfg.passAtStart {
		next = t.now()
	}
	// What an earlier process left does not wait for a first pass.
	unsettled := !t.cfg.passAtStart && !t.repair(ctx, false)
	failures := 0
	for {
		if failures == 0 && !next.IsZero() {
			t.emit(ctx, PassScheduled{At: t.now(), Next: next})
		}
		if unsettled {
			t.mend(ctx, next)
		}
		if next.IsZero() {
			<-ctx.Done()
			return nil
		}
		if !t.waitUntil(ctx, next) {
			t.drain()
			return nil
		}
		report, err := t.run(ctx, PassUpdate)
		if ctx.Err() != nil {
			return nil
		}
		unsettled = err == nil && report.unsettled()
		next = t.cfg.schedule.Next(t.now())
		if err == nil {
			failures = 0
			continue
		}
		if retry := t.now().Add(backoff(failures)); next.IsZero() || retry.Before(next) {
			next = retry
		}
		t.emit(ctx, PassFailed{At: t.now(), Kind: PassUpdate, Err: err, Retry: next, Repeated: failures > 0})
		failures++
	}
}

func backoff(failures int) time.Duration {
	d := retryFirst
	for range min(failures, 10) {
		d *= 2
	}
	return min(d, retryMost)
}
