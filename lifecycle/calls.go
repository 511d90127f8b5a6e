package lifecycle

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/watchtower-go/watchtower/internal/errclass"
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

func (r *recreator) inspect(ctx context.Context, ref string) (snap Snapshot, err error) {
	err = named("inspect", errclass.Within(ctx, callTimeout, func(ctx context.Context) (err error) {
		snap, err = r.engine.Inspect(ctx, ref)
		return err
	}))
	return snap, err
}

func (r *recreator) inspectImage(ctx context.Context, ref, platform string) (image Image, err error) {
	err = errclass.Within(ctx, callTimeout, func(ctx context.Context) (err error) {
		image, err = InspectImageFor(ctx, r.engine, ref, platform)
		return err
	})
	return image, err
}

func (r *recreator) create(ctx context.Context, opts CreateOptions) (id string, err error) {
	err = named("create", errclass.Within(ctx, callTimeout, func(ctx context.Context) (err error) {
		id, err = r.engine.Create(ctx, opts)
		return err
	}))
	return id, err
}

func (r *recreator) rename(ctx context.Context, ref, name string) error {
	return named("rename", errclass.Within(ctx, callTimeout, func(ctx context.Context) error { return r.engine.Rename(ctx, ref, name) }))
}

func (r *recreator) start(ctx context.Context, ref string) error {
	return named("start", errclass.Within(ctx, callTimeout, func(ctx context.Context) error { return r.engine.Start(ctx, ref) }))
}

func (r *recreator) pause(ctx context.Context, ref string) error {
	return named("pause", errclass.Within(ctx, callTimeout, func(ctx context.Context) error { return r.engine.Pause(ctx, ref) }))
}

func (r *recreator) remove(ctx context.Context, ref string, force bool) error {
	return named("remove", errclass.Within(ctx, callTimeout, func(ctx context.Context) error {
		return r.engine.Remove(ctx, ref, RemoveOptions{Force: force})
	}))
}

// stop stops what is called ref, as the labels of it say.
func (r *recreator) stop(ctx context.Context, ref string, labels map[string]string, t *tracker) error {
	opts := stopOptions(labels, t.stopTimeout)
	return named("stop", errclass.Within(ctx, callTimeout+t.wait, func(ctx context.Context) error {
		return r.engine.Stop(ctx, ref, opts)
	}))
}

// stopWait is how long the engine may take to stop the container.
func stopWait(snap Snapshot, override *time.Duration) time.Duration {
	if given := stopOptions(snap.Labels, override).Timeout; given != nil {
		return *given
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
