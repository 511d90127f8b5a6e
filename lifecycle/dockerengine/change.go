package dockerengine

import (
	"context"
	"math"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

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

var _ lifecycle.VolumeRemover = (*Engine)(nil)

// RemoveVolume removes a volume that no container has.
func (e *Engine) RemoveVolume(ctx context.Context, volume string) error {
	return e.do(ctx, "remove volume", volume, func(s *session) error { return s.VolumeRemove(ctx, volume, false) })
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
// is sent first and has the time to work, and the stop does the rest.
func (e *Engine) Stop(ctx context.Context, ref string, opts lifecycle.StopOptions) error {
	return e.do(ctx, "stop", ref, func(s *session) error {
		stop := container.StopOptions{Signal: opts.Signal}
		if opts.Timeout != nil {
			seconds := int(math.Ceil(opts.Timeout.Seconds()))
			stop.Timeout = &seconds
		}
		if opts.Signal == "" || s.atLeast("1.42") {
			return s.ContainerStop(ctx, ref, stop)
		}
		return signalAndStop(ctx, s, ref, stop)
	})
}

// defaultStop is the time Docker gives a container that sets none.
const defaultStop = 10 * time.Second

// signalAndStop sends the signal to what is called ref now, and goes on by its ID: its
// name may change meanwhile, and would then say that it is gone.
func signalAndStop(ctx context.Context, s *session, ref string, stop container.StopOptions) error {
	info, err := s.ContainerInspect(ctx, ref)
	if err != nil {
		return err
	}
	id := ref
	if info.ContainerJSONBase != nil {
		id = info.ID
	}
	if stop.Timeout == nil && info.Config != nil {
		stop.Timeout = info.Config.StopTimeout
	}
	wait := defaultStop
	if stop.Timeout != nil {
		wait = time.Duration(*stop.Timeout) * time.Second
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	// Asked for before there is one, so that none is missed.
	ended, failed := s.ContainerWait(waiting, id, container.WaitConditionNextExit)
	err = s.ContainerKill(ctx, ref, stop.Signal)
	if errdefs.IsConflict(err) {
		return s.ContainerStop(ctx, ref, stop) // it was not up, or is no longer
	}
	if err != nil {
		return err
	}
	if wait >= 0 { // below, a container has all the time it wants
		defer time.AfterFunc(wait, cancel).Stop()
	}
	select {
	case <-ended:
		// Of a container with a signal of its own, the engine takes another one for a
		// crash, and its policy may begin another life, which has its time too.
		betweenLives(ctx, s, id)
	case err := <-failed: // out of time, gone, or refused: the stop that follows finds out which
		if errdefs.IsPermissionDenied(err) {
			return s.ContainerStop(ctx, id, stop) // its end cannot be seen from here: the engine waits for it
		}
		if waiting.Err() != nil {
			stop.Timeout = new(int) // it has had its time
		}
	}
	if err := s.ContainerStop(ctx, id, stop); !errdefs.IsNotFound(err) {
		return err
	}
	return nil // --rm: it went when it ended
}

const (
	// restartWithin is how long to wait for a life to begin: the engine waits for a
	// tenth of a second if the one before it was no short one.
	restartWithin = 5 * time.Second
	restartPoll   = 50 * time.Millisecond
)

// betweenLives waits while the container is between two lives: a stop that comes as
// the next one begins may miss it.
func betweenLives(ctx context.Context, s *session, ref string) {
	ctx, cancel := context.WithTimeout(ctx, restartWithin)
	defer cancel()
	for {
		info, err := s.ContainerInspect(ctx, ref)
		if err != nil || info.ContainerJSONBase == nil || info.State == nil || !info.State.Restarting || !pause(ctx, restartPoll) {
			return // the stop that follows finds out what it is
		}
	}
}
