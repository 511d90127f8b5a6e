package main

import (
	"context"
	"slices"
	"sync"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// nameWarner tells once of each name that no container has, on no engine.
type nameWarner struct {
	names   *filter.NameFilter
	engines int
	warn    func(name string)

	mu      sync.Mutex
	missing map[string][]string // by engine: the names that none of its containers has
	told    map[string]bool
}

func newNameWarner(names *filter.NameFilter, engines int, warn func(name string)) *nameWarner {
	return &nameWarner{names: names, engines: engines, warn: warn, missing: map[string][]string{}, told: map[string]bool{}}
}

// Observe looks at the first report of each engine, and each one after it.
func (n *nameWarner) Observe(_ context.Context, e watchtower.Event) {
	end, ok := e.(watchtower.PassEnded)
	if !ok || end.Report.Partial {
		return
	}
	containers := make([]watchtower.Container, len(end.Report.Entries))
	for i, entry := range end.Report.Entries {
		containers[i] = entry.Container
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	missing := n.names.Unmatched(containers)
	if n.missing[end.Engine] = missing; len(n.missing) < n.engines {
		return // it may be on another one
	}
	for _, name := range missing {
		elsewhere := false
		for _, there := range n.missing {
			elsewhere = elsewhere || !slices.Contains(there, name)
		}
		if !elsewhere && !n.told[name] {
			n.told[name] = true
			n.warn(name)
		}
	}
}
