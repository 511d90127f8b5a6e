package watchtower

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// pass is one pass on its way: inventory, select, check, plan, apply, report.
type pass struct {
	*Tower
	inv    *inventory
	filter Filter
	only   Filter // what it was asked about; nil: all
	gates  []Gate
	states []lifecycle.State
	report *Report
	emit   func(Event)

	monitored []candidate // stale, and to stay so

	unfinished map[string]bool   // services that a swap has not let go of
	cutOff     map[string]string // by ID: why a swap would be nobody's to finish

	mu     sync.Mutex
	images map[string]lifecycle.Image  // by ID
	moved  map[digest.Digest]described // new images, by configuration
}

// run makes one pass, after those before it have ended. Further gates are for this
// one.
func (t *Tower) run(ctx context.Context, kind PassKind, further ...Gate) (*Report, error) {
	return t.runIf(ctx, kind, func(*Report) error { return nil }, further...)
}

// runIf makes one pass, which ends before it acts if what it found is not agreed to.
func (t *Tower) runIf(ctx context.Context, kind PassKind, agreed func(*Report) error, further ...Gate) (*Report, error) {
	return t.alone(ctx, kind, func(p *pass) error {
		p.gates = slices.Concat(p.gates, further)
		return p.whole(ctx, agreed)
	})
}

// whole is a pass from inventory to report.
func (p *pass) whole(ctx context.Context, agreed func(*Report) error) error {
	kind := p.report.Kind
	if err := p.look(ctx, kind == PassUpdate, p.follow); err != nil {
		return err
	}
	if err := p.withServices(ctx); err != nil {
		return err
	}
	selected := p.sel()
	if kind == PassUpdate {
		p.hooksAround(ctx, lifecycle.PreCheck, selected)
		defer p.hooksAround(ctx, lifecycle.PostCheck, selected)
	}
	stale := p.check(ctx, selected)
	if err := ctx.Err(); gaveUp(err) {
		return err // nothing was done, and what was found is not all
	}
	// Even a check looks whether what is stale could be swapped: a promise
	// that an update would break is no answer.
	var err error
	if p.report.Plan, err = p.plan(ctx, stale); err != nil {
		return err
	}
	if err := agreed(p.report); err != nil {
		return err
	}
	p.found(stale)
	if kind == PassUpdate {
		p.act(ctx)
	}
	return nil
}

// alone gives a pass its turn, after those before it.
func (t *Tower) alone(ctx context.Context, kind PassKind, work func(*pass) error) (*Report, error) {
	select {
	case t.turn <- struct{}{}:
		return t.inTurn(ctx, kind, work)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// inTurn gives a pass whose turn it is its frame: its first and last event, its report,
// and the end of its turn. It waits for what is just repaired.
func (t *Tower) inTurn(ctx context.Context, kind PassKind, work func(*pass) error) (*Report, error) {
	defer func() { <-t.turn }()
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if ctx.Err() != nil { // a pass that nobody wants any more does not begin
		return nil, context.Cause(ctx)
	}
	defer t.pulse.begin(t.now())()
	defer t.drain()
	p := t.newPass(kind, func(e Event) { t.emit(ctx, e) })
	p.emit(PassStarted{At: p.report.Started, Kind: kind})
	if err := work(p); err != nil {
		return nil, fmt.Errorf("watchtower: %s: %w", kind, err)
	}
	p.narrow()
	p.report.Ended, p.report.Quotas = p.now(), t.quotas()
	p.emit(PassEnded{At: p.report.Ended, Kind: kind, Report: p.report})
	return p.report, nil
}

func (t *Tower) newPass(kind PassKind, emit func(Event)) *pass {
	p := &pass{
		Tower:  t,
		filter: containedFilter{filter.All(t.cfg.filters...), t.cfg.logger},
		gates:  t.cfg.gates,
		states: t.cfg.states,
		report: &Report{Engine: t.cfg.engineName, Kind: kind, Started: t.now()},
		emit:   emit,
		images: map[string]lifecycle.Image{},
		moved:  map[digest.Digest]described{},
	}
	if len(p.states) == 0 {
		// One that is restarted for ever waits for nothing more than a fix.
		p.states = []lifecycle.State{lifecycle.StateRunning, lifecycle.StateRestarting}
	}
	return p
}

// act carries the report's plan out.
func (p *pass) act(ctx context.Context) {
	replaced := p.apply(ctx, p.others(p.report.Plan))
	if p.cfg.cleanup {
		p.cleanUp(context.WithoutCancel(ctx), replaced)
	}
	p.handOver(ctx)
}

// look takes the inventory, and does beside it what else is to be asked. Before a
// pass that is to change something, what a crash left is repaired first.
func (p *pass) look(ctx context.Context, repair bool, beside ...func(context.Context)) (err error) {
	if err = p.ping(ctx); err != nil {
		return err
	}
	if repair && !p.settleSelf(ctx) && p.own.id != "" {
		p.report.handedOver = true
	}
	var group sync.WaitGroup
	defer group.Wait()
	for _, ask := range beside {
		group.Go(func() { ask(ctx) })
	}
	if p.inv, err = p.inventory(ctx); err != nil || !repair || !p.inv.unfinished() {
		return err
	}
	p.report.Recovered, err = p.recoverAll(ctx)
	p.tell(ctx, p.report.Recovered)
	if err != nil {
		return err
	}
	p.inv, err = p.inventory(ctx)
	return err
}

// plan sees who needs whom, if there is anything to do.
func (p *pass) plan(ctx context.Context, stale []candidate) (Plan, error) {
	policy := p.cfg.planPolicy()
	stale, services := apartServices(stale)
	services = p.placed(ctx, services)
	if len(stale) == 0 {
		return Plan{Policy: policy, Images: []PlannedImage{}, Groups: rollouts(services)}, nil
	}
	snaps, err := p.snapshots(ctx, p.inv)
	if err != nil {
		return Plan{}, err
	}
	p.cutOff = p.cutOffs(ctx, stale, snaps)
	pl := planner{
		policy: policy, stale: stale, snaps: snaps, relations: relations(snaps), wish: p.cfg.wish(), refuse: p.immovable,
		skip:      func(id, reason string) { p.skip(p.entry(id), reason) },
		ambiguous: func(c candidate, snap lifecycle.Snapshot) []lifecycle.Ambiguity { return p.ambiguities(ctx, c, snap) },
	}
	plan := pl.plan()
	plan.Groups = append(plan.Groups, rollouts(services)...)
	return plan, nil
}

// immovable says why a container cannot be swapped, not even along with another.
func (p *pass) immovable(c lifecycle.Container) string {
	_, journalled := lifecycle.Unfinished(c)
	switch {
	case p.untouchable(c) != "":
		return p.untouchable(c)
	case journalled, p.unfinished[c.Name]:
		return "it is part of an unfinished swap"
	case p.cutOff[c.ID] != "":
		return p.cutOff[c.ID]
	case c.State == lifecycle.StateRemoving, c.State == lifecycle.StateDead:
		return fmt.Sprintf("it is %s", c.State)
	default:
		return ""
	}
}
