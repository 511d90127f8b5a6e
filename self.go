package watchtower

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

const (
	// selfPoll is how often a helper at work is looked at.
	selfPoll = time.Second
	// selfPatience bounds the wait for it before a pass: a helper has stopped this
	// process, or brought it back, within seconds. Only a successor whose health
	// check takes long may wait in vain, and makes its pass beside it.
	selfPatience = time.Minute
)

// WithSelfUpdate lets the container that WithSelf names be updated as well: the last
// thing in a pass, by a helper that makes the same transaction from outside (see
// lifecycle.Handover). The command is a program in this container's image with the
// arguments that make it call lifecycle.RunHelper; the helper's name is added as
// the last one. This process is stopped, as any container is, by the signal it has
// for that; the next one of it tells by SelfUpdateEnded how it went.
//
// Where the container is a task of a service, the service is updated, the last thing in a
// pass as well: this process gives it the new image, and waits for nothing. What the
// cluster does when that image fails is up to the service's own update settings, and if
// that is to pause, as it is unless they say otherwise, none may be left to go on.
//
// It is for a process that goes on making passes, and learns of what became of it
// when the next one begins. One that makes a single pass would leave the helper
// behind. The default updater's options hold for the helper, another updater has
// no say. Default: this process's container is left as it is.
func WithSelfUpdate(command ...string) Option {
	return func(c *config) error {
		if len(command) == 0 || command[0] == "" {
			return errclass.With(errdefs.ErrInvalidArgument, errors.New("watchtower: WithSelfUpdate: want a program and its arguments"))
		}
		c.selfCommand = slices.Clone(command)
		return nil
	}
}

// selfNote is what the helper keeps until its end is told.
type selfNote struct {
	Members []selfNoteMember `json:"members"`
}

type selfNoteMember struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Image      string `json:"image"` // the reference
	OldImageID string `json:"old_image_id"`
	NewImageID string `json:"new_image_id"`
	Latest     string `json:"latest"`
	Reference  string `json:"reference"` // the whole one
	Before     string `json:"before"`    // what it led to

	NewReference string `json:"new_reference,omitempty"` // where a tag policy moves it
	Change       Change `json:"change,omitzero"`
}

// untouchable is why no watchtower may swap a container: each updates itself.
func (p *pass) untouchable(c lifecycle.Container) string {
	service, helper := lifecycle.Helper(c)
	switch {
	case refuseTask(c) != "":
		return refuseTask(c)
	case helper:
		return fmt.Sprintf("it replaces %s, and ends with that", service)
	case c.ID == p.cfg.self && c.ID != "":
		if p.handover == nil {
			return "this watchtower runs in it"
		}
		return ""
	case c.Labels[lifecycle.LabelInstance] == "true" && !p.runsIn(c):
		return "another watchtower, which updates itself"
	}
	return ""
}

// others is the plan without the group that this process's container or service is in. Whoever
// is to come after that comes without it: only what is in a plan is waited for.
func (p *pass) others(plan Plan) Plan {
	return plan.part(slices.DeleteFunc(slices.Clone(plan.Groups), p.isOwn))
}

func (p *pass) isOwn(g PlannedGroup) bool {
	return p.cfg.self != "" && slices.ContainsFunc(g.Members, func(m PlannedMember) bool {
		return m.ID == p.cfg.self || m.Service != "" && p.runsIn(p.entry(m.ID).Container)
	})
}

// handOver starts the helper for the group that this process's container is in,
// after everything else, or begins the update of the service that it is a task of.
func (p *pass) handOver(ctx context.Context) {
	i := slices.IndexFunc(p.report.Plan.Groups, p.isOwn)
	if i < 0 || ctx.Err() != nil {
		return
	}
	g := p.report.Plan.Groups[i]
	own := p.report.Plan.part([]PlannedGroup{g})
	a := newApplication(p)
	if err := a.permitted(ctx, own); err != nil {
		a.refuse(own, err)
		return
	}
	if g.Members[0].Service != "" {
		a.beginOwn(ctx, g)
		return
	}
	a.fetch(ctx, own)
	helper, err := a.startHelper(ctx, g)
	for _, m := range g.Members {
		if err != nil {
			a.end(m, lifecycle.MemberResult{Outcome: lifecycle.OutcomeUntouched}, err)
			continue
		}
		e := p.entry(m.ID)
		if m.To != nil {
			e.Reason = "a helper replaces it: " + helper
		}
		if m.ID == p.cfg.self {
			p.report.handedOver = true
			p.emit(SelfUpdateStarted{At: p.now(), Entry: *e, Helper: helper})
		}
	}
}

func (a *application) startHelper(ctx context.Context, g PlannedGroup) (string, error) {
	if err := a.await(g); err != nil {
		return "", err
	}
	target, err := a.target(ctx, g)
	if err != nil {
		return "", err
	}
	// The helper has nobody to ask. Its own word on it this process gives here.
	if err := a.agree(ctx, g, target.Members); err != nil {
		return "", err
	}
	var note selfNote
	for i, m := range g.Members {
		if m.To == nil {
			continue
		}
		note.Members = append(note.Members, selfNoteMember{
			Name: m.Name, ID: m.ID, Image: m.Image, OldImageID: m.ImageID, NewImageID: target.Members[i].ImageID,
			Latest: a.entry(m.ID).Latest, Reference: m.To.Reference, Before: a.arrivals[*m.To].before, NewReference: m.Reference,
			Change: a.entry(m.ID).Change(),
		})
	}
	text, err := json.Marshal(note)
	if err != nil {
		return "", err
	}
	return a.handover.Start(ctx, target, lifecycle.HandoverOptions{
		StableTime: a.cfg.stableTime, Probe: a.cfg.probe, ProbeTimeout: a.cfg.probeTimeout, Note: string(text),
	})
}

// settleSelf waits for the helper that replaces this process's container, if there
// is one, and tells how it ended. It returns false if that is still to come. A pass
// is better made beside it than never.
func (t *Tower) settleSelf(ctx context.Context) (done bool) {
	if t.handover == nil {
		return true
	}
	if t.findOwn(ctx); t.own.id != "" {
		return t.settleOwn(ctx)
	}
	for deadline := t.now().Add(selfPatience); ; {
		s, err := t.handover.Settle(ctx)
		for _, end := range s.Ended {
			t.selfEnded(ctx, end)
		}
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			t.cfg.logger.WarnContext(ctx, "this watchtower's own update is not settled", "err", err)
			return false
		case !s.Busy:
			t.clearLeftovers(ctx)
			return true
		case !t.now().Before(deadline) || !t.waitUntil(ctx, t.now().Add(selfPoll)):
			return false
		}
	}
}

// selfEnded remembers and tells how it ended. Only then the helper, which was the
// memory of it, goes.
func (t *Tower) selfEnded(ctx context.Context, end lifecycle.EndedHandover) {
	var note selfNote
	_ = json.Unmarshal([]byte(end.Note), &note) // without a note there is nothing to tell
	var replaced []*Entry
	for _, m := range note.Members {
		e := Entry{
			Container: lifecycle.Container{ID: m.ID, Name: m.Name, Image: m.Image, ImageID: m.OldImageID},
			Latest:    m.Latest, NewReference: m.NewReference, NewImageID: m.NewImageID, From: m.Change.From, To: m.Change.To,
			OutOfDate: !end.Updated,
		}
		switch {
		case end.Updated:
			e.Status = StatusUpdated
			replaced = append(replaced, &e)
			t.kept(t.quarantine.forget(m.Name))
		case end.ImageFailed:
			e.Status = StatusRolledBack
			t.kept(t.quarantine.add(e.failedAs(), e.Latest, t.now()))
			t.restoreOwnTag(ctx, m)
		default:
			e.Status = StatusFailed
		}
		if e.Status != StatusUpdated {
			said := strings.TrimPrefix(cmp.Or(end.Said, "its helper ended without a successor"), "watchtower: ")
			e.Err = fmt.Errorf("watchtower: %s's helper: %s", m.Name, said)
		} else if m.Name == end.Container.Name {
			e.NewContainerID = end.Container.ID
		}
		t.emit(ctx, SelfUpdateEnded{At: t.now(), Entry: e})
	}
	if err := t.handover.Dismiss(ctx, end); err != nil {
		t.cfg.logger.WarnContext(ctx, "the helper was not removed", "err", err)
		return
	}
	if t.cfg.cleanup {
		p := &pass{Tower: t, emit: func(e Event) { t.emit(ctx, e) }}
		p.cleanUp(context.WithoutCancel(ctx), replaced)
	}
}

// restoreOwnTag points the reference at the image it led to before, unless somebody
// moved it since or another container runs the new image.
func (t *Tower) restoreOwnTag(ctx context.Context, m selfNoteMember) {
	if m.Before == "" || m.Before == m.NewImageID {
		return
	}
	list, err := t.containers(ctx)
	if slices.ContainsFunc(list, func(c lifecycle.Container) bool { return c.ImageID == m.NewImageID }) {
		return
	}
	if err == nil {
		err = t.pointBack(ctx, m.Reference, m.NewImageID, m.Before)
	}
	if err != nil {
		t.cfg.logger.Warn("the tag was not put back", "image", m.Reference, "err", err)
	}
}

func logSelfStarted(ctx context.Context, l *slog.Logger, e SelfUpdateStarted) {
	by := []any{"helper", e.Helper}
	if e.Helper == "" {
		by = []any{"digest", e.Entry.Latest}
	}
	l.InfoContext(ctx, "replacing this watchtower itself", append(about(e.Entry.Container), by...)...)
}

func logSelf(ctx context.Context, l *slog.Logger, e Entry) {
	if e.Err != nil {
		l.ErrorContext(ctx, "this watchtower itself: "+string(e.Status), append(about(e.Container), "err", e.Err)...)
		return
	}
	attrs := append(about(e.Container), "id", lifecycle.Container{ID: e.NewContainerID}.ShortID())
	l.InfoContext(ctx, "updated this watchtower itself", append(attrs, aboutChange(e)...)...)
}
