package watchtower

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// recoverAll repairs what an earlier crash cut short, if the updater can.
func (t *Tower) recoverAll(ctx context.Context) ([]lifecycle.Recovery, error) {
	updater, ok := t.cfg.updater.(lifecycle.Recoverer)
	if !ok {
		return nil, nil
	}
	recovered, err := updater.Recover(ctx, lifecycle.RecoverOptions{
		StopTimeout: t.cfg.stopTimeout,
		OnStep:      func(s lifecycle.Step) { t.emit(ctx, StepStarted{At: time.Now(), Step: s}) },
	})
	for _, r := range recovered {
		t.emit(ctx, ServiceRecovered{At: time.Now(), Recovery: r})
	}
	return recovered, err
}

// recoverAtStart does so before the first pass of Run, which may be a day away.
// An engine that does not answer yet is met by the pass.
func (t *Tower) recoverAtStart(ctx context.Context) {
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return
	}
	if t.ping(ctx) == nil {
		_, _ = t.recoverAll(ctx)
	}
	t.drain()
}
