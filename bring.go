package watchtower

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// arrival is one planned image on its way to the engine.
type arrival struct {
	planned PlannedImage
	before  string // the image the reference led to before; empty for none
	done    chan struct{}
	image   lifecycle.Image // once done
	err     error           // once done
}

// bring makes sure that the reference leads to the judged image on the engine,
// by a pull unless it does already.
func (p *pass) bring(ctx context.Context, a *arrival, user lifecycle.Container) (lifecycle.Image, error) {
	if have, ok := p.inv.images[a.before]; ok && a.planned.is(have) {
		return have, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.pullTimeout)
	defer cancel()
	start, reference := time.Now(), a.planned.Reference
	p.emit(PullStarted{At: start, Reference: reference})
	err := p.pull(ctx, reference, user)
	p.emit(PullEnded{At: time.Now(), Reference: reference, Duration: time.Since(start), Err: err})
	if err != nil {
		return lifecycle.Image{}, err
	}
	image, err := p.inspectImage(ctx, reference)
	if err != nil {
		return lifecycle.Image{}, fmt.Errorf("after the pull: %w", err)
	}
	if !a.planned.is(image) {
		return lifecycle.Image{}, errclass.With(errdefs.ErrFailedPrecondition,
			fmt.Errorf("superseded: %s no longer is %s", reference, a.planned.Digest))
	}
	return image, nil
}

// is reports whether the image is the one that was judged.
func (i PlannedImage) is(image lifecycle.Image) bool {
	ids := image.Identity()
	return slices.Contains(ids, digest.Digest(i.Digest)) || i.ID != "" && slices.Contains(ids, digest.Digest(i.ID))
}

// pull asks the engine for the image. A login that is refused is no reason to
// go without an image that is public.
func (p *pass) pull(ctx context.Context, reference string, user lifecycle.Container) error {
	opts := lifecycle.PullOptions{
		Reference: reference,
		Progress: func(progress lifecycle.PullProgress) {
			p.emit(PullProgressed{At: time.Now(), Reference: reference, Progress: progress})
		},
	}
	var err error
	if opts.Platform, err = p.platform(ctx, user); err != nil {
		return err
	}
	ref, err := registry.Parse(reference)
	if err != nil {
		return err
	}
	opts.Credential, err = p.cfg.store.Credential(ctx, ref.Host+"/"+ref.Repository)
	if err != nil {
		return fmt.Errorf("credential for %s: %w", ref.Host, err)
	}
	err = p.cfg.engine.Pull(ctx, opts)
	if errdefs.IsUnauthorized(err) && !opts.Credential.IsZero() {
		opts.Credential = credentials.Credential{}
		if p.cfg.engine.Pull(ctx, opts) == nil {
			return nil
		}
	}
	return err
}

// restoreTag points a reference at the image it led to before, if a successor
// failed, no container was brought to the new one, and nobody else moved it
// since.
func (p *pass) restoreTag(ctx context.Context, a *arrival, users []*Entry) {
	rolledBack := false
	for _, e := range users {
		if e.Status == StatusUpdated {
			return
		}
		rolledBack = rolledBack || e.Status == StatusRolledBack
	}
	if a.before == "" || a.before == a.image.ID || !rolledBack {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	now, err := p.inspectImage(ctx, a.planned.Reference)
	if err == nil && now.ID == a.image.ID {
		err = p.cfg.engine.Tag(ctx, a.before, a.planned.Reference)
	}
	if err != nil {
		p.cfg.logger.Warn("the tag was not put back", "image", a.planned.Reference, "err", err)
	}
}
