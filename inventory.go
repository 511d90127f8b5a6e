package watchtower

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

const (
	// pingTimeout bounds the first word with an engine, so that one that does
	// not answer is told from one that is busy.
	pingTimeout = 8 * time.Second
	// listTimeout bounds a list, which takes an engine with thousands of
	// containers seconds.
	listTimeout = time.Minute
	// inspectTimeout bounds one inspect, which takes a busy engine seconds.
	inspectTimeout = time.Minute
	// inspectConcurrency is how many inspects go on at once.
	inspectConcurrency = 8
)

// inventory is what the engine has, seen once at the beginning of a pass.
type inventory struct {
	containers []lifecycle.Container
	images     map[string]lifecycle.Image // by ID
	tags       map[string]string          // whole reference to image ID
	services   []lifecycle.Container      // of a swarm, as containers
	platforms  []string                   // of the swarm's nodes
}

// ping asks whether the engine is there at all.
func (t *Tower) ping(ctx context.Context) error {
	p, ok := t.cfg.engine.(lifecycle.Pinger)
	if !ok {
		return nil
	}
	return errclass.Within(ctx, pingTimeout, p.Ping)
}

func (t *Tower) inventory(ctx context.Context) (inv *inventory, err error) {
	err = errclass.Within(ctx, listTimeout, func(ctx context.Context) (err error) {
		inv, err = t.takeInventory(ctx)
		return err
	})
	return inv, err
}

func (t *Tower) takeInventory(ctx context.Context) (*inventory, error) {
	var images []lifecycle.Image
	inv := &inventory{images: map[string]lifecycle.Image{}, tags: map[string]string{}}
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		inv.containers, err = t.cfg.engine.Containers(gctx)
		return err
	})
	group.Go(func() (err error) {
		images, err = t.cfg.engine.Images(gctx)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, image := range images {
		inv.images[image.ID] = image
		for _, tag := range image.Tags {
			if ref, err := registry.Parse(tag); err == nil {
				inv.tags[ref.String()] = image.ID
			}
		}
	}
	seen := map[string]bool{} // one that is listed twice is one
	inv.containers = slices.DeleteFunc(inv.containers, func(c lifecycle.Container) bool {
		twice := seen[c.ID]
		seen[c.ID] = true
		return twice
	})
	for i, c := range inv.containers {
		if original := followed(c); original != "" {
			inv.containers[i].Image = original
		}
	}
	return inv, t.completeReferences(ctx, inv)
}

// containers is the list alone.
func (t *Tower) containers(ctx context.Context) (list []lifecycle.Container, err error) {
	err = errclass.Within(ctx, listTimeout, func(ctx context.Context) (err error) {
		list, err = t.cfg.engine.Containers(ctx)
		return err
	})
	return list, err
}

func (t *Tower) inspect(ctx context.Context, id string) (snap lifecycle.Snapshot, err error) {
	err = errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		snap, err = t.cfg.engine.Inspect(ctx, id)
		return err
	})
	return snap, err
}

func (t *Tower) inspectImage(ctx context.Context, ref, platform string) (image lifecycle.Image, err error) {
	err = errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		image, err = lifecycle.InspectImageFor(ctx, t.cfg.engine, ref, platform)
		return err
	})
	return image, err
}

// unfinished reports whether something stands under the name of a swap that has
// not ended.
func (inv *inventory) unfinished() bool {
	return slices.ContainsFunc(inv.containers, func(c lifecycle.Container) bool {
		_, ok := lifecycle.Unfinished(c)
		return ok
	})
}

// completeReferences asks for what the list leaves open: it shows an image's ID
// in place of the reference once the local tag has moved.
func (t *Tower) completeReferences(ctx context.Context, inv *inventory) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inspectConcurrency)
	for i := range inv.containers {
		c := &inv.containers[i]
		if !isID(c.Image) {
			continue
		}
		group.Go(func() error {
			snap, err := t.inspect(ctx, c.ID)
			switch {
			case errdefs.IsNotFound(err):
				return nil // gone since the list: what the list says will do
			case err != nil:
				return err
			}
			c.Image = snap.Image
			return nil
		})
	}
	return group.Wait()
}

// namesID reports whether what the container was created from is its image's ID,
// whole or the beginning of it. A tag of that name goes before.
func (inv *inventory) namesID(c lifecycle.Container) bool {
	if ref, err := registry.Parse(c.Image); err == nil && inv.tags[ref.String()] != "" {
		return false
	}
	return isID(c.Image) || c.Image != "" && strings.HasPrefix(strings.TrimPrefix(c.ImageID, "sha256:"), c.Image)
}

func isID(image string) bool { return strings.HasPrefix(image, "sha256:") }

// local reports whether the image was built or loaded on this engine: nothing
// about it, nor about what its reference leads to here, came from a registry.
func (inv *inventory) local(c lifecycle.Container, ref registry.Reference) bool {
	own, known := inv.images[c.ImageID]
	if !known || !madeHere(own) || c.ImageManifest != "" && own.Origin == lifecycle.OriginUnknown {
		return false // the last: without a tag it has no digest, wherever it came from
	}
	tagged, ok := inv.images[inv.tags[ref.String()]]
	return !ok || madeHere(tagged)
}

// madeHere goes by the digests where the engine tells no origin.
func madeHere(image lifecycle.Image) bool {
	return image.Origin == lifecycle.OriginLocal || image.Origin == lifecycle.OriginUnknown && len(image.Digests) == 0
}

// cameFrom reports whether the container's image is known to be from that
// repository. In containerd's store every tag gives an image a digest, which is
// its ID: that one says nothing. The digest in a service's
// specification says enough.
func (inv *inventory) cameFrom(c lifecycle.Container, ref registry.Reference) bool {
	if c.Service != nil && strings.Contains(c.Service.Image(), "@") {
		return true // a registry gave that
	}
	image := inv.images[c.ImageID]
	return image.Origin == lifecycle.OriginRegistry || slices.ContainsFunc(image.Digests, func(text string) bool {
		from, err := registry.Parse(text)
		return err == nil && from.Host == ref.Host && from.Repository == ref.Repository && from.Digest.String() != image.ID
	})
}

// identity is every digest that names what the container runs.
func (inv *inventory) identity(c lifecycle.Container) []digest.Digest {
	image, ok := inv.images[c.ImageID]
	if !ok {
		image.ID = c.ImageID
	}
	ids := image.Identity()
	if running := digest.Digest(c.ImageManifest); running.Validate() == nil && !slices.Contains(ids, running) {
		ids = append(ids, running)
	}
	return ids
}
