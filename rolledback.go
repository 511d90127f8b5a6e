package watchtower

import (
	"cmp"
	"context"
	"errors"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// undone is the reason to leave a service alone that was taken back from what it would
// move to, as the cluster remembers it. So do those know who did not see it happen:
// another process, on another manager, or the next one of this.
func (p *pass) undone(ctx context.Context, e *Entry) string {
	s := e.Container.Service
	if s == nil || !s.Rollout.Undone() {
		return ""
	}
	image := cmp.Or(e.NewReference, e.Container.Image) + "@" + e.Latest
	var tasks []lifecycle.Task
	if !s.Undid(image, nil) {
		var err error
		if tasks, err = p.tasks(ctx, s.ID); err != nil {
			p.cfg.logger.DebugContext(ctx, "what the service was taken back from is not known", "container", s.Name, "err", err)
		}
	}
	switch {
	case s.Undid(image, tasks):
	case p.runsIn(e.Container) && takenBack(*s, tasks, "") == "":
		// Of others it is one more try; of this one each try is another process.
		return "the swarm rolled this watchtower back and keeps no history of what from; it waits for a change of its service"
	default:
		return ""
	}
	p.kept(p.quarantine.add(e.failedAs(), e.Latest, p.now()))
	return "the swarm rolled this digest back: " + e.Latest
}

// tasks are a service's, the history included.
func (t *Tower) tasks(ctx context.Context, service string) (list []lifecycle.Task, err error) {
	e, ok := t.cfg.engine.(lifecycle.ServiceUpdater)
	if !ok {
		return nil, errclass.With(errdefs.ErrNotImplemented, errors.New("this engine has no services"))
	}
	err = errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		list, err = e.Tasks(ctx, service)
		return err
	})
	return list, err
}
