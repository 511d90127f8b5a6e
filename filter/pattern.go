package filter

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// pattern is a text that is met exactly, or as a regular expression by the
// whole of what it is held against.
type pattern struct {
	text string
	re   *regexp.Regexp // nil: exactly
}

var (
	plainName  = regexp.MustCompile(`^[a-zA-Z0-9_.-]*$`)
	plainImage = regexp.MustCompile(`^[a-zA-Z0-9_.:/@-]*$`)
)

func newPattern(what, text string, plain *regexp.Regexp) (pattern, error) {
	if text == "" {
		return pattern{}, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("filter: %s: empty", what))
	}
	if plain.MatchString(text) {
		return pattern{text: text}, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return pattern{}, errclass.With(errdefs.ErrInvalidArgument,
			fmt.Errorf("filter: %s: %q: want a name or a regular expression: %w", what, text, err))
	}
	re.Longest() // so that the first match is the whole text if any is
	return pattern{text, re}, nil
}

func (p pattern) match(s string) bool {
	if p.re == nil {
		return p.text == s
	}
	at := p.re.FindStringIndex(s)
	return at != nil && at[0] == 0 && at[1] == len(s)
}

// names reports whether it meets the container's name. No name has a slash in it: an
// expression with one is about names behind a slash.
func (p pattern) names(c lifecycle.Container) bool {
	return p.match(c.Name) || strings.Contains(p.text, "/") && p.match("/"+c.Name)
}

// NameFilter selects by container name. It tells which of its patterns met
// nothing, for a warning about a misspelt one.
type NameFilter struct{ patterns []pattern }

// Names matches containers by name, in full: a text of letters, digits, dots,
// dashes and underscores is a name; anything else is a regular expression for
// the whole name. A leading slash is dropped, and an expression with one elsewhere
// ("^/app$", "/app|/web") may also meet the name as engines have it, behind a slash.
// Without patterns it matches every container. Its errors are of class
// InvalidArgument and name each bad pattern.
func Names(patterns ...string) (*NameFilter, error) {
	f := &NameFilter{}
	var errs []error
	for _, text := range patterns {
		p, err := newPattern("name", strings.TrimPrefix(text, "/"), plainName)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.patterns = append(f.patterns, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// Match reports whether a pattern meets the container's name.
func (f *NameFilter) Match(c lifecycle.Container) bool {
	return len(f.patterns) == 0 ||
		slices.ContainsFunc(f.patterns, func(p pattern) bool { return p.names(c) })
}

// String lists the patterns.
func (f *NameFilter) String() string { return "its name is none of " + texts(f.patterns) }

// Unmatched returns the patterns that meet none of the containers.
func (f *NameFilter) Unmatched(containers []lifecycle.Container) []string {
	var out []string
	for _, p := range f.patterns {
		if !slices.ContainsFunc(containers, p.names) {
			out = append(out, p.text)
		}
	}
	return out
}

func (f *NameFilter) tell() string { return "its name is one of " + texts(f.patterns) }

// ExceptNames refuses the containers that Names would match; without patterns
// none.
func ExceptNames(patterns ...string) (Filter, error) { return except(Names, patterns) }

type images []pattern

// Images matches containers by image: "nginx" is that repository with any tag,
// "nginx:1.27" that tag; both also spelt in full, "docker.io/library/nginx". A
// text with other characters than those of references is a regular expression
// for the whole of the short spelling, with or without the tag. Without patterns
// it matches every container. Its errors are of class InvalidArgument.
func Images(patterns ...string) (Filter, error) {
	var out images
	var errs []error
	for _, text := range patterns {
		p, err := newPattern("image", text, plainImage)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if p.re == nil {
			p.text = familiar(p.text)
		}
		out = append(out, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// Match reports whether a pattern meets the container's image.
func (i images) Match(c lifecycle.Container) bool {
	if len(i) == 0 {
		return true
	}
	spelt := spellings(familiar(c.Image))
	return slices.ContainsFunc(i, func(p pattern) bool { return slices.ContainsFunc(spelt, p.match) })
}

// String lists the patterns.
func (i images) String() string { return "its image is none of " + texts(i) }

func (i images) tell() string { return "its image is one of " + texts(i) }

// familiar is a reference as people write it: without what Docker Hub's names
// may leave out.
func familiar(ref string) string {
	for _, hub := range []string{"docker.io/", "index.docker.io/", "registry-1.docker.io/"} {
		if rest, ok := strings.CutPrefix(ref, hub); ok {
			return strings.TrimPrefix(rest, "library/")
		}
	}
	return strings.TrimPrefix(ref, "library/")
}

// spellings are what a pattern may name a reference by: as it is, without
// digest, and the repository alone. One that names neither tag nor digest is the
// latest. A colon in front of a slash is a port's.
func spellings(ref string) []string {
	repository, _, pinned := strings.Cut(ref, "@")
	out := []string{ref, repository}
	if i := strings.LastIndex(repository, ":"); i > strings.LastIndex(repository, "/") {
		return append(out, repository[:i])
	}
	if !pinned {
		out = append(out, ref+":latest")
	}
	return out
}

func texts(patterns []pattern) string {
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = p.text
	}
	return strings.Join(out, ", ")
}
