package watchtower

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

const (
	// hookConcurrency is how many containers' hooks run at once around a check.
	hookConcurrency = 8
	// hookOutlives is how much longer than the pass a hook may run that comes after
	// an update: what came before it may want to be undone.
	hookOutlives = 10 * time.Second
)

// hooksAround runs the hooks of a check's containers.
func (p *pass) hooksAround(ctx context.Context, point HookPoint, checked []candidate) {
	if !p.cfg.hooks.at(point) {
		return
	}
	var group errgroup.Group
	group.SetLimit(hookConcurrency)
	for _, c := range checked {
		group.Go(func() error { p.hook(ctx, point, c.entry); return nil })
	}
	_ = group.Wait() // errors stand in the entries
}

// hook runs an entry's hooks at a point where they decide nothing, in the container
// that serves now.
func (p *pass) hook(ctx context.Context, point HookPoint, e *Entry) {
	if ctx.Err() != nil {
		return
	}
	call := HookCall{Point: point, Container: e.Container}
	if e.replaced() && e.Container.Service == nil {
		snap, err := p.inspect(ctx, cmp.Or(e.NewContainerID, e.Container.Name))
		if err != nil {
			p.hookEnded(e, e.Container, lifecycle.HookResult{Point: point, Verdict: HookVerdict{Err: err}})
			return
		}
		call.Container = snap.Container
	}
	if point == lifecycle.PostUpdate {
		call.Reference, call.ImageID = call.Container.Image, call.Container.ImageID
	}
	p.called(ctx, e, call)
	p.command(ctx, e, call.Container, point)
}

// command runs the label's command in the container, if it has one.
func (p *pass) command(ctx context.Context, e *Entry, c Container, point HookPoint) HookVerdict {
	text, ok := p.hooksOf(c).Commands[point]
	if !ok {
		return HookVerdict{}
	}
	snap, err := p.inspect(ctx, c.ID)
	result := lifecycle.HookResult{Point: point, Verdict: HookVerdict{Err: err}}
	if err == nil {
		p.emit(HookStarted{At: p.now(), Container: c, Point: point, Command: text})
		result = p.hooksOf(snap.Container).Run(ctx, p.cfg.engine, snap, point, p.cfg.hooks.user)
	}
	if errdefs.IsNotImplemented(result.Verdict.Err) && p.untold("hooks") {
		p.cfg.logger.Warn("the hooks of labels cannot be run", "err", result.Verdict.Err)
	}
	p.hookEnded(e, c, result)
	return result.Verdict
}

// hooksOf reads a container's labels, if that is asked for. What is wrong with them the
// policy tells.
func (p *pass) hooksOf(c Container) lifecycle.Hooks {
	if !p.cfg.hooks.labels || c.Service != nil {
		return lifecycle.Hooks{}
	}
	hooks, _ := lifecycle.HooksOf(c.Labels)
	return hooks
}

// refusal is a pre-update hook's word against an update. The world is what was
// judged, and the class of its cause says nothing of it.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }

// refused: it is no sign that the pass judged something that is no longer there.
func refused(err error) bool { return errors.As(err, new(*refusal)) }

// lastWord gives it to the group's hooks, if there are any, and returns whether they
// were asked by now.
func (a *application) lastWord(g PlannedGroup, t *lifecycle.Target) (asked func() bool) {
	calls := len(a.cfg.hooks.calls[lifecycle.PreUpdate])
	commands, known, within := 0, calls == 0, time.Duration(0)
	for _, m := range t.Members {
		hooks := a.hooksOf(m.Container)
		if _, ok := hooks.Commands[lifecycle.PreUpdate]; ok {
			commands++
			known = known && hooks.PreUpdateTimeout > 0
			within += hooks.PreUpdateTimeout
		}
	}
	if calls+commands == 0 {
		return func() bool { return true }
	}
	if known {
		t.BeforeSwapWithin = within
	}
	var done atomic.Bool
	t.BeforeSwap = func(ctx context.Context) error {
		done.Store(true)
		return a.agree(ctx, g, t.Members)
	}
	return done.Load
}

// agree asks the hooks of all members, in the order in which they are stopped. This
// process's own container runs no command: its image need not have a shell, and the
// programs before this one ran none.
func (a *application) agree(ctx context.Context, g PlannedGroup, members []lifecycle.Member) error {
	for i, m := range slices.Backward(members) {
		verdict := a.called(ctx, a.entry(g.Members[i].ID), HookCall{
			Point: lifecycle.PreUpdate, Container: m.Container, Reference: m.Reference, ImageID: m.ImageID,
		})
		if err := objection(m.Container, verdict); err != nil {
			return err
		}
	}
	for i, m := range slices.Backward(members) {
		if m.Container.ID == a.cfg.self {
			continue
		}
		verdict := a.command(ctx, a.entry(g.Members[i].ID), m.Container, lifecycle.PreUpdate)
		if err := objection(m.Container, verdict); err != nil {
			return err
		}
	}
	return nil
}

// objection is what a verdict means for an update.
func objection(c Container, v HookVerdict) error {
	switch {
	case v.Err != nil:
		return &refusal{fmt.Errorf("pre-update hook of %s: %w", c.Name, v.Err)}
	case v.Skip != "":
		return errclass.With(errdefs.ErrFailedPrecondition, fmt.Errorf("pre-update hook of %s: %s", c.Name, v.Skip))
	}
	return nil
}

// welcome runs the hooks of a group's successors, in the order they were started.
func (a *application) welcome(ctx context.Context, g PlannedGroup) {
	if !a.cfg.hooks.at(lifecycle.PostUpdate) {
		return
	}
	ctx, cancel := outliving(ctx, hookOutlives)
	defer cancel()
	for _, m := range g.Members {
		if e := a.entry(m.ID); e.replaced() {
			a.hook(ctx, lifecycle.PostUpdate, e)
		}
	}
}

// replaced: another container has its name.
func (e *Entry) replaced() bool { return e.Status == StatusUpdated || e.Status == StatusRestarted }
