package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// atOnce is how many goroutines use the engine together.
const atOnce = 4

// callCases are about calls as such, whatever they do.
func callCases() []oneCase {
	return []oneCase{
		{"call/an engine that does not answer", func(ctx context.Context, c *trial) {
			c.need(c.Gone != nil, "the harness has none")
			for name, call := range c.calls(ctx, c.Gone) {
				c.fails(name, call(), errdefs.IsUnavailable, "Unavailable")
			}
		}},
		{"call/by a caller who has given up", func(ctx context.Context, c *trial) {
			c.image(ctx, c.Images.Runs)
			before := c.names(ctx)
			gone, cancel := context.WithCancel(ctx)
			cancel()
			for name, call := range c.calls(gone, c.Engine) {
				c.fails(name, call(), func(err error) bool { return errors.Is(err, context.Canceled) }, "context.Canceled")
			}
			c.expect(len(c.names(ctx)) == len(before), "there was %v, and now is %v", before, c.names(ctx))
		}},
		{"call/by a caller who gives up", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Stubborn)
			c.output(ctx, id, "err")
			long, begun := 2*soon, time.Now()
			brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			err := c.Engine.Stop(brief, id, lifecycle.StopOptions{Timeout: &long})
			c.expect(err == nil || errors.Is(err, context.DeadlineExceeded), "stop: %v, want the context's error", err)
			c.expect(time.Since(begun) < soon, "it returned after %v", time.Since(begun))
		}},
		{"call/by many goroutines at once", func(ctx context.Context, c *trial) {
			c.image(ctx, c.Images.Runs)
			var group sync.WaitGroup
			ids, errs := make([]string, atOnce), make([]error, atOnce)
			for i := range ids {
				group.Go(func() { ids[i], errs[i] = c.life(ctx, i) })
			}
			group.Wait()
			for i, err := range errs {
				c.expect(err == nil, "one of many: %v", err)
				if ids[i] != "" {
					c.made = append(c.made, ids[i])
				}
			}
		}},
	}
}

// calls are one of each method's that every Engine has, none of which would
// change what is there.
func (c *trial) calls(ctx context.Context, e lifecycle.Engine) map[string]func() error {
	const nobody = namePrefix + "nobody"
	return map[string]func() error{
		"Containers":   func() error { _, err := e.Containers(ctx); return err },
		"Images":       func() error { _, err := e.Images(ctx); return err },
		"Inspect":      func() error { _, err := e.Inspect(ctx, nobody); return err },
		"InspectImage": func() error { _, err := e.InspectImage(ctx, c.Images.Missing); return err },
		"Pull":         func() error { return e.Pull(ctx, lifecycle.PullOptions{Reference: c.Images.Missing}) },
		"Tag":          func() error { return e.Tag(ctx, c.Images.Missing, second) },
		"RemoveImage":  func() error { return e.RemoveImage(ctx, c.Images.Missing) },
		"Create": func() error {
			spec := lifecycle.Spec{Config: lifecycle.Document{"Image": c.Images.Runs}}
			id, err := e.Create(ctx, lifecycle.CreateOptions{Name: nobody, Spec: spec})
			if err == nil {
				c.made = append(c.made, id)
			}
			return err
		},
		"Rename": func() error { return e.Rename(ctx, nobody, nobody+"-else") },
		"Remove": func() error { return e.Remove(ctx, nobody, lifecycle.RemoveOptions{}) },
		"Start":  func() error { return e.Start(ctx, nobody) },
		"Stop":   func() error { return e.Stop(ctx, nobody, lifecycle.StopOptions{}) },
		"Pause":  func() error { return e.Pause(ctx, nobody) },
	}
}

// life is one container's, beside others.
func (c *trial) life(ctx context.Context, i int) (id string, err error) {
	name := fmt.Sprintf("%smany-%d", namePrefix, i)
	id, err = c.Engine.Create(ctx, lifecycle.CreateOptions{
		Name: name, Spec: lifecycle.Spec{Config: lifecycle.Document{"Image": c.Images.Runs}},
	})
	if err != nil {
		return "", err
	}
	zero := time.Duration(0)
	for _, step := range []func() error{
		func() error { return c.Engine.Rename(ctx, name, name+"-renamed") },
		func() error { return c.Engine.Start(ctx, name+"-renamed") },
		func() error { _, err := c.Engine.Containers(ctx); return err },
		func() error { _, err := c.Engine.Inspect(ctx, id); return err },
		func() error { _, err := c.Engine.Images(ctx); return err },
		func() error { return c.Engine.Stop(ctx, id, lifecycle.StopOptions{Timeout: &zero}) },
		func() error { return c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{}) },
	} {
		if err := step(); err != nil {
			return id, err
		}
	}
	return id, nil
}
