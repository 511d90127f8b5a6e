package watchtower

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// pass is one pass on its way: inventory, select, check, plan, apply, report.
type pass struct {
	*Tower
	inv    *inventory
	filter Filter
	states []lifecycle.State
	report *Report
	emit   func(Event)

	unfinished map[string]bool // services that a swap has not let go of

	mu        sync.Mutex
	platforms map[string]string // by image ID
}

// run makes one pass, after those before it have ended.
func (t *Tower) run(ctx context.Context, kind PassKind) (*Report, error) {
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer t.drain()
	p := &pass{
		Tower:     t,
		filter:    filter.All(t.cfg.filters...),
		states:    t.cfg.states,
		report:    &Report{Kind: kind, Started: time.Now()},
		emit:      func(e Event) { t.emit(ctx, e) },
		platforms: map[string]string{},
	}
	if len(p.states) == 0 {
		p.states = []lifecycle.State{lifecycle.StateRunning}
	}
	p.emit(PassStarted{At: p.report.Started, Kind: kind})
	var err error
	if p.inv, err = t.inventory(ctx); err != nil {
		return nil, fmt.Errorf("watchtower: %s: %w", kind, err)
	}
	stale := p.check(ctx, p.sel())
	if len(stale) > 0 {
		// Even a check looks whether what is stale could be swapped: a promise
		// that an update would break is no answer.
		if stale, err = p.separable(ctx, stale); err != nil {
			return nil, fmt.Errorf("watchtower: %s: %w", kind, err)
		}
	}
	for _, c := range stale {
		p.emit(UpdateFound{At: time.Now(), Entry: *c.entry})
	}
	if kind == PassUpdate {
		replaced := p.apply(ctx, newPlan(stale))
		if t.cfg.cleanup {
			p.cleanUp(context.WithoutCancel(ctx), replaced)
		}
	}
	p.report.Ended = time.Now()
	p.emit(PassEnded{At: p.report.Ended, Kind: kind, Report: p.report})
	return p.report, nil
}

// separable leaves out the containers that others depend on so closely that
// replacing one alone would cut the others off.
func (p *pass) separable(ctx context.Context, stale []candidate) ([]candidate, error) {
	entangled, err := p.entangled(ctx, p.inv)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(stale, func(c candidate) bool {
		others := entangled[c.entry.Container.ID]
		if len(others) > 0 {
			p.skip(c.entry, fmt.Sprintf("stale, but %v depend on this very container", others))
		}
		return len(others) > 0
	}), nil
}

// failedBefore is the digest that failed on the container, since this Tower was
// made.
func (t *Tower) failedBefore(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bad[name]
}

func (t *Tower) remember(name, latest string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bad[name] = latest
}
