package enginetest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func abilityCases() []oneCase {
	return []oneCase{
		{"ability/ping", func(ctx context.Context, c *trial) {
			c.done("ping", able[lifecycle.Pinger](c).Ping(ctx))
		}},
		{"ability/describe", func(ctx context.Context, c *trial) {
			info, err := able[lifecycle.Describer](c).Describe(ctx)
			c.done("describe", err)
			c.expect(info.Name != "" && info.Version != "" && info.Address != "", "it is %+v", info)
			c.expect(platformForm.MatchString(info.Platform), "its platform is %q, want os/arch", info.Platform)
		}},
		{"ability/logs", func(ctx context.Context, c *trial) {
			logs := able[lifecycle.LogReader](c)
			id := c.run(ctx, "web", c.Images.Runs)
			c.output(ctx, id, "out")
			c.output(ctx, id, "err")
			var all, last bytes.Buffer
			c.done("logs", logs.Logs(ctx, id, 10, &all))
			c.expect(strings.Contains(all.String(), "out\n") && all.Len() == len("out\nerr\n"), "it wrote %q, want out and err, a line each", all.String())
			c.done("logs", logs.Logs(ctx, id, 1, &last))
			c.expect(strings.HasSuffix(all.String(), last.String()) && strings.Count(last.String(), "\n") == 1,
				"its last line is %q, of %q", last.String(), all.String())
			c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{}))
			c.output(ctx, id, "err") // what has ended has still said it
			c.notFound("logs of nobody", logs.Logs(ctx, namePrefix+"nobody", 1, &bytes.Buffer{}))
		}},
	}
}

// able is the engine as one that has an ability.
func able[T any](c *trial) T {
	ability, ok := c.Engine.(T)
	c.need(ok, "the engine has no such methods")
	return ability
}

// output waits until the container has written a line. With an engine that shows
// none a second has to do.
func (c *trial) output(ctx context.Context, id, line string) {
	logs, ok := c.Engine.(lifecycle.LogReader)
	if !ok {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		return
	}
	c.await(ctx, "it writes "+line, func() bool {
		var out bytes.Buffer
		c.done("logs", logs.Logs(ctx, id, 10, &out))
		return slices.Contains(strings.Split(out.String(), "\n"), line)
	})
}

func networkCases() []oneCase {
	on := func(ctx context.Context, c *trial, id, network string) []string {
		return c.inspect(ctx, id).Networks[network].Texts("Aliases")
	}
	return []oneCase{
		{"network/join and leave", func(ctx context.Context, c *trial) {
			connector := able[lifecycle.Connector](c)
			c.need(len(c.Networks) > 1, "the harness names no two networks")
			for _, start := range []bool{false, true} { // up or not
				id := c.container(ctx, map[bool]string{false: "created", true: "running"}[start], c.Images.Runs, lifecycle.Spec{
					HostConfig: lifecycle.Document{"NetworkMode": c.Networks[0]},
					Networks:   map[string]lifecycle.Document{c.Networks[0]: {}},
				})
				if start {
					c.done("start", c.Engine.Start(ctx, id))
				}
				c.done("connect", connector.Connect(ctx, c.Networks[1], id, lifecycle.Document{"Aliases": []any{"joined"}}))
				got := on(ctx, c, id, c.Networks[1])
				c.expect(slices.Contains(got, "joined"), "its aliases are %v, want joined", got)
				c.done("disconnect", connector.Disconnect(ctx, c.Networks[1], id))
				_, still := c.inspect(ctx, id).Networks[c.Networks[1]]
				c.expect(!still, "it is still on the network")
			}
		}},
		{"network/no such container", func(ctx context.Context, c *trial) {
			connector := able[lifecycle.Connector](c)
			c.need(len(c.Networks) > 1, "the harness names no two networks")
			c.notFound("connect", connector.Connect(ctx, c.Networks[0], namePrefix+"nobody", lifecycle.Document{}))
			c.notFound("disconnect", connector.Disconnect(ctx, c.Networks[0], namePrefix+"nobody"))
		}},
		{"network/no such network", func(ctx context.Context, c *trial) {
			connector := able[lifecycle.Connector](c)
			id := c.run(ctx, "web", c.Images.Runs)
			c.notFound("connect", connector.Connect(ctx, namePrefix+"nowhere", id, lifecycle.Document{}))
			c.notFound("disconnect", connector.Disconnect(ctx, namePrefix+"nowhere", id))
		}},
	}
}
