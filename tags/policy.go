package tags

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Policy says which versions a container may move to. The zero value is none: the
// container follows its tag.
type Policy struct {
	text       string
	constraint *semver.Constraints
}

// Parse reads "semver:" and a range of versions: "semver:^1.2" (from 1.2 on, below
// 2), "semver:~1.2" (1.2 and its patches), "semver:>=1.2 <3", "semver:1.x", "semver:*";
// several may be joined by "||". A range is about the first three numbers: a fourth
// counts as a build, so that "semver:<=1.2.3" has 1.2.3.9 in it. An empty text, or
// "digest", is no policy. Anything else is an error of class InvalidArgument.
func Parse(text string) (Policy, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "digest" {
		return Policy{}, nil
	}
	rest, ok := strings.CutPrefix(text, "semver:")
	if ok {
		if c, err := semver.NewConstraint(strings.TrimSpace(rest)); err == nil {
			return Policy{text, c}, nil
		}
	}
	return Policy{}, errclass.With(errdefs.ErrInvalidArgument,
		fmt.Errorf("tags: %q: want \"digest\", or \"semver:\" and a range like ^1.2, ~1.2, \">=1.2 <3\" or *", text))
}

// IsZero reports whether there is no policy.
func (p Policy) IsZero() bool { return p.constraint == nil }

// String is the text it was read from; empty for none.
func (p Policy) String() string { return p.text }

// Choose returns the highest of the tags that says a version in the same way as the
// current one, is within the range and newer; current and false if there is none. A
// current tag that says no version, as "latest", is an error of class
// FailedPrecondition.
func (p Policy) Choose(current string, tags []string) (tag string, newer bool, err error) {
	if p.IsZero() {
		return current, false, nil
	}
	have, ok := parseTag(current)
	if !ok {
		return current, false, errclass.With(errdefs.ErrFailedPrecondition,
			fmt.Errorf("tags: %s: %q says no version", p, current))
	}
	best := have
	for _, t := range tags {
		v, ok := parseTag(t)
		if ok && have.accepts(v) && p.constraint.Check(v.semver()) && best.less(v) {
			best, tag, newer = v, t, true
		}
	}
	if !newer {
		return current, false, nil
	}
	return tag, true, nil
}
