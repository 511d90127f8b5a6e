package filter

import (
	"fmt"
	"strings"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Reason asks the filter about the container, and for a refusal why: what an
// Explainer says, else a fmt.Stringer's text, else a general word.
func Reason(f Filter, c lifecycle.Container) (ok bool, reason string) {
	if e, isExplainer := f.(Explainer); isExplainer {
		return e.Explain(c)
	}
	if f.Match(c) {
		return true, ""
	}
	if s, isStringer := f.(fmt.Stringer); isStringer {
		return false, s.String()
	}
	return false, "refused by a filter"
}

type all []Filter

// All matches what all of the filters match; none of them match everything. Its
// reason is that of the first that refused.
func All(filters ...Filter) Filter { return all(filters) }

// Match reports whether all of them match.
func (a all) Match(c lifecycle.Container) bool {
	ok, _ := a.Explain(c)
	return ok
}

// Explain gives the reason of the first that refused.
func (a all) Explain(c lifecycle.Container) (bool, string) {
	for _, f := range a {
		if ok, reason := Reason(f, c); !ok {
			return false, reason
		}
	}
	return true, ""
}

type anyOf []Filter

// Any matches what one of the filters matches; none of them match nothing. Its
// reason is all of theirs.
func Any(filters ...Filter) Filter { return anyOf(filters) }

// Match reports whether one of them matches.
func (a anyOf) Match(c lifecycle.Container) bool {
	ok, _ := a.Explain(c)
	return ok
}

// Explain gives all reasons.
func (a anyOf) Explain(c lifecycle.Container) (bool, string) {
	reasons := make([]string, len(a))
	for i, f := range a {
		ok, reason := Reason(f, c)
		if ok {
			return true, ""
		}
		reasons[i] = reason
	}
	if len(reasons) == 0 {
		return false, "no filter is there to match it"
	}
	return false, strings.Join(reasons, ", and ")
}

type not struct{ Filter }

// Not matches what the filter does not match.
func Not(f Filter) Filter { return not{f} }

// Match is the opposite of the filter's.
func (n not) Match(c lifecycle.Container) bool { return !n.Filter.Match(c) }

// Explain says what the container is, where the filter can tell: an inner
// filter's reasons are for its refusals, not for this one's.
func (n not) Explain(c lifecycle.Container) (bool, string) {
	if n.Match(c) {
		return true, ""
	}
	if t, ok := n.Filter.(teller); ok {
		return false, t.tell()
	}
	return false, "excluded by a filter"
}

// teller is a filter that can say what holds for the containers it matches.
type teller interface{ tell() string }
