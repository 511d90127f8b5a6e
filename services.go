package watchtower

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// Services says whether a Tower updates the services of the cluster its engine is in.
type Services string

// The choices.
const (
	// ServicesAuto: where the engine is a manager of one, beside its containers. An
	// engine that cannot tell, or must not, is taken for one that is in none.
	ServicesAuto Services = "auto"
	// ServicesOff: never.
	ServicesOff Services = "off"
	// ServicesOnly: services alone. A pass on an engine that is no manager fails.
	ServicesOnly Services = "only"
)

// WithServices says whether services are updated. Default: ServicesAuto. A service is an
// entry like a container, and filters, gates, labels and policies see it as one (see
// lifecycle.Service); its cluster replaces its tasks, as its own update settings say (see
// lifecycle.RollOut). The containers of tasks are left alone in any case.
//
// What a service has no use for is not heard: labels' commands, stop signals and
// timeouts, probes, orders, dependencies, no-pull, clean-up. A job is left alone: to
// update it would run it again.
func WithServices(s Services) Option {
	return func(c *config) error {
		if !slices.Contains([]Services{ServicesAuto, ServicesOff, ServicesOnly}, s) {
			return invalid("WithServices", fmt.Sprintf("%q", string(s)), "auto, off or only")
		}
		c.services = s
		return nil
	}
}

// WithServiceRollback has the cluster roll back what fails of a service whose specification
// has no update settings of its own, where the engine's default is to pause: see
// lifecycle.WithRollbackUnlessSet. A stack's next deploy takes the settings out again.
// Default: every service is updated as its specification says.
func WithServiceRollback(on bool) Option {
	return func(c *config) error { c.serviceRollback = on; return nil }
}

// clusterTimeout bounds the question what part the engine has in a cluster.
const clusterTimeout = 10 * time.Second

// serviceUpdater is the updater of services, with further options; nil if the engine has
// none.
func (c *config) serviceUpdater(more ...lifecycle.RollOutOption) Updater {
	e, ok := c.engine.(lifecycle.ServiceUpdater)
	if !ok {
		return nil
	}
	return lifecycle.RollOut(e, append(more, lifecycle.WithServiceLogin(c.serviceLogin), lifecycle.WithRollbackUnlessSet(c.serviceRollback))...)
}

// serviceLogin is what the cluster's nodes are to pull with.
func (c *config) serviceLogin(ctx context.Context, reference string) (credentials.Credential, error) {
	ref, err := registry.Parse(reference)
	if err != nil {
		return credentials.Credential{}, err
	}
	return c.login(ctx, ref)
}

// withServices adds the services to the inventory. With ServicesAuto a cluster that does
// not show them is no reason to leave the containers alone.
func (p *pass) withServices(ctx context.Context) error {
	lister, lists := p.cfg.engine.(lifecycle.ServiceLister)
	_, updates := p.cfg.engine.(lifecycle.ServiceUpdater)
	only := p.cfg.services == ServicesOnly
	switch {
	case p.cfg.services == ServicesOff:
		return nil
	case !lists || !updates:
		if only {
			return errclass.With(errdefs.ErrNotImplemented, errors.New("services only, and this engine has none"))
		}
		return nil
	}
	var cluster lifecycle.Cluster
	err := errclass.Within(ctx, clusterTimeout, func(ctx context.Context) (err error) {
		cluster, err = lister.Cluster(ctx)
		return err
	})
	if err == nil && cluster.Role == lifecycle.RoleManager {
		if p.left(ctx, cluster.ID) {
			if p.untold("left to another") {
				p.cfg.logger.InfoContext(ctx, "the services of this swarm are updated through another of its managers")
			}
			return nil
		}
		err = p.listServices(ctx, lister)
	}
	switch {
	case gaveUp(ctx.Err()):
		return context.Cause(ctx)
	case err != nil && only:
		return err
	case err != nil:
		p.tellUnseen(ctx, cluster, err)
	case cluster.Role != lifecycle.RoleManager && only:
		return noManager()
	case cluster.Role == lifecycle.RoleWorker && p.untold("worker"):
		p.cfg.logger.InfoContext(ctx, "this engine is a worker of a swarm: its services are updated by a watchtower on a manager, its own containers here")
	}
	if err == nil && cluster.Role == lifecycle.RoleManager {
		p.said.Store(servicesSeen, true)
		p.said.Delete(servicesUnseen)
	}
	p.inv.platforms = cluster.Platforms
	return nil
}

// What is known to have been told of the services.
const (
	servicesSeen   = "services"
	servicesUnseen = "no services"
)

// tellUnseen tells that the services are not in the report, once until they are again. Of
// an engine that never showed any nobody knows whether there are some.
func (p *pass) tellUnseen(ctx context.Context, cluster lifecycle.Cluster, err error) {
	if _, seen := p.said.Load(servicesSeen); !seen && cluster.Role == lifecycle.RoleNone {
		p.cfg.logger.DebugContext(ctx, "whether the engine is in a swarm is not known", "err", err)
		return
	}
	if p.untold(servicesUnseen) {
		p.cfg.logger.WarnContext(ctx, "the services of the swarm are not seen", "err", err)
	}
}

// fit reports that no pass can be made here, as long as the engine is what it is.
func (t *Tower) fit(ctx context.Context) error {
	lister, ok := t.cfg.engine.(lifecycle.ServiceLister)
	if t.cfg.services != ServicesOnly || !ok {
		return nil
	}
	return errclass.Within(ctx, clusterTimeout, func(ctx context.Context) error {
		cluster, err := lister.Cluster(ctx)
		if err == nil && cluster.Role != lifecycle.RoleManager {
			err = noManager()
		}
		return err
	})
}

func noManager() error {
	return errclass.With(errdefs.ErrFailedPrecondition, errors.New("services only, and this engine is no manager of a swarm"))
}

func (p *pass) listServices(ctx context.Context, lister lifecycle.ServiceLister) error {
	return errclass.Within(ctx, listTimeout, func(ctx context.Context) error {
		list, err := lister.Services(ctx)
		for _, s := range list {
			c := s.Container()
			if c.ImageID == "" {
				c.ImageID = p.inv.taskImage(c)
			}
			p.inv.services = append(p.inv.services, c)
		}
		return err
	})
}

// taskImage is the digest that tasks of a service run which is pinned to none, as far as
// this engine has one; else empty.
func (inv *inventory) taskImage(service lifecycle.Container) string {
	c, ok := inv.task(service)
	if !ok {
		return ""
	}
	c.Image = service.Image // the tag may have moved on
	return inv.pulledAs(c)
}

// task is a container of the service that is up on this engine.
func (inv *inventory) task(service lifecycle.Container) (lifecycle.Container, bool) {
	i := slices.IndexFunc(inv.containers, func(c lifecycle.Container) bool {
		return c.Labels[lifecycle.LabelServiceID] == service.ID && c.State.Up()
	})
	if i < 0 {
		return lifecycle.Container{}, false
	}
	return inv.containers[i], true
}

// localService reports whether a service that is pinned to no digest runs an image here
// that no registry has.
func (inv *inventory) localService(service lifecycle.Container, ref registry.Reference) bool {
	c, ok := inv.task(service)
	return ok && !strings.Contains(service.Service.Image(), "@") && inv.local(c, ref)
}

// all are the containers and the services.
func (inv *inventory) all() []lifecycle.Container { return slices.Concat(inv.containers, inv.services) }

// refuseTask gives the reason to leave a service's container alone; empty for others.
func refuseTask(c lifecycle.Container) string {
	if service, ok := lifecycle.TaskOf(c); ok && c.Service == nil {
		return fmt.Sprintf("a task of the service %s, which the swarm replaces by itself", service)
	}
	return ""
}

// refuseService gives the reason to leave a service alone, or what to ask for.
func (p *pass) refuseService(e *Entry) (registry.Reference, string) {
	none, c := registry.Reference{}, e.Container
	if reason := p.untouchable(c); reason != "" {
		return none, reason
	}
	if ok, reason := filter.Reason(p.filter, c); !ok {
		return none, reason
	}
	ref, err := registry.Parse(c.Image)
	image := c.Service.Image()
	if err == nil {
		_, err = registry.Parse(image) // an image's ID is no name that lacks a tag
	}
	switch {
	case image == "":
		return none, "it runs no containers"
	case p.runsIn(c) && p.handover == nil:
		return none, "this watchtower runs in it"
	case c.Service.Mode.Job():
		return none, "a job: an update would run it again"
	case c.Service.Rollout.InHand():
		return none, "the swarm has a change of it in hand: " + c.Service.Message
	case e.Policy.on(policyNoPull):
		return none, "no-pull: the nodes of a swarm pull for themselves"
	case err != nil:
		return none, fmt.Sprintf("%q is no image reference", image)
	case ref.Pinned():
		return none, "pinned to a digest"
	case p.inv.localService(c, ref):
		return none, "its image was built or loaded here"
	}
	return ref, ""
}

// runsIn reports whether this process's container is a task of the service, whose update
// ends the one who began it.
func (p *pass) runsIn(service lifecycle.Container) bool {
	return p.cfg.self != "" && slices.ContainsFunc(p.inv.containers, func(c lifecycle.Container) bool {
		return c.ID == p.cfg.self && c.Labels[lifecycle.LabelServiceID] == service.ID
	})
}

// unheeded tells of labels that ask of a service what only a container can have.
func unheeded(c lifecycle.Container) []string {
	var labels []string
	for _, label := range []string{
		lifecycle.LabelPreCheck, lifecycle.LabelPostCheck, lifecycle.LabelPreUpdate, lifecycle.LabelPostUpdate,
		lifecycle.LabelStopSignal, lifecycle.LabelStopTimeout, lifecycle.LabelUpdateOrder, lifecycle.LabelProbe, DependsOnLabel,
	} {
		if c.Labels[label] != "" {
			labels = append(labels, label)
		}
	}
	if len(labels) == 0 {
		return nil
	}
	return []string{"not heard, as it is a service: " + strings.Join(labels, ", ")}
}
