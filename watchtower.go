package watchtower

import (
	"context"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
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
	// Filter selects containers: see filter.Filter.
	Filter = filter.Filter
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
	cfg config
}

var _ Watcher = (*Tower)(nil)

// Check looks and writes nothing.
func (t *Tower) Check(ctx context.Context) (*Report, error) { return nil, nil }

// Update makes one full pass.
func (t *Tower) Update(ctx context.Context) (*Report, error) { return nil, nil }

// Run makes passes on the schedule until ctx ends.
func (t *Tower) Run(ctx context.Context) error { return nil }

// New makes a Tower. Without options it watches every running container of the
// engine the environment names. Every bad option is reported, joined into one
// error of class InvalidArgument. New asks nothing of engine or registry.
func New(opts ...Option) (*Tower, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &Tower{cfg: c}, nil
}
