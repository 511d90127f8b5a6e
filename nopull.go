package watchtower

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// WithNoPull asks no registry and pulls nothing: a container is stale if its
// reference leads to another image on the engine, and is moved to that, built or
// loaded here as it may be. NoPullLabel may say so of one container. Tag policies
// are for registries: such a container follows its tag. Gates are asked as ever.
// Default: registries are asked.
func WithNoPull(on bool) Option {
	return func(c *config) error { c.noPull = on; return nil }
}

// checkHere judges those for which no registry is asked; it returns the others, and
// what is stale.
func (p *pass) checkHere(ctx context.Context, candidates []candidate) (others, stale []candidate) {
	for _, c := range candidates {
		switch {
		case !c.entry.Policy.on(policyNoPull):
			others = append(others, c)
		case p.judgeHere(ctx, &c):
			stale = append(stale, c)
		}
	}
	return others, stale
}

// judgeHere says whether the container's reference leads to another image on the
// engine than the one it runs.
func (p *pass) judgeHere(ctx context.Context, c *candidate) bool {
	e := c.entry
	id, ok := p.inv.tags[c.ref.String()]
	if !ok {
		p.skip(e, "no-pull: its reference leads to no image on this engine")
		return false
	}
	e.Status, e.Latest = StatusFresh, pulledAs(p.inv.images[id], c.ref)
	if slices.Contains(p.inv.identity(e.Container), digest.Digest(id)) {
		return false
	}
	platform, err := p.platform(ctx, e.Container)
	var image lifecycle.Image
	if err == nil {
		image, err = p.inspectImage(ctx, id, platform)
	}
	switch {
	case errdefs.IsNotFound(err), err == nil && architecture(image.Platform) != architecture(platform):
		p.skip(e, fmt.Sprintf("no-pull: its reference leads to no image for %s on this engine", platform))
		return false
	case err != nil:
		p.unjudged(c, err)
		return false
	case p.sameManifest(ctx, e.Container, id):
		e.Reason = "the index moved, its content did not"
		return false
	}
	if e.OutOfDate = true; p.failedBefore(ctx, c) {
		return false
	}
	c.here, c.image = true, registry.Image{Platform: image.Platform, Config: digest.Digest(id)}
	p.moved[c.image.Config] = described{image.Config, image.Created}
	e.Status, e.NewImageID, e.Reason = StatusStale, id, "its reference leads to another image here"
	return true
}

// sameManifest reports whether an image for several platforms has for the container's
// what it runs already. An engine shows an image, as it is for a platform, by the
// manifest's digest.
func (p *pass) sameManifest(ctx context.Context, c lifecycle.Container, id string) bool {
	able, ok := p.cfg.engine.(lifecycle.PlatformInspector)
	if !ok || c.ImageManifest == "" || c.ImagePlatform == "" {
		return false
	}
	var shown lifecycle.Image
	err := errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		shown, err = able.InspectImageFor(ctx, id, c.ImagePlatform)
		return err
	})
	return err == nil && shown.ID == c.ImageManifest
}

// pulledAs is the digest that the image has in the reference's repository, if it was
// pulled from it, else its ID.
func pulledAs(image lifecycle.Image, ref registry.Reference) string {
	for _, text := range image.Digests {
		if from, err := registry.Parse(text); err == nil && from.Host == ref.Host && from.Repository == ref.Repository {
			return from.Digest.String()
		}
	}
	return image.ID
}

// architecture is a platform without its variant, which images for the same one spell
// in many ways.
func architecture(platform string) string {
	parts := strings.SplitN(platform, "/", 3)
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

// errMovedHere: between the look and the swap somebody moved a tag that no pull is to
// put right.
func errMovedHere(reference string) error {
	return errclass.With(errdefs.ErrFailedPrecondition, fmt.Errorf("%s no longer leads to the image that was found here", reference))
}
