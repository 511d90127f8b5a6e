package enginetest

import (
	"context"
	"slices"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func removeCases() []oneCase {
	forced := lifecycle.RemoveOptions{Force: true}
	return []oneCase{
		{"remove/one that never ran, and one that has ended", func(ctx context.Context, c *trial) {
			for _, id := range []string{c.container(ctx, "created", c.Images.Runs, lifecycle.Spec{}), c.ended(ctx, "exited")} {
				c.done("remove", c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{}))
				_, err := c.Engine.Inspect(ctx, id)
				c.notFound("inspect afterwards", err)
			}
		}},
		{"remove/one that is up", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "running", c.Images.Runs)
			c.conflict("remove", c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{}))
			c.state(ctx, id, lifecycle.StateRunning)
			c.done("pause", c.Engine.Pause(ctx, id))
			c.conflict("remove", c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{}))
			c.state(ctx, id, lifecycle.StatePaused)
		}},
		{"remove/one that is up, by force", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "running", c.Images.Stubborn)
			c.done("remove", c.Engine.Remove(ctx, id, forced))
			_, err := c.Engine.Inspect(ctx, id)
			c.notFound("inspect afterwards", err)
		}},
		{"remove/one that is dead", func(ctx context.Context, c *trial) {
			c.need(c.Dead != nil, "the harness makes none")
			id := c.ended(ctx, "web")
			c.Dead(id)
			c.state(ctx, id, lifecycle.StateDead)
			got := c.listed(ctx, id) // an engine may list it as one that is still on its way out
			c.expect(got.State == lifecycle.StateDead || got.State == lifecycle.StateRemoving, "it is listed as %s", got.State)
			c.expect(got.Name == namePrefix+"web", "it is listed as %q", got.Name)
			c.done("remove", c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{}))
			_, err := c.Engine.Inspect(ctx, id)
			c.notFound("inspect afterwards", err)
		}},
		{"remove/its volumes stay", func(ctx context.Context, c *trial) {
			c.need(c.Volumes != nil, "the harness lists no volumes")
			for _, opts := range []lifecycle.RemoveOptions{{}, forced} {
				id := c.container(ctx, "web", c.Images.Volume, lifecycle.Spec{})
				volume := c.volume(ctx, id).Name
				c.done("remove", c.Engine.Remove(ctx, id, opts))
				there := slices.Contains(c.Volumes(), volume)
				c.expect(there, "its anonymous volume is gone with it (%+v)", opts)
				if there && c.CleanUp != nil {
					c.CleanUp([]string{volume}, nil)
				}
			}
		}},
		{"remove/nothing by that name", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			c.done("rename", c.Engine.Rename(ctx, id, namePrefix+"www"))
			c.notFound("remove by a former name", c.Engine.Remove(ctx, namePrefix+"web", lifecycle.RemoveOptions{}))
			c.notFound("remove by a former name, by force", c.Engine.Remove(ctx, namePrefix+"web", forced))
			c.inspect(ctx, id)
		}},
	}
}

func startCases() []oneCase {
	return []oneCase{
		{"start/one that never ran, and one that has ended", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			first := c.inspect(ctx, id)
			c.expect(first.State == lifecycle.StateRunning && !first.Status.StartedAt.IsZero(), "it is %s, since %v", first.State, first.Status.StartedAt)
			c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{}))
			c.done("start", c.Engine.Start(ctx, namePrefix+"web"))
			again := c.inspect(ctx, id)
			c.expect(again.State == lifecycle.StateRunning && again.Status.StartedAt.After(first.Status.StartedAt),
				"it is %s, since %v", again.State, again.Status.StartedAt)
		}},
		{"start/one that runs", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			started := c.inspect(ctx, id).Status.StartedAt
			c.done("start", c.Engine.Start(ctx, id))
			c.expect(c.inspect(ctx, id).Status.StartedAt.Equal(started), "it was started anew")
		}},
		{"start/one that is paused", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			c.done("pause", c.Engine.Pause(ctx, id))
			c.conflict("start", c.Engine.Start(ctx, id))
			c.state(ctx, id, lifecycle.StatePaused)
		}},
		{"start/one that cannot", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Broken, lifecycle.Spec{})
			c.expect(c.Engine.Start(ctx, id) != nil, "start: no error")
			snap := c.inspect(ctx, id)
			c.expect(snap.State == lifecycle.StateCreated, "it is %s, want created", snap.State)
		}},
		{"start/the status tells why one cannot", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Broken, lifecycle.Spec{})
			_ = c.Engine.Start(ctx, id)
			c.expect(c.inspect(ctx, id).Status.Error != "", "it does not")
		}},
		{"start/nothing by that name", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			c.done("rename", c.Engine.Rename(ctx, id, namePrefix+"www"))
			c.notFound("start by a former name", c.Engine.Start(ctx, namePrefix+"web"))
			c.state(ctx, id, lifecycle.StateCreated)
		}},
	}
}

func stopCases() []oneCase {
	long := soon
	stop := func(ctx context.Context, c *trial, timeout *time.Duration) {
		id := c.run(ctx, "web", c.Images.Runs)
		c.output(ctx, id, "err") // it has begun to listen to signals
		c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{Timeout: timeout}))
		snap := c.inspect(ctx, id)
		c.expect(snap.State == lifecycle.StateExited && snap.Status.ExitCode == 0, "it is %s with exit code %d", snap.State, snap.Status.ExitCode)
	}
	return []oneCase{
		{"stop/one that runs", func(ctx context.Context, c *trial) { stop(ctx, c, &long) }},
		{"stop/in the container's own time", func(ctx context.Context, c *trial) { stop(ctx, c, nil) }},
		{"stop/one that is not up", func(ctx context.Context, c *trial) {
			for id, state := range map[string]lifecycle.State{
				c.container(ctx, "created", c.Images.Runs, lifecycle.Spec{}): lifecycle.StateCreated,
				c.ended(ctx, "exited"): lifecycle.StateExited,
			} {
				c.done("stop one that is "+string(state), c.Engine.Stop(ctx, id, lifecycle.StopOptions{}))
				c.state(ctx, id, state)
			}
		}},
		{"stop/one that is paused", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			c.done("pause", c.Engine.Pause(ctx, id))
			c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{}))
			c.state(ctx, id, lifecycle.StateExited)
		}},
		{"stop/one that does not listen, after its time", func(ctx context.Context, c *trial) {
			for _, timeout := range []time.Duration{0, 500 * time.Millisecond} { // half a second is a whole one
				id := c.run(ctx, "web-"+timeout.String(), c.Images.Stubborn)
				c.output(ctx, id, "err")
				begun := time.Now()
				c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{Timeout: &timeout}))
				took := time.Since(begun)
				snap := c.inspect(ctx, id)
				c.expect(snap.State == lifecycle.StateExited && snap.Status.ExitCode != 0, "it is %s with exit code %d", snap.State, snap.Status.ExitCode)
				c.expect(took >= timeout && took < soon, "with a timeout of %v it took %v", timeout, took)
			}
		}},
		{"stop/with a signal of the caller's", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Stubborn)
			c.output(ctx, id, "err")
			c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{Signal: "SIGHUP"}))
			snap := c.inspect(ctx, id)
			c.expect(snap.State == lifecycle.StateExited && snap.Status.ExitCode == 7, "it is %s with exit code %d, want 7", snap.State, snap.Status.ExitCode)
		}},
		{"stop/nothing by that name", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			c.done("rename", c.Engine.Rename(ctx, id, namePrefix+"www"))
			c.notFound("stop by a former name", c.Engine.Stop(ctx, namePrefix+"web", lifecycle.StopOptions{}))
			c.state(ctx, id, lifecycle.StateRunning)
		}},
		{"pause/one that runs", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			c.done("pause", c.Engine.Pause(ctx, namePrefix+"web"))
			c.state(ctx, id, lifecycle.StatePaused)
		}},
		{"pause/one that does not run", func(ctx context.Context, c *trial) {
			created := c.container(ctx, "created", c.Images.Runs, lifecycle.Spec{})
			c.conflict("pause one that never ran", c.Engine.Pause(ctx, created))
			id := c.run(ctx, "web", c.Images.Runs)
			c.done("pause", c.Engine.Pause(ctx, id))
			c.conflict("pause one that is paused", c.Engine.Pause(ctx, id))
			c.notFound("pause nobody", c.Engine.Pause(ctx, namePrefix+"nobody"))
		}},
	}
}
