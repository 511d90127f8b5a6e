package enginetest

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// fullID is what an engine calls a container by.
var fullID = regexp.MustCompile(`^[0-9a-f]{64}$`)

func listCases() []oneCase {
	return []oneCase{
		{"list/containers in every state", func(ctx context.Context, c *trial) {
			paused, exited := c.run(ctx, "paused", c.Images.Runs), c.ended(ctx, "exited")
			c.done("pause", c.Engine.Pause(ctx, paused))
			for id, want := range map[string]lifecycle.State{
				c.container(ctx, "created", c.Images.Runs, lifecycle.Spec{}): lifecycle.StateCreated,
				c.run(ctx, "running", c.Images.Runs):                         lifecycle.StateRunning,
				paused:                                                       lifecycle.StatePaused,
				exited:                                                       lifecycle.StateExited,
			} {
				got := c.listed(ctx, id)
				c.expect(got.State == want, "%s is listed as %q, want %q", got.Name, got.State, want)
			}
		}},
		{"list/what is told of a container", func(ctx context.Context, c *trial) {
			begun := time.Now()
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{"own": "label"}}})
			got := c.listed(ctx, id)
			c.expect(fullID.MatchString(got.ID), "its ID is %q, want 64 hexadecimal digits", got.ID)
			c.expect(got.Name == namePrefix+"web", "its name is %q, want %q", got.Name, namePrefix+"web")
			c.expect(got.Image == c.Images.Runs, "its image is %q, want the reference %q", got.Image, c.Images.Runs)
			image, err := c.Engine.InspectImage(ctx, c.Images.Runs)
			c.done("inspect its image", err)
			c.expect(got.ImageID == image.ID, "its image's ID is %q, want %q", got.ImageID, image.ID)
			c.expect(got.Labels["own"] == "label", "its labels are %v, want its own among them", got.Labels)
			c.expect(got.Labels["conform"] == "image", "its labels are %v, want its image's among them", got.Labels)
			age := got.Created.Sub(begun)
			c.expect(-time.Minute < age && age < time.Minute, "it was created at %v, %v after the call", got.Created, age)
		}},
		{"list/a container whose tag has moved", func(ctx context.Context, c *trial) {
			own, other := c.image(ctx, c.Images.Runs), c.image(ctx, c.Images.Spare)
			c.tag(ctx, own.ID, second)
			id, err := c.create(ctx, "web", second, lifecycle.Spec{})
			c.done("create", err)
			c.tag(ctx, other.ID, second)
			got := c.listed(ctx, id)
			c.expect(got.Image == second || strings.HasPrefix(got.Image, "sha256:"),
				"the list shows its image as %q, want its reference or an ID", got.Image)
			c.expect(got.ImageID == own.ID, "the list shows the image ID %q, want %q", got.ImageID, own.ID)
			snap := c.inspect(ctx, id)
			c.expect(snap.Image == second, "its image is %q, want its reference %q", snap.Image, second)
			c.expect(snap.ImageID == own.ID, "its image's ID is %q, want %q", snap.ImageID, own.ID)
		}},
		{"list/images with tags and digests", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Spare)
			got := c.listedImage(ctx, image.ID)
			c.expect(slices.Equal(got.Tags, image.Tags) && len(got.Tags) == 1, "its tags are %v, an inspect has %v, want one", got.Tags, image.Tags)
			c.expect(slices.Equal(got.Digests, image.Digests) && len(got.Identity()) > 1,
				"its digests are %v, an inspect has %v, want that of its manifest", got.Digests, image.Digests)
		}},
		{"list/images without a tag", func(ctx context.Context, c *trial) {
			image, other := c.image(ctx, c.Images.Spare), c.image(ctx, c.Images.Runs)
			c.done("tag", c.Engine.Tag(ctx, other.ID, c.Images.Spare))
			got := c.listedImage(ctx, image.ID)
			c.expect(len(got.Tags) == 0, "its tags are %q, want none", got.Tags)
			for _, d := range got.Digests {
				c.expect(!strings.Contains(d, "<none>"), "%q is no digest", d)
			}
			c.pull(ctx, c.Images.Spare) // as it was
		}},
	}
}

// listedImage is the image in the list.
func (c *trial) listedImage(ctx context.Context, id string) lifecycle.Image {
	list, err := c.Engine.Images(ctx)
	c.done("list the images", err)
	i := slices.IndexFunc(list, func(e lifecycle.Image) bool { return e.ID == id })
	c.need(i >= 0, "%s is not in the list", id)
	return list[i]
}
