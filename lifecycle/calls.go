package lifecycle

import (
	"context"
	"fmt"
	"math"
	"time"
)

// callTimeout bounds one call to the engine. A busy engine takes seconds for a
// create or a start; one that takes minutes hangs.
const callTimeout = 2 * time.Minute

// engineStopTimeout is what Docker gives a container that sets none.
const engineStopTimeout = 10 * time.Second

// tracker follows one update: who is told of its steps, how long its containers
// may take to stop, and for how long nothing served.
type tracker struct {
	service     string
	onStep      func(Step)
	stopTimeout *time.Duration
	wait        time.Duration // the longest a stop may take, for the call's bound
	hold        hold
	stopped     time.Time
	down        time.Duration
}

func (t *tracker) step(action, detail string) {
	if t.onStep != nil {
		t.onStep(Step{Container: t.service, Action: action, Detail: detail})
	}
}

// up ends the time in which nothing served.
func (t *tracker) up() {
	if !t.stopped.IsZero() {
		t.down = time.Since(t.stopped)
	}
}

func (r *recreator) inspect(ctx context.Context, ref string) (Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	snap, err := r.engine.Inspect(ctx, ref)
	return snap, named("inspect", err)
}

func (r *recreator) create(ctx context.Context, opts CreateOptions) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	id, err := r.engine.Create(ctx, opts)
	return id, named("create", err)
}

func (r *recreator) rename(ctx context.Context, ref, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return named("rename", r.engine.Rename(ctx, ref, name))
}

func (r *recreator) start(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return named("start", r.engine.Start(ctx, ref))
}

func (r *recreator) pause(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return named("pause", r.engine.Pause(ctx, ref))
}

func (r *recreator) remove(ctx context.Context, ref string, force bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return named("remove", r.engine.Remove(ctx, ref, RemoveOptions{Force: force}))
}

func (r *recreator) stop(ctx context.Context, ref string, t *tracker) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout+t.wait)
	defer cancel()
	return named("stop", r.engine.Stop(ctx, ref, StopOptions{Timeout: t.stopTimeout}))
}

// stopWait is how long the engine may take to stop the container.
func stopWait(snap Snapshot, override *time.Duration) time.Duration {
	if override != nil {
		return *override
	}
	seconds, ok := number(snap.Config["StopTimeout"])
	switch {
	case !ok:
		return engineStopTimeout
	case seconds < 0: // Docker waits for ever; so long a swap does not
		return time.Hour
	default:
		return time.Duration(min(seconds, math.MaxInt32)) * time.Second
	}
}

func named(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", op, err)
}
