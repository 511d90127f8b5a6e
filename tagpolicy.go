package watchtower

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
// asked for a repository's tags, once for each repository and pass; a Checker given by
// WithChecker must be a registry.TagLister. A newer tag that has no image for the
// container's platform, or whose image failed on it, is passed over for the next one,
// three at most, and then the container follows its own: the entry's Reason tells of
// each. The tag that was left stays on the engine, and with it the image, whatever
// WithCleanup says: it may be somebody's way back. Default: none, a container follows
// its tag and no tags are listed.
func WithTagPolicy(p tags.Policy) Option {
	return func(c *config) error { c.tagPolicy = p; return nil }
}

// passedMost is how many newer tags a pass looks at for one container in vain. What
// makes one of no use is mostly a release whose images for some platforms are late,
// or one that is broken and the next that mends it: rarely more than two in a row.
// Each costs about the requests of an update that was found.
const passedMost = 3

// versions are what a candidate that follows them may move to.
type versions struct {
	policy tags.Policy
	own    string   // its tag
	tags   []string // all that are left
	passed []string // what was passed over, and why
}

// chooseTags points each candidate that follows versions at the tag it may move
// to, and returns those that are still to be checked.
func (p *pass) chooseTags(ctx context.Context, candidates []candidate) []candidate {
	var out []candidate
	following := map[string][]candidate{} // by repository
	for _, c := range candidates {
		policy, reason := p.tagPolicy(c)
		switch {
		case reason != "":
			p.skip(c.entry, reason)
		case policy.IsZero():
			out = append(out, c)
		default:
			repository := c.ref.Host + "/" + c.ref.Repository
			c.versions = &versions{policy: policy, own: c.ref.Tag}
			following[repository] = append(following[repository], c)
		}
	}
	for repository, list := range p.listTags(ctx, following) {
		for _, c := range following[repository] {
			if list.err != nil {
				p.checkFailed(c.ref.String(), []candidate{c}, list.err)
				continue
			}
			c.versions.tags = list.tags
			c.move()
			out = append(out, c)
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
	_, lists := p.cfg.checker.(registry.TagLister)
	switch _, _, err := policy.Choose(c.ref.Tag, nil); {
	case err == nil && !policy.IsZero() && !lists: // for an option New has seen to it
		return tags.Policy{}, fmt.Sprintf("label %s: %q: the Checker lists no tags: it is no registry.TagLister", TagPolicyLabel, text)
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

func (p *pass) listTags(ctx context.Context, following map[string][]candidate) map[string]listed {
	out := map[string]listed{}
	var group errgroup.Group
	group.SetLimit(judgeConcurrency)
	for repository := range following {
		group.Go(func() error {
			l := p.list(ctx, repository)
			p.mu.Lock()
			defer p.mu.Unlock()
			out[repository] = l
			return nil
		})
	}
	_ = group.Wait() // errors stand in what was listed
	return out
}

// list asks the checker, whose panic is not the pass's.
func (p *pass) list(ctx context.Context, repository string) (l listed) {
	l.err = contain("the checker", func() (err error) {
		l.tags, err = p.cfg.checker.(registry.TagLister).Tags(ctx, repository)
		return err
	})
	return l
}

// move points the candidate at the highest tag that is left, its own if there is no
// newer one. What its user wrote before the tag stays.
func (c *candidate) move() {
	v := c.versions
	tag, newer, _ := v.policy.Choose(v.own, v.tags) // one whose tag says no version was sorted out before
	c.ref.Tag, c.entry.NewReference = tag, ""
	if newer {
		c.entry.NewReference = strings.TrimSuffix(c.entry.Container.Image, ":"+v.own) + ":" + tag
	}
}

// passOver has the candidate asked about once more, by the next tag it may move to,
// which is its own at last. False: it is asked by its own already.
func (c *candidate) passOver(why string) bool {
	e, v := c.entry, c.versions
	if e.NewReference == "" {
		return false
	}
	v.passed = append(v.passed, c.ref.Tag+" "+why)
	v.tags = slices.DeleteFunc(slices.Clone(v.tags), func(tag string) bool { return tag == c.ref.Tag })
	if len(v.passed) == passedMost {
		v.tags = nil
	}
	c.move()
	c.image = registry.Image{}
	e.Status, e.Reason, e.Latest, e.NewImageID = "", "", "", ""
	return true
}

// besides adds to a reason what was passed over.
func (c *candidate) besides(reason string) string {
	if c.versions == nil {
		return reason
	}
	said := slices.Clone(c.versions.passed)
	if reason != "" {
		said = slices.Insert(said, 0, reason)
	}
	return strings.Join(said, "; ")
}

// failedAs is the key by which is remembered that what the container moves to has
// failed on it. A version has one of its own: the next one is tried in its place, and
// must not have it forgotten, or the two of them would fail in turn for ever.
func (e *Entry) failedAs() string {
	if e.NewReference == "" {
		return e.key()
	}
	return versionKey(e.key(), e.Latest)
}

// key is what failures are remembered by: its name, which a service and a container may
// both have.
func (e *Entry) key() string { return keyOf(e.Container) }

func versionKey(name, digest string) string { return name + " " + digest }

// reference is what the successor of a container in the plan is created by.
func (m PlannedMember) reference(c lifecycle.Container) string {
	if m.Reference != "" {
		return m.Reference
	}
	return c.Image
}
