package watchtower

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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
	if have, ok := p.inv.images[a.before]; ok && a.planned.is(have) && p.holds(ctx, have, user) {
		return have, nil
	}
	if a.planned.Here {
		return lifecycle.Image{}, errMovedHere(a.planned.Reference)
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.pullTimeout)
	defer cancel()
	start, reference := p.now(), a.planned.Reference
	p.emit(PullStarted{At: start, Reference: reference})
	err := p.pull(ctx, reference, user)
	p.emit(PullEnded{At: p.now(), Reference: reference, Duration: p.now().Sub(start), Err: err})
	if err != nil {
		return lifecycle.Image{}, err
	}
	image, err := p.inspectImage(ctx, reference, "")
	if err != nil {
		return lifecycle.Image{}, fmt.Errorf("after the pull: %w", err)
	}
	if !a.planned.is(image) {
		err := fmt.Errorf("superseded: %s no longer is %s", reference, a.planned.Digest)
		if mirror := p.entry(user.ID).StaleMirror; mirror != "" {
			err = fmt.Errorf("superseded: %s is not %s for the engine, which pulls through %s, a stale mirror",
				reference, a.planned.Digest, mirror)
		}
		return lifecycle.Image{}, errclass.With(errdefs.ErrFailedPrecondition, err)
	}
	return image, nil
}

// is reports whether the image is the one that was judged: by its configuration,
// by what the tag points at, whichever of them the engine calls it by. Another
// platform's image has the same index.
func (i PlannedImage) is(image lifecycle.Image) bool {
	return image.ID == i.ID || image.ID == i.Digest || i.ID == "" && slices.Contains(image.Identity(), digest.Digest(i.Digest))
}

// holds reports whether the image has what the user's platform needs. One for
// several platforms may have been pulled for another of them.
func (p *pass) holds(ctx context.Context, image lifecycle.Image, user lifecycle.Container) bool {
	if user.ImagePlatform == "" {
		return true
	}
	shown, err := p.inspectImage(ctx, image.ID, user.ImagePlatform)
	return err == nil && shown.Platform == user.ImagePlatform
}

// pull asks the engine for the image. A login that is refused, or that cannot be
// had, is no reason to go without an image that is public.
func (p *pass) pull(ctx context.Context, reference string, user lifecycle.Container) error {
	opts := lifecycle.PullOptions{
		Reference: reference,
		Progress: func(progress lifecycle.PullProgress) {
			p.emit(PullProgressed{At: p.now(), Reference: reference, Progress: progress})
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
	login, storeErr := p.cfg.login(ctx, ref)
	opts.Credential = login
	err = p.cfg.engine.Pull(ctx, opts)
	if errdefs.IsUnauthorized(err) && !login.IsZero() {
		opts.Credential = credentials.Credential{}
		if p.cfg.engine.Pull(ctx, opts) == nil {
			return nil
		}
	}
	switch {
	case !errdefs.IsUnauthorized(err) && !errdefs.IsPermissionDenied(err):
		return err
	case storeErr != nil:
		return fmt.Errorf("%w (no login: %s)", err, storeErr.Error())
	case !login.IsZero():
		return fmt.Errorf("%w (the login from %s was refused)", err, cmp.Or(login.Source, "the store"))
	}
	return err
}

// login is the one the registry was asked with. Of a checker that is not the Tower's
// nobody knows whether it tried one in reserve, which is left alone then.
func (c *config) login(ctx context.Context, ref registry.Reference) (credentials.Credential, error) {
	if c.client != nil {
		return c.client.LoginFor(ctx, ref.String())
	}
	login, err := c.store.Credential(ctx, ref.Host+"/"+ref.Repository)
	if login.Reserve {
		return credentials.Credential{}, err
	}
	return login, err
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
	if err := p.pointBack(ctx, a.planned.Reference, a.image.ID, a.before); err != nil {
		p.cfg.logger.Warn("the tag was not put back", "image", a.planned.Reference, "err", err)
	}
}

// pointBack points a reference from one image at the one before, unless somebody has
// moved it already.
func (t *Tower) pointBack(ctx context.Context, reference, from, before string) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	now, err := t.inspectImage(ctx, reference, "")
	if err != nil || now.ID != from {
		return err
	}
	return t.cfg.engine.Tag(ctx, before, reference)
}
