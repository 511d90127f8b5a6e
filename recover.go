package watchtower

import (
	"context"
	"slices"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// recoverAll repairs what an earlier crash cut short.
func (t *Tower) recoverAll(ctx context.Context) (out []lifecycle.Recovery, err error) {
	opts := lifecycle.RecoverOptions{
		StopTimeout: t.cfg.stopTimeout,
		OnStep:      func(s lifecycle.Step) { t.emit(ctx, StepStarted{At: t.now(), Step: s}) },
	}
	if t.handover != nil {
		opts.Except = t.cfg.self
	}
	err = contain("the updater", func() (err error) {
		out, err = t.cfg.recoverer.Recover(ctx, opts)
		return err
	})
	return out, err
}

// tell tells what became of them.
func (t *Tower) tell(ctx context.Context, recovered []lifecycle.Recovery) {
	for _, r := range recovered {
		t.emit(ctx, ServiceRecovered{At: t.now(), Recovery: r})
	}
}

// repair repairs outside of a pass, which may be a day away. It returns false if
// something is still between two containers, or nothing could be seen, with the error.
// What repeated tries still cannot finish is not told again.
func (t *Tower) repair(ctx context.Context, repeated bool) (done bool, err error) {
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer t.drain()
	if err := t.ping(ctx); err != nil {
		return false, err
	}
	settled := t.settleSelf(ctx)
	recovered, err := t.recoverAll(ctx)
	done = settled && err == nil && !slices.ContainsFunc(recovered, unfinished)
	if repeated {
		recovered = slices.DeleteFunc(recovered, unfinished)
	}
	t.tell(ctx, recovered)
	if err == nil {
		err = t.fit(ctx)
	}
	return done && err == nil, err
}

func unfinished(r lifecycle.Recovery) bool { return r.Outcome == lifecycle.OutcomeUnfinished }

// mend repairs until it is done or the next pass is due, which begins with that.
func (t *Tower) mend(ctx context.Context, next time.Time) {
	for tries := 0; ; tries++ {
		at := t.now().Add(backoff(tries))
		due := !next.IsZero() && !at.Before(next)
		if due || !t.waitUntil(ctx, at) {
			return
		}
		if done, _ := t.repair(ctx, tries > 0); done { // what it cannot do, the next pass tells
			return
		}
	}
}

// unsettled: a service may be left between two containers, or is just being
// replaced by a helper.
func (r *Report) unsettled() bool {
	return r.handedOver || r.Count(StatusFailed) > 0 || slices.ContainsFunc(r.Recovered, unfinished)
}
