package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func execCases() []oneCase {
	asked := func(c *trial) lifecycle.ExecOptions {
		c.need(len(c.Images.Asks) > 0, "the harness has no command")
		return lifecycle.ExecOptions{Command: c.Images.Asks}
	}
	return []oneCase{
		{"exec/how a command ends", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			for range 2 { // one leaves nothing behind that the next would see
				got, err := able[lifecycle.Execer](c).Exec(ctx, id, asked(c))
				c.done("exec", err)
				c.expect(got.ExitCode == 7, "its exit code is %d, want 7", got.ExitCode)
				c.expect(strings.Contains(got.Output, "answer"), "its output is %q, want answer", got.Output)
			}
		}},
		{"exec/one that is not up", func(ctx context.Context, c *trial) {
			e, opts := able[lifecycle.Execer](c), asked(c)
			_, err := e.Exec(ctx, c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{}), opts)
			c.conflict("exec in a created one", err)
			id := c.run(ctx, "paused", c.Images.Runs)
			c.done("pause", c.Engine.Pause(ctx, id))
			_, err = e.Exec(ctx, id, opts)
			c.conflict("exec in a paused one", err)
			_, err = e.Exec(ctx, namePrefix+"nobody", opts)
			c.notFound("exec in nobody", err)
		}},
		{"exec/it ends with its context", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			opts := asked(c)
			c.need(len(c.Images.Hangs) > 0, "the harness has no command that hangs")
			opts.Command = c.Images.Hangs
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := able[lifecycle.Execer](c).Exec(short, id, opts)
			c.expect(errors.Is(err, context.DeadlineExceeded), "exec: %v, want the context's end", err)
			c.expect(ctx.Err() == nil, "it came back too late")
		}},
	}
}

func platformCases() []oneCase {
	return []oneCase{
		{"platform/what an image has for one", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Runs)
			got, err := able[lifecycle.PlatformInspector](c).InspectImageFor(ctx, image.ID, image.Platform)
			c.done("inspect", err)
			c.expect(got.Platform == image.Platform, "it is for %s, want %s", got.Platform, image.Platform)
			c.expect(slices.Equal(got.Config.Texts("Cmd"), image.Config.Texts("Cmd")), "its command is another")
		}},
		{"platform/no such image", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Runs)
			_, err := able[lifecycle.PlatformInspector](c).InspectImageFor(ctx, c.Images.Missing, image.Platform)
			c.notFound("inspect", err)
		}},
		{"registries/the loopback needs no certificate", func(ctx context.Context, c *trial) {
			got, err := able[lifecycle.RegistryConfigurer](c).RegistryConfig(ctx)
			c.done("ask", err)
			c.expect(slices.Contains(got.Insecure, "127.0.0.0/8"), "without certificates are %v", got.Insecure)
		}},
	}
}
