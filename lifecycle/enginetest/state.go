package enginetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Start starts a container. One that cannot start stays "created", or is gone if
// it removes itself.
func (e *Engine) Start(ctx context.Context, ref string) error {
	return e.change(ctx, "Start", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		return e.start(c)
	})
}

func (e *Engine) start(c *container) error {
	switch c.state {
	case lifecycle.StatePaused:
		return fail(errdefs.ErrConflict, "%s is paused", c.name)
	case lifecycle.StateRunning, lifecycle.StateRestarting:
		return nil
	case lifecycle.StateCreated, lifecycle.StateExited, lifecycle.StateDead, lifecycle.StateRemoving:
	}
	if err := e.refuses(c); err != nil {
		c.err = err.Error()
		if c.host.Flag("AutoRemove") {
			e.vanish(c)
		}
		return err
	}
	c.state, c.started, c.err, c.exitCode = lifecycle.StateRunning, time.Now(), "", 0
	c.health = c.of.image.Health
	for _, endpoint := range c.networks {
		e.giveAddress(endpoint)
	}
	return nil
}

// refuses is why a start fails: the image, a port that is taken, a parent that
// is not up.
func (e *Engine) refuses(c *container) error {
	if text := c.of.image.StartError; text != "" {
		return fail(errdefs.ErrInvalidArgument, "%s", text)
	}
	for _, other := range e.containers {
		if other == c || !other.state.Up() {
			continue
		}
		for _, port := range hostPorts(c) {
			if slices.Contains(hostPorts(other), port) {
				return fail(errdefs.ErrInternal, "port %s is already allocated", port)
			}
		}
	}
	for _, mode := range []string{"NetworkMode", "IpcMode", "PidMode"} {
		parent, ok := strings.CutPrefix(c.host.Text(mode), "container:")
		if !ok {
			continue
		}
		if p, err := e.find(parent); err != nil || !p.state.Up() {
			return fail(errdefs.ErrConflict, "cannot join %s, which is not running", parent)
		}
	}
	return nil
}

func hostPorts(c *container) []string {
	var out []string
	for port := range c.host.Object("PortBindings") {
		list, _ := c.host.Object("PortBindings")[port].([]any)
		for _, item := range list {
			if binding, ok := item.(map[string]any); ok {
				if hostPort, _ := binding["HostPort"].(string); hostPort != "" {
					out = append(out, hostPort)
				}
			}
		}
	}
	return out
}

// Stop stops a container, a paused one as well. One that removes itself is gone.
func (e *Engine) Stop(ctx context.Context, ref string, _ lifecycle.StopOptions) error {
	return e.change(ctx, "Stop", ref, func() error {
		c, err := e.find(ref)
		if err != nil || !c.state.Up() {
			return err
		}
		c.finished = time.Now()
		e.ended(c)
		return nil
	})
}

func (e *Engine) ended(c *container) {
	c.state = lifecycle.StateExited
	for _, endpoint := range c.networks {
		delete(endpoint, "IPAddress")
	}
	if c.host.Flag("AutoRemove") {
		e.vanish(c)
	}
}

// Pause freezes a running container.
func (e *Engine) Pause(ctx context.Context, ref string) error {
	return e.change(ctx, "Pause", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		if c.state != lifecycle.StateRunning {
			return fail(errdefs.ErrConflict, "%s is %s", ref, c.state)
		}
		c.state = lifecycle.StatePaused
		return nil
	})
}
