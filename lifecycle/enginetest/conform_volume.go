package enginetest

import (
	"context"
	"slices"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func volumeCases() []oneCase {
	return []oneCase{
		{"volume/only one that nobody has is removed", func(ctx context.Context, c *trial) {
			c.need(c.Volumes != nil, "the harness lists no volumes")
			volumes := able[lifecycle.VolumeRemover](c)
			id := c.run(ctx, "web", c.Images.Volume)
			mounts := c.inspect(ctx, id).Mounts
			c.need(len(mounts) == 1, "it has the mounts %v, want one", mounts)
			volume := mounts[0].Name
			c.conflict("remove the volume of one that runs", volumes.RemoveVolume(ctx, volume))
			c.done("stop", c.Engine.Stop(ctx, id, lifecycle.StopOptions{}))
			c.conflict("remove the volume of one that has ended", volumes.RemoveVolume(ctx, volume))
			c.done("remove", c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{}))
			c.expect(slices.Contains(c.Volumes(), volume), "it went with its container")
			c.done("remove the volume", volumes.RemoveVolume(ctx, volume))
			c.expect(!slices.Contains(c.Volumes(), volume), "it is still there")
			c.notFound("remove it again", volumes.RemoveVolume(ctx, volume))
		}},
	}
}
