package watchtower

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

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
	// inspectConcurrency is how many inspects go on at once.
	inspectConcurrency = 8
)

// inventory is what the engine has, seen once at the beginning of a pass.
type inventory struct {
	containers []lifecycle.Container
	images     map[string]lifecycle.Image // by ID
	tags       map[string]string          // whole reference to image ID
}

func (t *Tower) inventory(ctx context.Context) (*inventory, error) {
	if p, ok := t.cfg.engine.(lifecycle.Pinger); ok {
		ping, cancel := context.WithTimeout(ctx, pingTimeout)
		err := p.Ping(ping)
		cancel()
		if err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
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
	return inv, t.completeReferences(ctx, inv)
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
			snap, err := t.cfg.engine.Inspect(ctx, c.ID)
			switch {
			case errdefs.IsNotFound(err):
				return nil // gone since the list: what the list says will do
			case err != nil:
				return err
			}
			c.Image = snap.Image
			if original := c.Labels[lifecycle.LabelOriginalImage]; isID(c.Image) && original != "" {
				c.Image = original
			}
			return nil
		})
	}
	return group.Wait()
}

func isID(image string) bool { return strings.HasPrefix(image, "sha256:") }

// local reports whether the image was built or loaded on this engine: nothing
// about it, nor about what its reference leads to here, came from a registry.
func (inv *inventory) local(c lifecycle.Container, ref registry.Reference) bool {
	own, known := inv.images[c.ImageID]
	if !known || len(own.Digests) > 0 {
		return false
	}
	tagged, ok := inv.images[inv.tags[ref.String()]]
	return !ok || len(tagged.Digests) == 0
}

// identity is every digest that names the container's image.
func (inv *inventory) identity(c lifecycle.Container) []digest.Digest {
	if image, ok := inv.images[c.ImageID]; ok {
		return image.Identity()
	}
	return lifecycle.Image{ID: c.ImageID}.Identity()
}

// entangled tells, by container ID, which other containers would be dead or cut
// off if the container were replaced alone: those that live in one of its name
// spaces, mount its volumes or are linked to it. The list does not show it, so
// every container is inspected.
func (t *Tower) entangled(ctx context.Context, inv *inventory) (map[string][]string, error) {
	snaps := make([]lifecycle.Snapshot, len(inv.containers))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(inspectConcurrency)
	for i := range inv.containers {
		group.Go(func() error {
			snap, err := t.cfg.engine.Inspect(gctx, inv.containers[i].ID)
			if err != nil && !errdefs.IsNotFound(err) {
				return fmt.Errorf("inspect %s: %w", inv.containers[i].Name, err)
			}
			snaps[i] = snap
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for i, snap := range snaps {
		for _, ref := range leansOn(snap) {
			for _, c := range inv.containers {
				if c.ID == ref || c.Name == ref || len(ref) >= 12 && strings.HasPrefix(c.ID, ref) {
					out[c.ID] = append(out[c.ID], inv.containers[i].Name)
				}
			}
		}
	}
	return out, nil
}

// leansOn are the containers, by name or ID, that this one cannot do without.
func leansOn(snap lifecycle.Snapshot) []string {
	var out []string
	host := snap.HostConfig
	for _, mode := range []string{"NetworkMode", "IpcMode", "PidMode"} {
		if ref, ok := strings.CutPrefix(host.Text(mode), "container:"); ok {
			out = append(out, ref)
		}
	}
	for _, from := range host.Texts("VolumesFrom") {
		ref, _, _ := strings.Cut(from, ":")
		out = append(out, ref)
	}
	for _, link := range host.Texts("Links") { // "/db:/web/alias"
		ref, _, _ := strings.Cut(strings.TrimPrefix(link, "/"), ":")
		out = append(out, ref)
	}
	return out
}
