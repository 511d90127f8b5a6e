package watchtower

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// candidate is a container whose registry is asked.
type candidate struct {
	entry *Entry
	ref   registry.Reference
	image registry.Image // what it moves to, where the check resolved it
	here  bool           // which is on the engine, and no registry is asked

	versions  *versions // nil: it follows its tag
	ambiguous []lifecycle.Ambiguity
}

// sel sorts out what a pass leaves alone. It fills the report with an entry for
// every container and returns those to be checked. Those that the pass was not asked
// about have no status.
func (p *pass) sel() []candidate {
	p.enter()
	var out []candidate
	for i := range p.report.Entries {
		e := &p.report.Entries[i]
		if !p.meant(e.Container) {
			continue
		}
		ref, reason := p.refuse(e)
		if reason != "" {
			p.skip(e, reason)
			continue
		}
		out = append(out, candidate{entry: e, ref: ref})
	}
	return out
}

// enter makes an entry for every container, by name, with its policy, and notes what
// unfinished swaps hold.
func (p *pass) enter() {
	slices.SortFunc(p.inv.containers, containersByName)
	all := p.inv.all()
	slices.SortFunc(all, containersByName)
	p.report.Entries = make([]Entry, len(all))
	p.unfinished = map[string]bool{}
	for _, c := range p.inv.containers {
		if service, ok := lifecycle.Unfinished(c); ok {
			p.unfinished[service] = true
		}
	}
	for i, c := range all {
		e := &p.report.Entries[i]
		e.Container, e.From = c, p.inv.runs(c)
		if c.Service != nil {
			e.Warnings = unheeded(c)
		} else {
			e.TaskOf, _ = lifecycle.TaskOf(c)
		}
	}
	p.tellLabels()
}

// refuse gives the reason to leave a container alone, or what to ask for.
func (p *pass) refuse(e *Entry) (registry.Reference, string) {
	none, c := registry.Reference{}, e.Container
	switch {
	case c.Service != nil:
		return p.refuseService(e)
	case p.cfg.services == ServicesOnly:
		return none, "no service, and only services are updated"
	}
	if service, ok := lifecycle.Unfinished(c); ok || p.unfinished[c.Name] {
		if !ok {
			service = c.Name
		}
		return none, fmt.Sprintf("part of an unfinished swap of %s", service)
	}
	if reason := p.untouchable(c); reason != "" {
		return none, reason
	}
	if ok, reason := filter.Reason(p.filter, c); !ok {
		return none, reason
	}
	if !slices.Contains(p.states, c.State) {
		return none, fmt.Sprintf("it is %s", c.State)
	}
	if p.inv.namesID(c) {
		return none, "created from an image ID: no reference to follow"
	}
	ref, err := registry.Parse(c.Image)
	switch {
	case err != nil:
		return none, fmt.Sprintf("%q is no image reference", c.Image)
	case ref.Pinned():
		return none, "pinned to a digest"
	case !e.Policy.on(policyNoPull) && p.inv.local(c, ref):
		return none, "its image was built or loaded here"
	}
	return ref, ""
}

func (p *pass) skip(e *Entry, reason string) {
	e.Status, e.Reason = StatusSkipped, reason
	p.emit(ContainerSkipped{At: p.now(), Container: e.Container, Reason: reason, Stale: e.OutOfDate})
}

// check judges every candidate, and asks about each distinct reference once. It
// returns the stale ones that may move.
func (p *pass) check(ctx context.Context, candidates []candidate) []candidate {
	asking, cancel := context.WithTimeout(ctx, p.cfg.checkTimeout)
	defer cancel()
	others, stale := p.checkHere(ctx, candidates)
	stale = p.setAside(append(stale, p.ask(ctx, asking, p.chooseTags(asking, others))...))
	if gaveUp(ctx.Err()) {
		return nil
	}
	slices.SortFunc(stale, byName)
	p.describe(asking, slices.Concat(stale, p.monitored))
	return p.judged(asking, stale)
}

// ask asks registries, within asking, and returns what is stale. Whose version was
// passed over is asked about again, by the next one.
func (p *pass) ask(ctx, asking context.Context, candidates []candidate) (stale []candidate) {
	for len(candidates) > 0 {
		var found []candidate
		found, candidates = p.askOnce(ctx, asking, candidates)
		stale = append(stale, found...)
	}
	return stale
}

func (p *pass) askOnce(ctx, asking context.Context, candidates []candidate) (stale, again []candidate) {
	users := map[string][]candidate{}
	var order []string
	for _, c := range candidates {
		key := c.ref.String()
		if users[key] == nil {
			order = append(order, key)
		}
		users[key] = append(users[key], c)
	}
	queries := make([]registry.Query, len(order))
	for i, key := range order {
		queries[i] = p.query(key, users[key])
	}
	verdicts := p.verdicts(asking, queries)
	for i, key := range order {
		v := verdicts[i]
		if v.Err != nil {
			left := slices.DeleteFunc(users[key], func(c candidate) bool {
				passed := errdefs.IsNotFound(v.Err) && c.passOver("is listed, and not there")
				if passed {
					again = append(again, c)
				}
				return passed
			})
			p.checkFailed(key, left, v.Err)
			continue
		}
		p.noted(key, users[key], v)
		for _, c := range users[key] {
			switch {
			case p.judge(ctx, asking, &c, v):
				stale = append(stale, c)
			case c.entry.Status == "": // its version was passed over
				again = append(again, c)
			}
		}
	}
	return stale, again
}

// containersByName is an order even of a list that has two of one name.
func containersByName(a, b lifecycle.Container) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

func byName(a, b candidate) int {
	return containersByName(a.entry.Container, b.entry.Container)
}

// query asks about one reference for all its users. What all of them already
// run needs no second question; their platforms matter only if it moved.
func (p *pass) query(reference string, users []candidate) registry.Query {
	known := p.inv.identity(users[0].entry.Container)
	for _, u := range users[1:] {
		other := p.inv.identity(u.entry.Container)
		known = slices.DeleteFunc(slices.Clone(known), func(d digest.Digest) bool { return !slices.Contains(other, d) })
	}
	return registry.Query{
		Reference: reference,
		Known:     known,
		Platforms: func(ctx context.Context) ([]string, error) {
			var out []string
			for _, u := range users {
				platforms, err := p.platforms(ctx, u.entry.Container)
				if err != nil {
					return nil, err
				}
				for _, platform := range platforms {
					if !slices.Contains(out, platform) {
						out = append(out, platform)
					}
				}
			}
			return out, nil
		},
	}
}

// platform is that of the image a container runs. An image for several, which
// shows one of them if asked, is not asked: its containers tell.
func (p *pass) platform(ctx context.Context, c lifecycle.Container) (string, error) {
	if c.ImagePlatform != "" {
		return c.ImagePlatform, nil
	}
	image, err := p.imageOf(ctx, c)
	if err != nil {
		return "", fmt.Errorf("platform of %s: %w", c.Name, err)
	}
	return image.Platform, nil
}

// imageOf is the image a container runs, as it is for the container's platform,
// inspected once in a pass.
func (p *pass) imageOf(ctx context.Context, c lifecycle.Container) (lifecycle.Image, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := c.ImageID + " " + c.ImagePlatform
	if c.Service != nil {
		key = serviceImageKey(c)
	}
	if known, ok := p.images[key]; ok {
		return known, nil
	}
	if c.Service != nil {
		return lifecycle.Image{}, errclass.With(errdefs.ErrNotFound, fmt.Errorf("what %s runs is not on this engine", c.Name))
	}
	image, err := p.inspectImage(ctx, c.ImageID, c.ImagePlatform)
	if err == nil {
		p.images[key] = image
	}
	return image, err
}

func (p *pass) checkFailed(reference string, users []candidate, err error) {
	var keys []string
	for _, u := range users {
		e := u.entry
		if unheardOf(u.ref, err) && !p.inv.cameFrom(e.Container, u.ref) {
			p.skip(e, "Docker Hub has no such image: it was built, loaded or tagged here")
			continue
		}
		keys = append(keys, e.key())
		e.Status = StatusFailed
		e.Err = fmt.Errorf("watchtower: check %s: %w", e.Container.Name, err)
	}
	if len(keys) > 0 && !gaveUp(err) {
		containers, services := apart(keys...)
		p.emit(CheckFailed{At: p.now(), Reference: reference, Containers: containers, Services: services, Err: err})
	}
}

// unjudged: the registry has answered, and the engine did not.
func (p *pass) unjudged(c *candidate, err error) {
	e := c.entry
	e.Status, e.Err = StatusFailed, fmt.Errorf("watchtower: check %s: %w", e.Container.Name, err)
	if !gaveUp(err) {
		containers, services := apart(e.key())
		p.emit(CheckFailed{At: p.now(), Reference: c.ref.String(), Containers: containers, Services: services, Err: err})
	}
}

// gaveUp: whoever asked for the pass wants it no more, of which no registry is to be
// accused, and no container.
func gaveUp(err error) bool { return errors.Is(err, context.Canceled) }

// unheardOf: Docker Hub's own images, the names without a slash, are public. To
// be denied one means that there is none.
func unheardOf(ref registry.Reference, err error) bool {
	return ref.Host == registry.Hub && strings.HasPrefix(ref.Repository, "library/") &&
		(errdefs.IsUnauthorized(err) || errdefs.IsNotFound(err))
}

// judge says whether the container is stale: whether the content its platform
// is served differs from what it runs.
func (p *pass) judge(ctx, asking context.Context, c *candidate, v registry.Verdict) bool {
	e := c.entry
	e.Latest = v.Digest.String()
	e.Status = StatusFresh
	moved := e.NewReference
	defer func() {
		if e.Status == StatusFresh {
			e.NewReference = "" // the content it runs already
			e.Reason = c.besides(e.Reason)
		}
	}()
	if v.OriginErr != nil {
		e.Reason = fmt.Sprintf("%s says so; %v", v.Endpoint, v.OriginErr)
	}
	if slices.Contains(p.inv.identity(e.Container), v.Digest) {
		p.stays(ctx, c)
		return false
	}
	differs, within := p.differs, ctx
	if e.Container.Service != nil {
		differs, within = p.serviceDiffers, asking
	}
	if v.Images != nil && !differs(within, c, v) { // nil: this checker does not resolve platforms
		return false
	}
	e.OutOfDate = true
	if p.failedBefore(ctx, c) {
		return false
	}
	e.Status = StatusStale
	e.Reason = "its reference points at another image"
	if moved != "" {
		e.Reason = fmt.Sprintf("%s is the newest it may move to", moved)
	}
	if v.OriginErr != nil {
		e.Reason += fmt.Sprintf(" at %s; %v", v.Endpoint, v.OriginErr)
	}
	e.Reason = c.besides(e.Reason)
	return true
}

// differs says whether what the container's platform is served is not what it runs.
func (p *pass) differs(ctx context.Context, c *candidate, v registry.Verdict) bool {
	e := c.entry
	platform, err := p.platform(ctx, e.Container)
	if err != nil {
		p.unjudged(c, err)
		return false
	}
	image, served := forPlatform(v.Images, platform)
	if !served {
		if !c.passOver("has no image for " + platform) {
			p.skip(e, c.besides("its reference no longer serves "+platform))
		}
		return false
	}
	own := p.inv.identity(e.Container)
	if slices.Contains(own, image.Config) || slices.Contains(own, image.Manifest) {
		e.Reason = "the index moved, its content did not"
		return false
	}
	c.image = image
	e.NewImageID = c.image.Config.String()
	return true
}

// failedBefore leaves a container alone on which what it could move to has failed,
// unless there is another version.
func (p *pass) failedBefore(ctx context.Context, c *candidate) bool {
	reason := p.quarantine.against(c.entry.key(), c.entry.Latest)
	if reason == "" {
		reason = p.undone(ctx, c.entry)
	}
	if reason == "" {
		return false
	}
	if !c.passOver(strings.TrimPrefix(reason, "this digest ")) {
		p.skip(c.entry, c.besides(reason))
	}
	return true
}
