package watchtower

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// apartServices takes the services out of what is stale: no container of this engine
// has to move with one, and no image to be pulled.
func apartServices(stale []candidate) (containers, services []candidate) {
	for _, c := range stale {
		if c.entry.Container.Service != nil {
			services = append(services, c)
		} else {
			containers = append(containers, c)
		}
	}
	return containers, services
}

// placed are the services whose cluster has a node for each task. It would wait for a task
// that has none before it went on with the others, and be in the middle of that update for
// as long; what is told of the service, and what comes after it, with it.
func (p *pass) placed(ctx context.Context, services []candidate) []candidate {
	return slices.DeleteFunc(services, func(c candidate) bool {
		reason := p.unplaced(ctx, c.entry.Container.ID)
		if reason != "" {
			p.skip(c.entry, c.besides(reason))
		}
		return reason != ""
	})
}

// unplaced says of the first task that has no node why, in the cluster's words.
func (p *pass) unplaced(ctx context.Context, service string) string {
	tasks, _ := p.tasks(ctx, service) // the update needs them, too, and will say so
	for _, t := range tasks {
		if t.Wanted == "running" && t.State == "pending" && t.Err != "" {
			return "the swarm has no node for one of its tasks, and would wait for it: " + t.Err
		}
	}
	return ""
}

// rollouts are groups of one service each, which wait for nobody.
func rollouts(services []candidate) []PlannedGroup {
	groups := []PlannedGroup{}
	for _, s := range services {
		c := s.entry.Container
		groups = append(groups, PlannedGroup{Members: []PlannedMember{{
			Name: c.Name, ID: c.ID, Image: c.Image, ImageID: c.ImageID, Service: c.ServiceMode(), Cause: s.entry.Reason,
			Reference: s.entry.NewReference, Change: s.entry.Change(),
			To: &PlannedImage{Reference: s.ref.String(), Digest: s.entry.Latest, ID: s.entry.NewImageID},
		}}})
	}
	return groups
}

// updaterOf is who moves a group.
func (a *application) updaterOf(g PlannedGroup) lifecycle.Updater {
	if g.Members[0].Service != "" {
		return a.cfg.rollOut
	}
	return a.cfg.updater
}

// serviceWarnings are those a service's entry has already.
func (a *application) serviceWarnings(m PlannedMember) []string {
	if m.Service == "" {
		return nil
	}
	return a.entry(m.ID).Warnings
}

// watchable is an error if nobody may see what becomes of a service's tasks, as behind a
// proxy that shows none: its update would be waited for in vain. Who does not answer now
// may do so by then.
func (a *application) watchable(ctx context.Context, g PlannedGroup) error {
	if g.Members[0].Service == "" {
		return nil
	}
	if _, err := a.tasks(ctx, g.Members[0].ID); errdefs.IsPermissionDenied(err) || errdefs.IsUnauthorized(err) {
		return fmt.Errorf("update %s: its tasks are not shown: %w", g.Members[0].Name, err)
	}
	return nil
}

// what says whether the member is a service.
func (m PlannedMember) what() string {
	if m.Service != "" {
		return "service"
	}
	return "container"
}
