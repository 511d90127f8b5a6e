package enginetest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// platformForm is "os/arch" or "os/arch/variant".
var platformForm = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$`)

func inspectCases() []oneCase {
	return []oneCase{
		{"inspect/by name and by ID", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			for _, ref := range []string{id, namePrefix + "web"} {
				snap := c.inspect(ctx, ref)
				c.expect(snap.ID == id && snap.Name == namePrefix+"web", "by %s it is %q, %q", ref, snap.ID, snap.Name)
				c.expect(snap.Image == c.Images.Runs, "its image is %q, want the reference %q", snap.Image, c.Images.Runs)
				c.expect(snap.ImageID == c.listed(ctx, id).ImageID, "its image's ID is %q, the list has another", snap.ImageID)
				c.expect(snap.Labels["conform"] == "image", "its labels are %v, want its image's among them", snap.Labels)
			}
		}},
		{"inspect/nothing by that name", func(ctx context.Context, c *trial) {
			_, err := c.Engine.Inspect(ctx, namePrefix+"nobody")
			c.notFound("inspect", err)
			_, err = c.Engine.Inspect(ctx, strings.Repeat("0", 64))
			c.notFound("inspect by ID", err)
		}},
		{"inspect/by a former name", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			c.done("rename", c.Engine.Rename(ctx, id, namePrefix+"www"))
			_, err := c.Engine.Inspect(ctx, namePrefix+"web")
			c.notFound("inspect", err)
		}},
		{"inspect/what it was created with", func(ctx context.Context, c *trial) {
			snap := c.inspect(ctx, c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{
				Config:     lifecycle.Document{"Env": []any{"A=1"}, "WorkingDir": "/tmp"},
				HostConfig: lifecycle.Document{"Memory": 67108864},
			}))
			c.expect(slices.Contains(snap.Config.Texts("Env"), "A=1"), "its environment is %v, want A=1 in it", snap.Config["Env"])
			c.expect(snap.Config.Text("WorkingDir") == "/tmp", "its working directory is %q, want /tmp", snap.Config["WorkingDir"])
			c.expect(fmt.Sprint(snap.HostConfig["Memory"]) == "67108864", "its memory is %v, want 67108864", snap.HostConfig["Memory"])
		}},
		{"inspect/an anonymous volume", func(ctx context.Context, c *trial) {
			mount := c.volume(ctx, c.container(ctx, "web", c.Images.Volume, lifecycle.Spec{}))
			c.expect(mount.Type == "volume" && fullID.MatchString(mount.Name) && !mount.ReadOnly,
				"it is %+v, want a volume with a name of 64 hexadecimal digits", mount)
		}},
		{"inspect/one that never ran", func(ctx context.Context, c *trial) {
			snap := c.inspect(ctx, c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{}))
			c.expect(snap.State == lifecycle.StateCreated, "it is %s", snap.State)
			st := snap.Status
			c.expect(st.StartedAt.IsZero() && st.FinishedAt.IsZero() && st.ExitCode == 0 && st.Error == "", "its status is %+v", st)
		}},
		{"inspect/one that has ended", func(ctx context.Context, c *trial) {
			snap := c.inspect(ctx, c.ended(ctx, "web"))
			st := snap.Status
			c.expect(st.ExitCode == 3, "its exit code is %d, want 3", st.ExitCode)
			c.expect(!st.StartedAt.IsZero() && !st.FinishedAt.IsZero(), "it ran from %v to %v", st.StartedAt, st.FinishedAt)
		}},
		{"inspect/one whose health is checked", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Healthy)
			c.await(ctx, "it becomes healthy", func() bool { return c.inspect(ctx, id).Status.Health == "healthy" })
		}},
		{"inspect/an image", func(ctx context.Context, c *trial) {
			c.image(ctx, c.Images.Runs)
			byReference, err := c.Engine.InspectImage(ctx, c.Images.Runs)
			c.done("inspect image by reference", err)
			byID, err := c.Engine.InspectImage(ctx, byReference.ID)
			c.done("inspect image by ID", err)
			c.expect(byID.ID == byReference.ID, "by its ID it is %s, by its reference %s", byID.ID, byReference.ID)
			c.expect(platformForm.MatchString(byID.Platform), "its platform is %q", byID.Platform)
			c.expect(byID.Config.Object("Labels").Text("conform") == "image", "its defaults are %v, want its label in them", byID.Config)
		}},
		{"inspect/no such image", func(ctx context.Context, c *trial) {
			_, err := c.Engine.InspectImage(ctx, c.Images.Missing)
			c.notFound("inspect image", err)
			_, err = c.Engine.InspectImage(ctx, "sha256:"+strings.Repeat("0", 64))
			c.notFound("inspect image by ID", err)
		}},
	}
}

// volume is the one at /data.
func (c *trial) volume(ctx context.Context, id string) lifecycle.Mount {
	mounts := c.inspect(ctx, id).Mounts
	i := slices.IndexFunc(mounts, func(m lifecycle.Mount) bool { return m.Destination == "/data" })
	c.need(i >= 0, "its mounts are %v, want one at /data", mounts)
	return mounts[i]
}
