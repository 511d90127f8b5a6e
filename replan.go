package watchtower

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/registry"
)

// applyPlan plans what the given plan is about once more, from what there is
// now, and goes on if that comes to the same.
func (t *Tower) applyPlan(ctx context.Context, plan Plan) (*Report, error) {
	return t.alone(ctx, PassUpdate, func(p *pass) error {
		if another := plan.Policy.unlike(t.cfg.planPolicy()); another != "" {
			return moved("the policy is another: %s", another)
		}
		if err := p.look(ctx, true); err != nil {
			return err
		}
		if err := p.withServices(ctx); err != nil {
			return err
		}
		p.enter()
		stale, err := p.recall(ctx, plan)
		if err != nil {
			return err
		}
		if p.report.Plan, err = p.plan(ctx, stale); err != nil {
			return err
		}
		p.report.Partial = true
		p.report.Entries = slices.DeleteFunc(p.report.Entries, func(e Entry) bool { return !plan.has(e.Container.ID) })
		switch stays := p.report.stays(); {
		case plan.ID() == p.report.Plan.ID():
		case stays != "":
			return moved("%s", stays)
		default:
			return moved("what there is now asks for another plan:\n%s", p.report.Plan)
		}
		p.act(ctx)
		return nil
	})
}

// recall finds the containers that the plan moves to another image, as they were
// judged.
func (p *pass) recall(ctx context.Context, plan Plan) ([]candidate, error) {
	var out []candidate
	for _, g := range plan.Groups {
		for _, m := range g.Members {
			i := slices.IndexFunc(p.report.Entries, func(e Entry) bool {
				return e.Container.ID == m.ID && e.Container.Name == m.Name && e.Container.ImageID == m.ImageID
			})
			if i < 0 {
				return nil, moved("%s is not the container that was judged", m.Name)
			}
			if m.To == nil {
				continue
			}
			ref, err := m.To.parse()
			if err != nil {
				return nil, fmt.Errorf("plan for %s: %w", m.Name, err)
			}
			e := &p.report.Entries[i]
			if reason := p.against(e, *m.To); reason != "" {
				return nil, moved("%s %s", m.Name, reason)
			}
			e.Status, e.Reason, e.Latest, e.NewImageID, e.NewReference = StatusStale, m.Cause, m.To.Digest, m.To.ID, m.Reference
			e.OutOfDate, e.To = true, m.Change.To
			if reason := p.undone(ctx, e); reason != "" {
				return nil, moved("%s is left alone now: %s", m.Name, reason)
			}
			out = append(out, candidate{entry: e, ref: ref, ambiguous: m.Ambiguous, here: m.To.Here})
		}
	}
	// The order a check finds them in.
	slices.SortFunc(out, byName)
	return out, nil
}

// against is why a check would not move the container to the image, whatever its
// registry says.
func (p *pass) against(e *Entry, to PlannedImage) string {
	if _, reason := p.refuse(e); reason != "" {
		return "is left alone now: " + reason
	}
	if reason := p.quarantine.against(e.key(), to.Digest); reason != "" {
		return "is left alone now: " + reason
	}
	switch {
	case e.Policy.on(policyMonitorOnly):
		return "is only monitored"
	case e.Policy.on(policyNoPull) != to.Here:
		return "follows another source of images"
	}
	return ""
}

// unlike tells which fields of the policy are others now, and what they were.
func (p PlanPolicy) unlike(now PlanPolicy) string {
	var out []string
	for i := range reflect.TypeFor[PlanPolicy]().NumField() {
		text := func(p PlanPolicy) string {
			v := reflect.ValueOf(p).Field(i)
			if v.Kind() == reflect.Pointer && v.IsNil() {
				return "unset"
			}
			return fmt.Sprint(reflect.Indirect(v).Interface())
		}
		if was, is := text(p), text(now); was != is {
			out = append(out, fmt.Sprintf("%s is %s, not %s", reflect.TypeFor[PlanPolicy]().Field(i).Name, is, was))
		}
	}
	return strings.Join(out, ", ")
}

// stays has a line for each container that could move, as far as its registry goes,
// and does not.
func (r *Report) stays() string {
	var b strings.Builder
	for i := range r.Entries {
		switch e := &r.Entries[i]; {
		case e.Status == StatusFailed:
			fmt.Fprintf(&b, "%s: %s: %v\n", e.Container.Name, e.Status, e.Err)
		case e.Latest == "" || e.Status == StatusFresh || e.Status == StatusStale && r.Plan.has(e.Container.ID):
		default:
			fmt.Fprintf(&b, "%s: %s: %s\n", e.Container.Name, e.Status, e.Reason)
		}
	}
	return b.String()
}

// parse reads what an image is called, in a plan that anybody may have written.
func (i PlannedImage) parse() (registry.Reference, error) {
	if digest.Digest(i.Digest).Validate() != nil {
		return registry.Reference{}, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("%q is no digest", i.Digest))
	}
	return registry.Parse(i.Reference)
}

func (p Plan) has(id string) bool {
	return slices.ContainsFunc(p.Groups, func(g PlannedGroup) bool {
		return slices.ContainsFunc(g.Members, func(m PlannedMember) bool { return m.ID == id })
	})
}

func moved(format string, args ...any) error {
	return errclass.With(errdefs.ErrFailedPrecondition, fmt.Errorf("the world has moved since the plan was made: "+format, args...))
}
