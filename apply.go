package watchtower

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// apply carries the plan out and returns the entries whose container was
// replaced. One failure stops nothing but, with rolling, its own image.
func (p *pass) apply(ctx context.Context, pl plan) []*Entry {
	limit := p.cfg.concurrency
	if p.cfg.rolling {
		limit = 1
	}
	slots := semaphore.NewWeighted(int64(limit))
	var group errgroup.Group
	group.SetLimit(limit)
	for _, g := range pl.groups {
		group.Go(func() error {
			p.applyGroup(ctx, g, slots)
			return nil
		})
	}
	_ = group.Wait() // the goroutines report into their entries
	var replaced []*Entry
	for i := range p.report.Entries {
		if e := &p.report.Entries[i]; e.Status == StatusUpdated {
			replaced = append(replaced, e)
		}
	}
	return replaced
}

// applyGroup brings the image, then swaps each of its users.
func (p *pass) applyGroup(ctx context.Context, g planGroup, slots *semaphore.Weighted) {
	before := p.inv.tags[g.reference]
	image, err := p.bring(ctx, g)
	if err != nil {
		for _, c := range g.users {
			p.end(c.entry, lifecycle.MemberResult{Outcome: lifecycle.OutcomeUntouched}, err)
		}
		return
	}
	var swaps errgroup.Group
	for _, c := range g.users {
		// Acquired here, in order, so that rolling goes forward by name.
		if err := slots.Acquire(ctx, 1); err != nil {
			p.end(c.entry, lifecycle.MemberResult{Outcome: lifecycle.OutcomeUntouched}, err)
			continue
		}
		if p.cfg.rolling && slices.ContainsFunc(g.users, func(o candidate) bool { return o.entry.Status == StatusRolledBack }) {
			slots.Release(1)
			p.skip(c.entry, "its image failed on another container of this pass")
			continue
		}
		swaps.Go(func() error {
			defer slots.Release(1)
			p.swap(ctx, c, image)
			return nil
		})
	}
	_ = swaps.Wait()
	p.restoreTag(context.WithoutCancel(ctx), g, before, image.ID)
}

// bring makes sure that the reference leads to the judged image on the engine,
// by a pull unless it does already.
func (p *pass) bring(ctx context.Context, g planGroup) (lifecycle.Image, error) {
	if have, ok := p.inv.images[p.inv.tags[g.reference]]; ok && p.judged(g, have) {
		return have, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.pullTimeout)
	defer cancel()
	start := time.Now()
	p.emit(PullStarted{At: start, Reference: g.reference})
	err := p.pull(ctx, g)
	p.emit(PullEnded{At: time.Now(), Reference: g.reference, Duration: time.Since(start), Err: err})
	if err != nil {
		return lifecycle.Image{}, err
	}
	image, err := p.cfg.engine.InspectImage(ctx, g.reference)
	if err != nil {
		return lifecycle.Image{}, fmt.Errorf("after the pull: %w", err)
	}
	if !p.judged(g, image) {
		return lifecycle.Image{}, errclass.With(errdefs.ErrFailedPrecondition,
			fmt.Errorf("superseded: %s no longer is %s", g.reference, g.latest))
	}
	return image, nil
}

// judged reports whether the image is the one the check saw.
func (p *pass) judged(g planGroup, image lifecycle.Image) bool {
	ids := image.Identity()
	return slices.ContainsFunc(g.users, func(c candidate) bool {
		return slices.Contains(ids, digest.Digest(c.entry.Latest)) ||
			c.entry.NewImageID != "" && slices.Contains(ids, digest.Digest(c.entry.NewImageID))
	})
}

// pull asks the engine for the image. A login that is refused is no reason to
// go without an image that is public.
func (p *pass) pull(ctx context.Context, g planGroup) error {
	opts := lifecycle.PullOptions{
		Reference: g.reference,
		Progress: func(progress lifecycle.PullProgress) {
			p.emit(PullProgressed{At: time.Now(), Reference: g.reference, Progress: progress})
		},
	}
	platform, err := p.platform(ctx, g.users[0].entry.Container)
	if err != nil {
		return err
	}
	opts.Platform = platform
	ref := g.users[0].ref
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

// swap gives one container to the updater.
func (p *pass) swap(ctx context.Context, c candidate, image lifecycle.Image) {
	if err := context.Cause(ctx); err != nil {
		p.end(c.entry, lifecycle.MemberResult{Outcome: lifecycle.OutcomeUntouched}, err)
		return
	}
	container := c.entry.Container
	c.entry.NewImageID = image.ID
	result, err := p.cfg.updater.Update(ctx, lifecycle.Target{
		Members:     []lifecycle.Member{{Container: container, Reference: container.Image, ImageID: image.ID}},
		StopTimeout: p.cfg.stopTimeout,
		OnStep: func(s lifecycle.Step) {
			p.emit(StepStarted{At: time.Now(), Image: container.Image, Step: s})
		},
	})
	member := lifecycle.MemberResult{Outcome: lifecycle.OutcomeUpdated}
	if err != nil {
		member.Outcome = lifecycle.OutcomeUntouched
	}
	if len(result.Members) > 0 {
		member = result.Members[0]
	}
	p.end(c.entry, member, err)
}

// end writes how it ended into the container's entry.
func (p *pass) end(e *Entry, m lifecycle.MemberResult, err error) {
	e.Downtime, e.Warnings, e.Log = m.Downtime, m.Warnings, m.Log
	if err != nil {
		e.Err = fmt.Errorf("watchtower: %w", err)
	}
	switch {
	case err == nil:
		e.Status, e.NewContainerID, e.Reason = StatusUpdated, m.NewID, ""
	case m.Outcome == lifecycle.OutcomeRolledBack:
		e.Status = StatusRolledBack
		if m.ImageFailed {
			p.remember(e.Container.Name, e.Latest)
		}
	case errdefs.IsFailedPrecondition(err) && m.Outcome == lifecycle.OutcomeUntouched,
		errdefs.IsConflict(err) && m.Outcome == lifecycle.OutcomeUntouched:
		// The world is not what was judged; the next pass judges again.
		e.Err = nil
		p.skip(e, err.Error())
		return
	default:
		e.Status = StatusFailed
	}
	p.emit(UpdateEnded{At: time.Now(), Entry: *e})
}

// restoreTag points the reference at the image it led to before, if no
// container of the group runs the new one and nobody else moved it since.
func (p *pass) restoreTag(ctx context.Context, g planGroup, before, pulled string) {
	rolledBack := false
	for _, c := range g.users {
		if c.entry.Status == StatusUpdated {
			return
		}
		rolledBack = rolledBack || c.entry.Status == StatusRolledBack
	}
	if before == "" || before == pulled || !rolledBack {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	now, err := p.cfg.engine.InspectImage(ctx, g.reference)
	if err == nil && now.ID == pulled {
		err = p.cfg.engine.Tag(ctx, before, g.reference)
	}
	if err != nil {
		p.cfg.logger.Warn("the tag was not put back", "image", g.reference, "err", err)
	}
}
