package dockerengine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// Rename gives the container another name.
func (e *Engine) Rename(ctx context.Context, ref, name string) error {
	return e.do(ctx, "rename", ref, func(s *session) error { return s.ContainerRename(ctx, ref, name) })
}

// Remove removes a container and no volume.
func (e *Engine) Remove(ctx context.Context, ref string, opts lifecycle.RemoveOptions) error {
	return e.do(ctx, "remove", ref, func(s *session) error {
		return s.ContainerRemove(ctx, ref, container.RemoveOptions{Force: opts.Force})
	})
}

// Start starts a container.
func (e *Engine) Start(ctx context.Context, ref string) error {
	return e.do(ctx, "start", ref, func(s *session) error { return s.ContainerStart(ctx, ref, container.StartOptions{}) })
}

// Pause freezes a container.
func (e *Engine) Pause(ctx context.Context, ref string) error {
	return e.do(ctx, "pause", ref, func(s *session) error { return s.ContainerPause(ctx, ref) })
}

// Stop stops a container. Below API 1.42 the engine's stop takes no signal: it
// is sent first, and the stop does the rest.
func (e *Engine) Stop(ctx context.Context, ref string, opts lifecycle.StopOptions) error {
	return e.do(ctx, "stop", ref, func(s *session) error {
		stop := container.StopOptions{Signal: opts.Signal}
		if opts.Timeout != nil {
			seconds := int(math.Ceil(opts.Timeout.Seconds()))
			stop.Timeout = &seconds
		}
		if opts.Signal != "" && !s.atLeast("1.42") {
			if err := signalFirst(ctx, s, ref, opts); err != nil {
				return err
			}
		}
		return s.ContainerStop(ctx, ref, stop)
	})
}

// defaultStop is the time Docker gives a container that sets none.
const defaultStop = 10 * time.Second

func signalFirst(ctx context.Context, s *session, ref string, opts lifecycle.StopOptions) error {
	timeout := defaultStop
	if opts.Timeout != nil {
		timeout = *opts.Timeout
	}
	if err := s.ContainerKill(ctx, ref, opts.Signal); err != nil {
		if errdefs.IsConflict(err) {
			return nil // it is not up
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ended, failed := s.ContainerWait(ctx, ref, container.WaitConditionNotRunning)
	select {
	case <-ended:
	case err := <-failed:
		_ = err // out of time, or gone: the stop that follows finds out which
	}
	return nil
}

// unreachable gives an HTTP error without an answer its class; the URL in it
// says nothing a reader can use.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("no answer from the engine: %w", err))
}
