package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// How much a filter of labels takes: as much as the updater does that had such a
// filter before.
const (
	maxPairs     = 100
	maxPairBytes = 4096
)

// pair is a label that a container may have.
type pair struct {
	text, key string
	value     string // empty: whatever it is
}

func (p pair) match(c lifecycle.Container) bool {
	value, ok := c.Labels[p.key]
	return ok && (p.value == "" || value == p.value)
}

type labels []pair

// Labels matches containers with one of the labels: "team=web" is that label with
// that value, "team=" that label with whatever value. Without pairs it matches every
// container. At most 100 pairs of at most 4096 bytes are accepted; its errors are of
// class InvalidArgument and name each bad pair.
func Labels(pairs ...string) (Filter, error) {
	var out labels
	var errs []error
	if len(pairs) > maxPairs {
		errs = append(errs, fmt.Errorf("filter: labels: %d of them: want at most %d", len(pairs), maxPairs))
	}
	for _, text := range pairs {
		key, value, ok := strings.Cut(text, "=")
		switch {
		case len(text) > maxPairBytes:
			errs = append(errs, fmt.Errorf("filter: label: %q… has %d bytes: want at most %d", text[:32], len(text), maxPairBytes))
		case !ok || key == "":
			errs = append(errs, fmt.Errorf("filter: label: %q: want key=value, or key= for any value", text))
		}
		out = append(out, pair{text, key, value})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, err)
	}
	return out, nil
}

// Match reports whether the container has one of the labels.
func (l labels) Match(c lifecycle.Container) bool {
	return len(l) == 0 || slices.ContainsFunc(l, func(p pair) bool { return p.match(c) })
}

// String lists the pairs.
func (l labels) String() string { return "it has none of the labels " + l.texts() }

func (l labels) tell() string { return "it has one of the labels " + l.texts() }

func (l labels) texts() string {
	out := make([]string, len(l))
	for i, p := range l {
		out[i] = p.text
	}
	return strings.Join(out, ", ")
}

// ExceptLabels refuses the containers that Labels would match; without pairs none.
func ExceptLabels(pairs ...string) (Filter, error) { return except(Labels, pairs) }

// ExceptImages refuses the containers that Images would match; without patterns
// none.
func ExceptImages(patterns ...string) (Filter, error) { return except(Images, patterns) }

// except is the opposite of a filter, but for one that was given nothing to match.
func except[F Filter](of func(...string) (F, error), texts []string) (Filter, error) {
	f, err := of(texts...)
	switch {
	case err != nil:
		return nil, err
	case len(texts) == 0:
		return All(), nil
	default:
		return Not(f), nil
	}
}
