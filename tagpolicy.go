package watchtower

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/tags"
)

// TagPolicyLabel says, in the words of tags.Parse, which versions a container may
// move to: "semver:^1.2". "digest" lets it follow its tag, whatever WithTagPolicy
// says.
const TagPolicyLabel = "com.centurylinklabs.watchtower.tag-policy"

// WithTagPolicy sets which versions containers may move to whose label does not
// say. One whose tag says no version follows its tag. With a policy a registry is
// asked for a repository's tags, once for each repository and pass. The tag that was
// left stays on the engine, and with it the image, whatever WithCleanup says: it may
// be somebody's way back. Default: none, a container follows its tag and no tags are
// listed.
func WithTagPolicy(p tags.Policy) Option {
	return func(c *config) error { c.tagPolicy = p; return nil }
}

// chooseTags points each candidate that follows versions at the tag it may move
// to, and returns those that are still to be checked.
func (p *pass) chooseTags(ctx context.Context, candidates []candidate) []candidate {
	var out []candidate
	following := map[string][]*candidate{} // by repository
	policies := map[string]tags.Policy{}   // by container
	for i := range candidates {
		c := &candidates[i]
		policy, reason := p.tagPolicy(*c)
		switch {
		case reason != "":
			p.skip(c.entry, reason)
		case policy.IsZero():
			out = append(out, *c)
		default:
			repository := c.ref.Host + "/" + c.ref.Repository
			following[repository] = append(following[repository], c)
			policies[c.entry.Container.ID] = policy
		}
	}
	for repository, list := range p.listTags(ctx, following) {
		for _, c := range following[repository] {
			if list.err != nil {
				p.checkFailed(c.ref.String(), []candidate{*c}, list.err)
				continue
			}
			tag, newer, err := policies[c.entry.Container.ID].Choose(c.ref.Tag, list.tags)
			if err == nil && newer {
				c.move(tag)
			}
			out = append(out, *c) // one whose tag says no version was sorted out before
		}
	}
	return out
}

// tagPolicy is the one that counts for a container, or a reason to leave it alone.
func (p *pass) tagPolicy(c candidate) (policy tags.Policy, reason string) {
	policy = p.cfg.tagPolicy
	text, said := c.entry.Container.Labels[TagPolicyLabel]
	if said {
		var err error
		if policy, err = tags.Parse(text); err != nil {
			return tags.Policy{}, fmt.Sprintf("label %s: %v", TagPolicyLabel, err)
		}
	}
	switch _, _, err := policy.Choose(c.ref.Tag, nil); {
	case err == nil:
		return policy, ""
	case said:
		return tags.Policy{}, fmt.Sprintf("label %s: %v", TagPolicyLabel, err)
	default:
		return tags.Policy{}, ""
	}
}

// listed are a repository's tags.
type listed struct {
	tags []string
	err  error
}

func (p *pass) listTags(ctx context.Context, following map[string][]*candidate) map[string]listed {
	out := map[string]listed{}
	lister, ok := p.cfg.checker.(registry.TagLister)
	var group errgroup.Group
	group.SetLimit(judgeConcurrency)
	for repository := range following {
		group.Go(func() error {
			l := listed{err: fmt.Errorf("this checker lists no tags: %w", errdefs.ErrNotImplemented)}
			if ok {
				l.tags, l.err = lister.Tags(ctx, repository)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			out[repository] = l
			return nil
		})
	}
	_ = group.Wait() // errors stand in what was listed
	return out
}

// move points the candidate at another tag. What its user wrote before the tag
// stays.
func (c *candidate) move(tag string) {
	was := ":" + c.ref.Tag
	c.entry.NewReference = strings.TrimSuffix(c.entry.Container.Image, was) + ":" + tag
	c.ref.Tag = tag
}

// reference is what the successor of a container in the plan is created by.
func (m PlannedMember) reference(c lifecycle.Container) string {
	if m.Reference != "" {
		return m.Reference
	}
	return c.Image
}
