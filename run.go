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
	next := t.cfg.schedule.Next(time.Now())
	if t.cfg.passAtStart {
		next = time.Now()
	}
	// What an earlier process left does not wait for a first pass.
	unsettled := !t.cfg.passAtStart && !t.repair(ctx, false)
	failures := 0
	for {
		if failures == 0 && !next.IsZero() {
			t.emit(ctx, PassScheduled{At: time.Now(), Next: next})
		}
		if unsettled {
			t.mend(ctx, next)
		}
		if next.IsZero() {
			<-ctx.Done()
			return nil
		}
		if !waitUntil(ctx, next) {
			t.drain()
			return nil
		}
		report, err := t.run(ctx, PassUpdate)
		if ctx.Err() != nil {
			return nil
		}
		unsettled = err == nil && report.unsettled()
		next = t.cfg.schedule.Next(time.Now())
		if err == nil {
			failures = 0
			continue
		}
		if retry := time.Now().Add(backoff(failures)); next.IsZero() || retry.Before(next) {
			next = retry
		}
		t.emit(ctx, PassFailed{At: time.Now(), Kind: PassUpdate, Err: err, Retry: next, Repeated: failures > 0})
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

func waitUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
