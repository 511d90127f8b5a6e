package watchtower

import (
	"context"
	"fmt"
	"sync"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/registry"
)

// The parts a Tower is made of, each declared beside its implementations.
type (
	// Engine is the container engine: see lifecycle.Engine.
	Engine = lifecycle.Engine
	// Container is one container, as data: see lifecycle.Container.
	Container = lifecycle.Container
	// State is a container's state: see lifecycle.State.
	State = lifecycle.State
	// Order is how a container is swapped.
	Order = lifecycle.Order
	// Probe is a question to a container that was just started.
	Probe = lifecycle.Probe
	// Filter selects containers: see filter.Filter.
	Filter = filter.Filter
	// Gate judges what a container could move to: see gate.Gate.
	Gate = gate.Gate
	// Checker resolves references: see registry.Checker.
	Checker = registry.Checker
	// CredentialStore finds logins: see credentials.Store.
	CredentialStore = credentials.Store
	// Updater brings containers to their new image: see lifecycle.Updater.
	Updater = lifecycle.Updater
)

// Watcher is what a Tower does: three verbs, from looking to acting to going on
// acting.
type Watcher interface {
	// Check looks and writes nothing: no pull, no change of any container.
	Check(ctx context.Context) (*Report, error)
	// Update makes one full pass. What fails for one container stands in the
	// report; an error means that no report could be made.
	Update(ctx context.Context) (*Report, error)
	// Run makes passes on the schedule until ctx ends, never two at a time, and
	// then returns nil. A swap in hand when ctx ends is finished or undone
	// first.
	Run(ctx context.Context) error
}

// Tower is the Watcher that New makes. It is safe for use by many goroutines;
// its passes come one after the other.
type Tower struct {
	cfg    config
	queues []*queue
	turn   chan struct{} // held by the pass in hand, or the next while something is repaired
	busy   chan struct{} // held by the pass in hand, or what is repaired outside of one
	pulse  pulse

	quarantine *quarantine
	badLabels  map[badLabel]string // those told of; in the busy pass
	handover   *lifecycle.Handover // nil: this process's container stays as it is
	own        ownService          // in the busy pass
	cleared    bool                // of leftovers; in the busy pass
	unfollowed string              // why the engine's registry configuration is not; in the busy pass

	said sync.Map // what is told only once
}

var _ Watcher = (*Tower)(nil)

// New makes a Tower. Without options it watches every running container of the
// engine the environment names, with the credentials `docker login` left. Every
// bad option is reported, joined into one error of class InvalidArgument. New
// asks nothing of engine or registry.
func New(opts ...Option) (*Tower, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if err := c.fill(); err != nil {
		return nil, fmt.Errorf("watchtower: %w", err)
	}
	q, err := openQuarantine(c.stateDirectory, func(err error) { c.logger.Warn("state directory", "err", err) })
	if err != nil {
		return nil, err
	}
	t := &Tower{cfg: c, turn: make(chan struct{}, 1), busy: make(chan struct{}, 1), quarantine: q}
	t.pulse.Started, t.pulse.Engine = t.now(), c.engineName
	if c.self != "" && len(c.selfCommand) > 0 {
		t.handover = lifecycle.NewHandover(c.engine, c.self, c.selfCommand...)
	}
	for _, o := range c.observers {
		t.queues = append(t.queues, newQueue(o, c.engineName, c.logger, t.now))
	}
	return t, nil
}

// fill makes the parts that no option gave.
func (c *config) fill() (err error) {
	if c.engine == nil {
		if c.engine, err = dockerengine.FromEnv(); err != nil {
			return err
		}
	}
	stores := make([]CredentialStore, len(c.stores))
	for i, s := range c.stores {
		stores[i] = containedStore{s}
	}
	c.store = credentials.Chain(stores...)
	if len(c.stores) == 0 {
		c.store, err = credentials.FromEnv(credentials.WithReport(func(err error) {
			c.logger.Warn("the last good logins stay in force", "err", err)
		}))
		if err != nil {
			return err
		}
	}
	if c.checker == nil {
		own := []registry.Option{registry.WithCredentials(c.store), registry.WithLogger(c.logger)}
		if c.client, err = registry.New(append(own, c.registry...)...); err != nil {
			return err
		}
		c.checker = c.client
	}
	recreate := lifecycle.Recreate(c.engine, lifecycle.WithStableTime(c.stableTime),
		lifecycle.WithProbe(c.probe, c.probeTimeout), lifecycle.WithHolder(c.self))
	if c.updater == nil {
		c.updater = recreate
	}
	var ok bool
	if c.recoverer, ok = c.updater.(lifecycle.Recoverer); !ok {
		// It may wrap a Recreate, whose journal any other can read.
		c.recoverer, _ = recreate.(lifecycle.Recoverer)
	}
	c.rollOut = c.serviceUpdater()
	return nil
}

// Check looks and writes nothing: it pulls nothing and changes no container.
func (t *Tower) Check(ctx context.Context) (*Report, error) { return t.once(ctx, PassCheck) }

// Update makes one full pass. What fails for one container stands in the
// report; an error means that no report could be made, and is of class
// Unavailable if the engine did not answer.
func (t *Tower) Update(ctx context.Context) (*Report, error) { return t.once(ctx, PassUpdate) }

// Apply carries out a plan that an earlier Check made, no more and no less: no
// registry is asked. It is refused, with class FailedPrecondition, if the same
// containers would be planned differently now: one is gone or was replaced, another
// has come to depend on one, its image is another, this Tower's PlanPolicy is another,
// or this Tower would leave one alone: for its filters, its states, its labels, or
// since the digest has failed on it. The error says which it is. Gates are not asked
// again: the plan is what they let pass, and whoever applies it says yes to it. The
// report holds the plan's containers only.
//
// Refused, it has changed nothing but what an earlier crash left of an update: that
// is finished or undone first, as before every update.
func (t *Tower) Apply(ctx context.Context, plan Plan) (*Report, error) {
	return t.told(ctx, PassUpdate, func() (*Report, error) { return t.applyPlan(ctx, plan) })
}

// ApplyID looks anew, as Update does, gates and check hooks included, and carries out
// what it finds to be done if that is the plan with this ID: what somebody said yes to,
// and nothing else. Otherwise it is refused with class FailedPrecondition, and the error
// names the plan there is now, and what could move and is held or left alone.
//
// Refused, it has changed no container but those that an earlier crash left between
// two: they are settled first, as before every update.
func (t *Tower) ApplyID(ctx context.Context, id string) (*Report, error) {
	return t.told(ctx, PassUpdate, func() (*Report, error) {
		return t.runIf(ctx, PassUpdate, func(now *Report) error {
			if now.Plan.ID() != id {
				return moved("the plan is no longer %s but %s:\n%s%s", id, now.Plan.ID(), now.Plan, now.stays())
			}
			return nil
		})
	})
}

func (t *Tower) once(ctx context.Context, kind PassKind) (*Report, error) {
	return t.passWith(ctx, kind, PassRequest{})
}

// told tells of a pass that could not be made.
func (t *Tower) told(ctx context.Context, kind PassKind, work func() (*Report, error)) (*Report, error) {
	report, err := work()
	if err != nil {
		t.emit(ctx, PassFailed{At: t.now(), Kind: kind, Err: err})
		t.drain()
	}
	return report, err
}
