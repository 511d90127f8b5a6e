package main

import (
	"context"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// nameWarner tells once of each name that no container has.
type nameWarner struct {
	names *filter.NameFilter
	warn  func(name string)
	told  map[string]bool
}

// Observe looks at the first report, and each one after it.
func (n *nameWarner) Observe(_ context.Context, e watchtower.Event) {
	end, ok := e.(watchtower.PassEnded)
	if !ok || end.Report.Partial {
		return
	}
	containers := make([]watchtower.Container, len(end.Report.Entries))
	for i, entry := range end.Report.Entries {
		containers[i] = entry.Container
	}
	for _, name := range n.names.Unmatched(containers) {
		if !n.told[name] {
			n.told[name] = true
			n.warn(name)
		}
	}
}
