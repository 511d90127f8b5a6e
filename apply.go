package watchtower

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/semaphore"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// application is a plan on its way.
type application struct {
	*pass

	arrivals map[PlannedImage]*arrival
	swaps    *semaphore.Weighted
	rollouts *semaphore.Weighted   // of services, which take as long as their clusters say
	failed   map[PlannedImage]bool // images a successor failed on; rolling only
}

func newApplication(p *pass) *application {
	return &application{
		pass: p, arrivals: map[PlannedImage]*arrival{}, failed: map[PlannedImage]bool{},
		swaps: semaphore.NewWeighted(int64(p.cfg.concurrency)), rollouts: semaphore.NewWeighted(int64(p.cfg.concurrency)),
	}
}

// apply carries the plan out and returns the entries whose container was
// replaced. One failure stops nothing but, with rolling, its own image.
func (p *pass) apply(ctx context.Context, plan Plan) []*Entry {
	a := newApplication(p)
	if err := a.permitted(ctx, plan); err != nil {
		a.refuse(plan, err)
		return nil
	}
	a.fetch(ctx, plan)
	if p.cfg.rolling {
		for _, g := range plan.Groups {
			a.swapGroup(ctx, g)
		}
	} else {
		a.swapAll(ctx, plan)
	}
	for _, image := range plan.Images {
		a.restoreTag(context.WithoutCancel(ctx), a.arrivals[image], a.users(plan, image))
	}
	var replaced []*Entry
	for i := range p.report.Entries {
		if e := &p.report.Entries[i]; e.Status == StatusUpdated && e.Container.Service == nil {
			replaced = append(replaced, e)
		}
	}
	return replaced
}

// fetch begins to bring all images, so many at a time.
func (a *application) fetch(ctx context.Context, plan Plan) {
	pulls := semaphore.NewWeighted(int64(a.cfg.concurrency))
	for _, image := range plan.Images {
		arrive := &arrival{planned: image, before: a.inv.tags[image.Reference], done: make(chan struct{})}
		a.arrivals[image] = arrive
		user := a.users(plan, image)[0].Container
		go func() {
			defer close(arrive.done)
			if arrive.err = pulls.Acquire(ctx, 1); arrive.err == nil {
				defer pulls.Release(1)
				arrive.image, arrive.err = a.bring(ctx, arrive, user)
			}
		}()
	}
}

// users are the containers that move to the image, in the plan's order.
func (a *application) users(plan Plan, image PlannedImage) []*Entry {
	var out []*Entry
	for _, g := range plan.Groups {
		for _, m := range g.Members {
			if m.To != nil && m.Service == "" && *m.To == image {
				out = append(out, a.entry(m.ID))
			}
		}
	}
	return out
}

// swapAll swaps groups at the same time, each after those it has to wait for, which
// stand before it.
func (a *application) swapAll(ctx context.Context, plan Plan) {
	ended := make([]chan struct{}, len(plan.Groups))
	var groups sync.WaitGroup
	for i, g := range plan.Groups {
		ended[i] = make(chan struct{})
		groups.Go(func() {
			defer close(ended[i])
			for j, before := range plan.Groups[:i] {
				if slices.Contains(g.After, before.Members[0].Name) {
					<-ended[j]
				}
			}
			a.swapGroup(ctx, g)
		})
	}
	groups.Wait()
}

// swapGroup waits for the group's images and gives it to the updater.
func (a *application) swapGroup(ctx context.Context, g PlannedGroup) {
	untouched := func(err error) {
		for _, m := range g.Members {
			a.end(m, lifecycle.MemberResult{Outcome: lifecycle.OutcomeUntouched}, err)
		}
	}
	if err := a.await(g); err != nil {
		untouched(err)
		return
	}
	service := g.Members[0].Service != ""
	turn := a.swaps
	if service {
		turn = a.rollouts
	}
	if err := turn.Acquire(ctx, 1); err != nil {
		untouched(context.Cause(ctx))
		return
	}
	// A group that waits for its verdict asks nothing of the engine; a service on its way
	// costs its managers something to the end.
	release := sync.OnceFunc(func() { turn.Release(1) })
	defer release()
	if err := context.Cause(ctx); err != nil {
		untouched(err)
		return
	}
	target, err := a.target(ctx, g)
	if err == nil {
		err = a.watchable(ctx, g)
	}
	if err != nil {
		untouched(err)
		return
	}
	target.OnStep = func(s lifecycle.Step) {
		if s.Action == "verify" && !service {
			release()
		}
		a.emit(StepStarted{At: a.now(), Image: g.Members[0].Image, Service: g.Members[0].Service, Step: s})
	}
	asked := a.lastWord(g, &target)
	var result lifecycle.Result
	err = contain("the updater", func() (err error) {
		result, err = a.updaterOf(g).Update(ctx, target)
		return err
	})
	for i, m := range g.Members {
		member, memberErr := ended(m, i, result, err)
		if err == nil && !asked() {
			member.Warnings = append(member.Warnings, "its pre-update hooks were not asked: the Updater does not call Target.BeforeSwap")
		}
		if a.cfg.rolling && m.To != nil && (member.Outcome == lifecycle.OutcomeRolledBack || m.Service != "" && member.ImageFailed) {
			a.failed[*m.To] = true
		}
		member.Warnings = append(a.serviceWarnings(m), member.Warnings...)
		a.end(m, member, memberErr)
	}
	if err == nil {
		a.welcome(ctx, g)
	}
}

// ended is how an update ended for its member i, whatever the updater says of all of
// them. If it panicked, nobody knows.
func ended(planned PlannedMember, i int, result lifecycle.Result, err error) (lifecycle.MemberResult, error) {
	var m lifecycle.MemberResult
	if i < len(result.Members) {
		m = result.Members[i]
	}
	switch {
	case errors.As(err, new(*panicked)):
		m.Outcome = lifecycle.OutcomeUnfinished
	case err != nil:
		m.Outcome = cmp.Or(m.Outcome, lifecycle.OutcomeUntouched)
	default:
		if m.Outcome = cmp.Or(m.Outcome, lifecycle.OutcomeUpdated); m.Outcome != lifecycle.OutcomeUpdated {
			err = fmt.Errorf("the updater says that %s is %s, and gives no error", planned.Name, m.Outcome)
		}
	}
	return m, err
}

// await waits until the group's images have arrived, as far as they are this engine's.
func (a *application) await(g PlannedGroup) error {
	for _, m := range g.Members {
		if m.To == nil {
			continue
		}
		if m.Service == "" {
			arrive := a.arrivals[*m.To]
			<-arrive.done
			if arrive.err != nil {
				return arrive.err
			}
		}
		if a.failed[*m.To] {
			return errclass.With(errdefs.ErrFailedPrecondition, fmt.Errorf("its image failed on another %s of this pass", m.what()))
		}
	}
	return nil
}

// target is the group as an updater takes it. One that keeps its image is
// created by its reference if that still leads there, else by the image's ID.
func (a *application) target(ctx context.Context, g PlannedGroup) (lifecycle.Target, error) {
	t := lifecycle.Target{Order: g.Order, StopTimeout: a.cfg.stopTimeout}
	for _, m := range g.Members {
		member := lifecycle.Member{
			Container: a.entry(m.ID).Container, Reference: m.reference(a.entry(m.ID).Container), ImageID: m.ImageID, NeedsReady: m.NeedsReady,
		}
		if m.Service != "" {
			member.ImageID = m.To.Digest
		} else if m.To != nil {
			e, image := a.entry(m.ID), a.arrivals[*m.To].image
			e.NewImageID, member.ImageID = image.ID, image.ID
			if e.To == (ImageInfo{}) { // whose registry did not show it before the pull
				e.To = infoIn(image.Config, image.Created)
			}
		} else {
			image, err := a.inspectImage(ctx, m.Image, "")
			if err != nil && !errdefs.IsNotFound(err) {
				return t, fmt.Errorf("inspect the image of %s: %w", m.Name, err)
			}
			if err != nil || image.ID != m.ImageID {
				member.Reference = m.ImageID
			}
		}
		a.cfg.begin(&member, m)
		t.Members = append(t.Members, member)
	}
	return t, nil
}

// entry is the report's, for a container that is in the plan. It looks at nothing
// of the other entries that changes: each belongs to who swaps its container.
func (p *pass) entry(id string) *Entry {
	for i := range p.report.Entries {
		if e := &p.report.Entries[i]; e.Container.ID == id {
			return e
		}
	}
	panic("watchtower: a plan of containers that were not seen: " + id)
}

// end writes how it ended into the container's entry. What only followed and still is
// what it was has nothing to tell.
func (p *pass) end(planned PlannedMember, m lifecycle.MemberResult, err error) {
	e := p.entry(planned.ID)
	if planned.To == nil && m.Outcome != lifecycle.OutcomeUnfinished {
		if err == nil {
			reason := planned.Cause
			if e.Status == StatusHeld || e.Status == StatusStale { // by a gate, or only monitored
				reason += fmt.Sprintf("; still %s: %s", e.Status, e.Reason)
			}
			e.Status, e.Reason, e.NewContainerID, e.Downtime, e.Warnings = StatusRestarted, reason, m.NewID, m.Downtime, m.Warnings
			p.emit(UpdateEnded{At: p.now(), Entry: *e})
		}
		return
	}
	e.Downtime, e.Warnings, e.Failure = m.Downtime, m.Warnings, m.Failure
	if err != nil {
		e.Err = fmt.Errorf("watchtower: %w", err)
	}
	switch {
	case err == nil:
		e.Status, e.NewContainerID, e.Reason, e.OutOfDate = StatusUpdated, m.NewID, "", false
		if p.cfg.noRestart && planned.Service == "" {
			e.Reason = "created, not started"
		}
		p.kept(p.quarantine.forget(e.key()))
	case m.Outcome == lifecycle.OutcomeRolledBack:
		e.Status = StatusRolledBack
		if m.ImageFailed {
			p.kept(p.quarantine.add(e.failedAs(), e.Latest, p.now()))
		}
	case m.Outcome == lifecycle.OutcomeUntouched && !refused(err) && (errdefs.IsFailedPrecondition(err) || errdefs.IsConflict(err)):
		// The world is not what was judged; the next pass judges again.
		e.Err = nil
		p.skip(e, err.Error())
		return
	default:
		e.Status = StatusFailed
		if planned.Service != "" && m.ImageFailed {
			p.kept(p.quarantine.add(e.failedAs(), e.Latest, p.now()))
		}
	}
	p.emit(UpdateEnded{At: p.now(), Entry: *e})
}

// kept tells of a state directory that cannot be written any more. What was to be
// kept is still remembered by this process.
func (t *Tower) kept(err error) {
	if err != nil {
		t.cfg.logger.Warn("state directory", "err", err)
	}
}
