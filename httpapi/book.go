package httpapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// book is what is kept of an engine, whichever Tower it has: its passes, and what was asked
// of it. Each has its own, so that none takes room from another.
type book struct {
	name    string // the engine's; empty if it has none
	history history
	jobs    jobs
	checks  jobs
	pushes  pushes
}

// books are those of all engines of which there was a word.
type books struct {
	mu     sync.Mutex
	list   map[string]*book
	closed bool
}

// of is the book of the engine of that name.
func (b *books) of(name string) *book {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one, ok := b.list[name]; ok {
		return one
	}
	one := &book{
		name: name, history: history{engine: name, latest: map[string]watched{}},
		jobs: jobs{bounds: updateBounds, closed: b.closed}, checks: jobs{bounds: checkBounds, closed: b.closed}, pushes: pushes{closed: b.closed},
	}
	if b.list == nil {
		b.list = map[string]*book{}
	}
	b.list[name] = one
	return one
}

// close ends what was asked for of all of them at once: see jobs.close.
func (b *books) close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	all := slices.Collect(maps.Values(b.list))
	b.mu.Unlock() // what ends tells of it
	var ends sync.WaitGroup
	errs := make([]error, 2*len(all))
	for i, one := range all {
		one.pushes.close()
		ends.Go(func() { errs[2*i] = one.checks.close(ctx) })
		ends.Go(func() { errs[2*i+1] = one.jobs.close(ctx) })
	}
	ends.Wait()
	return errors.Join(errs...)
}
