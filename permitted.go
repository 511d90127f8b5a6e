package watchtower

import (
	"context"
	"fmt"
	"slices"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// permitted asks the engine, if it can tell, whether it would let the plan's swaps
// be finished or undone once they are begun. A socket proxy may deny any call. What
// single containers need besides the updater asks for.
func (a *application) permitted(ctx context.Context, plan Plan) error {
	e, ok := a.cfg.engine.(lifecycle.Preflighter)
	if !ok || !slices.ContainsFunc(plan.Groups, func(g PlannedGroup) bool { return g.Members[0].Service == "" }) {
		return nil
	}
	err := errclass.Within(ctx, inspectTimeout, func(ctx context.Context) error { return e.Preflight(ctx, lifecycle.Needs{}) })
	if err != nil {
		return fmt.Errorf("not begun, since it could not be finished: %w", err)
	}
	return nil
}

// cutOffs are the containers through which the engine is reached, by ID, with what that
// means for them. Of one that would be updated it is told once: it waits for a person.
func (p *pass) cutOffs(ctx context.Context, stale []candidate, snaps []lifecycle.Snapshot) map[string]string {
	var own lifecycle.Snapshot
	for _, snap := range snaps {
		if snap.ID == p.cfg.self && snap.ID != "" {
			own = snap
		}
	}
	out := map[string]string{}
	for _, snap := range snaps {
		if why := lifecycle.CutOff(p.cfg.engine, own, snap); why != "" {
			out[snap.ID] = why
		}
	}
	for _, s := range stale {
		if c := s.entry.Container; out[c.ID] != "" && p.untold("cut off "+c.ID) {
			p.cfg.logger.WarnContext(ctx, "it is stale and left as it is", append(about(c), "reason", out[c.ID])...)
		}
	}
	return out
}

// refuse ends what was never begun.
func (a *application) refuse(plan Plan, err error) {
	for _, g := range plan.Groups {
		for _, m := range g.Members {
			a.end(m, lifecycle.MemberResult{Outcome: lifecycle.OutcomeUntouched}, fmt.Errorf("update %s: %w", m.Name, err))
		}
	}
}
