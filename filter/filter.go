package filter

import "github.com/watchtower-go/watchtower/lifecycle"

// Filter decides which containers a pass looks at. Match must not block and
// must answer the same for the same container.
//
// A filter that is also an Explainer gives the reason for each refusal, one
// that is a fmt.Stringer gives its text as the reason. A Filter is used by many
// goroutines at once.
type Filter interface {
	Match(c lifecycle.Container) bool
}

// Explainer is a Filter that says why.
type Explainer interface {
	// Explain is Match with the reason for a refusal, empty for a match.
	Explain(c lifecycle.Container) (ok bool, reason string)
}

// Func adapts a function to Filter.
type Func func(c lifecycle.Container) bool

// Match calls f.
func (f Func) Match(c lifecycle.Container) bool { return f(c) }
