package watchtower

import (
	"context"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// described is what a new image says of itself.
type described struct {
	defaults lifecycle.Document
	created  time.Time
}

// metadata is what gates are told of an image.
func metadata(defaults lifecycle.Document) *gate.Metadata {
	out := &gate.Metadata{Env: defaults.Texts("Env"), Labels: map[string]string{}}
	for key := range defaults.Object("Labels") {
		out.Labels[key] = defaults.Object("Labels").Text(key)
	}
	return out
}

// describe reads what the images that containers are to move to give them, if
// the checker can. It is for the plan to tell of; a registry that does not show
// it is no reason to leave a container where it is.
func (p *pass) describe(ctx context.Context, stale []candidate) {
	describer, ok := p.cfg.checker.(registry.Describer)
	wanted := map[digest.Digest]candidate{}
	for _, c := range stale {
		if ok && c.image.Config != "" && !c.here {
			wanted[c.image.Config] = c
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for config, c := range wanted {
		group.Go(func() error {
			var says registry.ImageConfig
			err := contain("the checker", func() (err error) {
				says, err = describer.Describe(ctx, c.ref.String(), c.image)
				return err
			})
			if err == nil {
				var defaults lifecycle.Document
				if defaults, err = lifecycle.ParseDocument(says.Defaults); err == nil {
					p.mu.Lock()
					p.moved[config] = described{defaults, says.Created}
					p.mu.Unlock()
				}
			}
			if err != nil {
				p.cfg.logger.Debug("what the new image changes is not known", "image", c.ref.String(), "err", err)
			}
			return nil
		})
	}
	_ = group.Wait() // no error ends it
	for _, c := range stale {
		if next, ok := p.moved[c.image.Config]; ok {
			c.entry.To = infoIn(next.defaults, next.created)
		}
	}
}

// ambiguities are the values of a stale container that nobody can tell to be its
// user's, and that the new image changes; what an earlier check found, where this
// pass asked no registry.
func (p *pass) ambiguities(ctx context.Context, c candidate, snap lifecycle.Snapshot) []lifecycle.Ambiguity {
	next, ok := p.moved[c.image.Config]
	if !ok {
		return c.ambiguous
	}
	image, err := p.imageOf(ctx, c.entry.Container)
	if err != nil {
		return nil // the swap needs it too, and will say so
	}
	return lifecycle.Ambiguities(snap, image, lifecycle.Image{Config: next.defaults})
}
