// Package filter decides which containers a pass looks at.
//
// A Filter is one method; this package has the ones people ask for, and the
// words to combine them:
//
//	names, err := filter.Names("web", "db-.*")
//	...
//	f := filter.All(names, filter.Enabled(true), filter.Not(filter.Scope("staging")))
//
// A container that is refused appears in the report with the reason, which is
// the text of the filter that refused it.
package filter
