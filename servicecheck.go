package watchtower

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// platforms are those for which content is asked: the container's, or those of all nodes
// that may run a service's tasks.
func (p *pass) platforms(ctx context.Context, c lifecycle.Container) ([]string, error) {
	if c.Service != nil {
		return p.inv.platforms, nil
	}
	platform, err := p.platform(ctx, c)
	return []string{platform}, err
}

// stays tells of a service that is on its newest digest, and does not do well there: the
// cluster has paused the change to it, or none of its tasks runs since that failed.
func (p *pass) stays(ctx context.Context, c *candidate) {
	e, s := c.entry, c.entry.Container.Service
	switch failed := p.quarantine.against(e.key(), e.Latest); {
	case s == nil:
	case s.Rollout.Paused():
		p.skip(e, fmt.Sprintf("the swarm has paused its change to this digest: %s", s.Message))
	case failed != "" && !p.runs(ctx, *s):
		p.skip(e, failed+"; the service is on it, and no task runs")
	case failed != "": // somebody has mended what it was
		p.kept(p.quarantine.forget(e.key()))
	}
}

// runs reports whether a task of the service's image runs.
func (p *pass) runs(ctx context.Context, s lifecycle.Service) bool {
	tasks, err := p.tasks(ctx, s.ID)
	return err == nil && slices.ContainsFunc(tasks, func(t lifecycle.Task) bool { return t.State == "running" && t.Image == s.Image() })
}

// serviceDiffers says whether any platform of the cluster's nodes is served something
// else than by the digest the service is pinned to. That one is asked for only now: what
// cannot be had any more was another.
func (p *pass) serviceDiffers(ctx context.Context, c *candidate, v registry.Verdict) bool {
	e := c.entry
	if len(p.inv.platforms) == 0 { // nobody says what its nodes are
		e.NewImageID = v.Digest.String()
		return true
	}
	old, err := p.pinnedImages(ctx, c)
	if err != nil {
		p.unjudged(c, err)
		return false
	}
	var lost []string
	var served, changed bool
	for _, platform := range p.inv.platforms {
		had, before := forPlatform(old, platform)
		has, now := forPlatform(v.Images, platform)
		switch {
		case now:
			served = true
			if !changed && (!before || had.Manifest != has.Manifest && (had.Config == "" || had.Config != has.Config)) {
				changed, c.image = true, has
			}
		case before && had.Manifest.String() != e.Container.ImageID: // else it is for one platform, and does not say which
			lost = append(lost, platform)
		}
	}
	if !served && len(lost) == 0 {
		lost = p.inv.platforms
	}
	switch {
	case len(lost) > 0:
		platforms := strings.Join(lost, ", ")
		if !c.passOver("has no image for " + platforms) {
			p.skip(e, c.besides(fmt.Sprintf("its reference does not serve %s, which nodes of the swarm are", platforms)))
		}
		return false
	case !changed:
		e.Reason = "the index moved, its content for the nodes of the swarm did not"
		return false
	}
	if had, ok := forPlatform(old, c.image.Platform); ok {
		p.remember(ctx, c, had)
	}
	e.NewImageID = v.Digest.String()
	return true
}

// forPlatform finds the one of the platform among images.
func forPlatform(images []registry.Image, platform string) (registry.Image, bool) {
	i := slices.IndexFunc(images, func(image registry.Image) bool { return image.Platform == platform })
	if i < 0 {
		return registry.Image{}, false
	}
	return images[i], true
}

// pinnedImages is what the digest that the service is pinned to has for the nodes; nil
// if nobody can tell any more. A registry that only fails to answer may tell yet.
func (p *pass) pinnedImages(ctx context.Context, c *candidate) ([]registry.Image, error) {
	pin := c.entry.Container.ImageID
	if pin == "" {
		return nil, nil
	}
	verdict := p.verdicts(ctx, []registry.Query{{
		Reference: c.ref.Host + "/" + c.ref.Repository + "@" + pin,
		Platforms: func(context.Context) ([]string, error) { return p.inv.platforms, nil },
	}})[0]
	switch err := verdict.Err; {
	case err == nil:
		return verdict.Images, nil
	case errdefs.IsUnavailable(err), errdefs.IsResourceExhausted(err), errdefs.IsDeadlineExceeded(err), errdefs.IsCanceled(err):
		return nil, fmt.Errorf("what it runs: %w", err)
	default:
		p.cfg.logger.Debug("what the service runs is not known", "container", c.entry.Container.Name, "digest", pin, "err", err)
		return nil, nil
	}
}

// remember keeps what the service runs, for gates and for people.
func (p *pass) remember(ctx context.Context, c *candidate, image registry.Image) {
	describer, ok := p.cfg.checker.(registry.Describer)
	if !ok || image.Config == "" {
		return
	}
	var says registry.ImageConfig
	err := contain("the checker", func() (err error) {
		says, err = describer.Describe(ctx, c.ref.String(), image)
		return err
	})
	var defaults lifecycle.Document
	if err == nil {
		defaults, err = lifecycle.ParseDocument(says.Defaults)
	}
	if err != nil {
		return // as of any image that is gone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.images[serviceImageKey(c.entry.Container)] = lifecycle.Image{
		ID: image.Config.String(), Platform: image.Platform, Config: defaults, Created: says.Created,
	}
	c.entry.From = infoIn(defaults, says.Created)
}

// serviceImageKey is where the pass keeps what a service runs.
func serviceImageKey(c lifecycle.Container) string { return ofService + c.ID }
