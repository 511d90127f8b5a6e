package watchtower

import (
	"context"
	"fmt"
	"slices"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// Watched is one container of the engine, as a pass would find it now.
type Watched struct {
	Container Container
	// Digest is what its image was pulled by, of its own repository if it was pulled
	// from several ("sha256:…"); empty for one that no registry has.
	Digest string
	// Selected is set if the Tower's filters select it.
	Selected bool
	// Skipped is why a pass leaves it alone; empty if it asks about it.
	Skipped string
	// Policy is what counts for it, and who says so.
	Policy Policy
}

// Containers lists every container the engine has, by name, and what a pass would make
// of it, without asking a registry: a ping, two lists, and an inspect of those whose
// reference the list does not show. The services of a swarm that the engine manages are
// among them (see WithServices). It waits for no pass and tells observers nothing.
// An engine that does not answer is of class Unavailable.
func (t *Tower) Containers(ctx context.Context) ([]Watched, error) {
	out, err := t.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("watchtower: list: %w", err)
	}
	return out, nil
}

func (t *Tower) list(ctx context.Context) ([]Watched, error) {
	if err := t.ping(ctx); err != nil {
		return nil, err
	}
	inv, err := t.inventory(ctx)
	if err != nil {
		return nil, err
	}
	p := t.newPass(PassCheck, func(Event) {})
	p.inv, p.unfinished = inv, map[string]bool{}
	if err := p.withServices(ctx); err != nil {
		return nil, err
	}
	for _, c := range inv.containers {
		if service, ok := lifecycle.Unfinished(c); ok {
			p.unfinished[service] = true
		}
	}
	all := inv.all()
	slices.SortFunc(all, containersByName)
	out := make([]Watched, len(all))
	for i, c := range all {
		e := Entry{Container: c, Policy: t.cfg.policyOf(c.Labels)}
		_, reason := p.refuse(&e)
		selected, _ := filter.Reason(p.filter, c)
		out[i] = Watched{Container: c, Digest: inv.servedAs(c), Selected: selected, Skipped: reason, Policy: e.Policy}
	}
	return out, nil
}

// servedAs is pulledAs, and for a service the digest that it is pinned to.
func (inv *inventory) servedAs(c Container) string {
	if c.Service != nil {
		return c.ImageID
	}
	return inv.pulledAs(c)
}

// pulledAs is the digest of the container's image in its repository.
func (inv *inventory) pulledAs(c Container) string {
	own, err := registry.Parse(c.Image)
	first := ""
	for _, text := range inv.images[c.ImageID].Digests {
		from, bad := registry.Parse(text)
		switch {
		case bad != nil:
		case err == nil && from.Host == own.Host && from.Repository == own.Repository:
			return from.Digest.String()
		case first == "":
			first = from.Digest.String()
		}
	}
	return first
}
