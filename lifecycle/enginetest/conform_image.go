package enginetest

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func imageCases() []oneCase {
	return []oneCase{
		{"tag/a reference moves", func(ctx context.Context, c *trial) {
			for _, image := range []lifecycle.Image{c.image(ctx, c.Images.Runs), c.image(ctx, c.Images.Spare)} {
				c.tag(ctx, image.ID, second)
				got, err := c.Engine.InspectImage(ctx, second)
				c.done("inspect", err)
				c.expect(got.ID == image.ID, "it leads to %s, want %s", got.ID, image.ID)
			}
		}},
		{"tag/no such image", func(ctx context.Context, c *trial) {
			c.notFound("tag", c.Engine.Tag(ctx, "sha256:"+strings.Repeat("0", 64), second))
		}},
		{"tag/what is no reference", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Runs)
			c.invalid("tag", c.Engine.Tag(ctx, image.ID, "Not A Reference"))
		}},
		{"remove image/one that nothing uses", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Spare)
			c.done("remove", c.Engine.RemoveImage(ctx, image.ID))
			for _, ref := range []string{image.ID, c.Images.Spare} {
				_, err := c.Engine.InspectImage(ctx, ref)
				c.notFound("inspect afterwards", err)
			}
			c.notFound("remove again", c.Engine.RemoveImage(ctx, image.ID))
		}},
		{"remove image/one that a container uses", func(ctx context.Context, c *trial) {
			created := c.container(ctx, "web", c.Images.Spare, lifecycle.Spec{})
			image := c.image(ctx, c.Images.Spare)
			c.conflict("remove", c.Engine.RemoveImage(ctx, image.ID))
			c.done("start", c.Engine.Start(ctx, created))
			c.conflict("remove, while it runs", c.Engine.RemoveImage(ctx, image.ID))
			c.expect(c.inspect(ctx, created).Image == c.Images.Spare, "its reference is gone")
			_, err := c.Engine.InspectImage(ctx, c.Images.Spare)
			c.done("inspect afterwards", err)
		}},
		{"remove image/one with a second tag", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Spare)
			c.tag(ctx, image.ID, second)
			c.conflict("remove", c.Engine.RemoveImage(ctx, image.ID))
			for _, ref := range []string{c.Images.Spare, second} {
				_, err := c.Engine.InspectImage(ctx, ref)
				c.done("inspect afterwards", err)
			}
		}},
	}
}

func pullCases() []oneCase {
	pull := func(ctx context.Context, c *trial, opts lifecycle.PullOptions) error {
		c.need(opts.Reference != "", "the harness has no such image")
		return c.Engine.Pull(ctx, opts)
	}
	return []oneCase{
		{"pull/it is there when the call returns", func(ctx context.Context, c *trial) {
			_ = c.Engine.RemoveImage(ctx, c.image(ctx, c.Images.Spare).ID)
			for range 2 { // the second time there is nothing to do
				var seen []lifecycle.PullProgress
				c.done("pull", pull(ctx, c, lifecycle.PullOptions{
					Reference: c.Images.Spare, Progress: func(p lifecycle.PullProgress) { seen = append(seen, p) },
				}))
				c.expect(len(seen) > 0 && seen[len(seen)-1].Status != "", "its progress is %v", seen)
				image, err := c.Engine.InspectImage(ctx, c.Images.Spare)
				c.done("inspect", err)
				c.expect(len(image.Identity()) > 1, "its digests are %v, want that of its manifest", image.Digests)
			}
		}},
		{"pull/for a platform", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Runs)
			c.done("pull", pull(ctx, c, lifecycle.PullOptions{Reference: c.Images.Runs, Platform: image.Platform}))
			again, err := c.Engine.InspectImage(ctx, c.Images.Runs)
			c.done("inspect", err)
			c.expect(again.ID == image.ID, "it is another image")
		}},
		{"pull/a tag puts the reference back", func(ctx context.Context, c *trial) {
			image, other := c.image(ctx, c.Images.Spare), c.image(ctx, c.Images.Runs)
			c.done("tag", c.Engine.Tag(ctx, other.ID, c.Images.Spare))
			c.expect(c.pull(ctx, c.Images.Spare).ID == image.ID, "after the pull it leads to another image")
		}},
		{"pull/what the registry does not have", func(ctx context.Context, c *trial) {
			c.notFound("pull", pull(ctx, c, lifecycle.PullOptions{Reference: c.Images.Missing}))
		}},
		{"pull/what is no reference", func(ctx context.Context, c *trial) {
			c.invalid("pull", pull(ctx, c, lifecycle.PullOptions{Reference: "Not A Reference"}))
		}},
		{"pull/one that fails in its middle", func(ctx context.Context, c *trial) {
			c.expect(pull(ctx, c, lifecycle.PullOptions{Reference: c.Images.BreaksOff}) != nil, "pull: no error")
			_, err := c.Engine.InspectImage(ctx, c.Images.BreaksOff)
			c.notFound("inspect afterwards", err)
		}},
		{"pull/with a login", func(ctx context.Context, c *trial) {
			opts := lifecycle.PullOptions{Reference: c.Images.Private}
			refused := func(err error) bool { return errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err) }
			c.fails("pull without it", pull(ctx, c, opts), refused, "Unauthenticated or PermissionDenied")
			opts.Credential = c.Images.Login
			c.done("pull", pull(ctx, c, opts))
		}},
	}
}
