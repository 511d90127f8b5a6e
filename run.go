package watchtower

import (
	"context"
	"fmt"
	"time"
)

// The waits between attempts while the engine does not answer: the first, and
// the longest.
const (
	retryFirst = time.Second
	retryMost  = time.Minute
)

// Run makes passes on the schedule until ctx ends, and then returns nil. Where a
// gate holds a container until a time at which it is due, a window's, and no pass is
// scheduled before, Run makes one then, in which only such containers move. While
// the engine does not answer it tries again sooner than the schedule says, after
// a second first, at most after a minute, and tells of it once; at the start, too, if
// the first pass is yet to come. So it does while an update is unfinished, only to
// finish or undo it.
func (t *Tower) Run(ctx context.Context) error {
	scheduled := t.scheduled()
	if t.cfg.passAtStart {
		scheduled = t.now()
	}
	next := due{at: scheduled}
	unsettled := !t.cfg.passAtStart && !t.firstLook(ctx)
	failures := 0
	for {
		if failures == 0 && !next.at.IsZero() {
			t.emit(ctx, PassScheduled{At: t.now(), Next: next.at})
		}
		if unsettled {
			t.mend(ctx, next.at)
		}
		if next.at.IsZero() {
			<-ctx.Done()
			return nil
		}
		if !t.waitUntil(ctx, next.at) {
			t.drain()
			return nil
		}
		report, err := t.run(ctx, PassUpdate, next.only...)
		if ctx.Err() != nil {
			return nil
		}
		unsettled = err == nil && report.unsettled()
		if len(next.only) == 0 {
			scheduled = t.scheduled()
		}
		if err == nil {
			failures = 0
			next = report.next(t.now(), scheduled)
			continue
		}
		if retry := t.now().Add(backoff(failures)); scheduled.IsZero() || retry.Before(scheduled) {
			next.at = retry
		} else {
			next = due{at: scheduled}
		}
		t.emit(ctx, PassFailed{At: t.now(), Kind: PassUpdate, Err: err, Retry: next.at, Repeated: failures > 0})
		failures++
	}
}

// firstLook is there since the first pass may be a day away: what an earlier process
// left does not wait for it, nor does the news that there is no engine.
func (t *Tower) firstLook(ctx context.Context) (done bool) {
	done, err := t.repair(ctx, false)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("watchtower: first look: %w", err)
		t.emit(ctx, PassFailed{At: t.now(), Kind: PassUpdate, Err: err, Retry: t.now().Add(retryFirst)})
	}
	return done
}

func backoff(failures int) time.Duration {
	d := retryFirst
	for range min(failures, 10) {
		d *= 2
	}
	return min(d, retryMost)
}
