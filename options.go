package watchtower

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/tags"
)

// The defaults.
const (
	// DefaultInterval is the time between passes: the 24 hours the original
	// program has.
	DefaultInterval = 24 * time.Hour
	// DefaultConcurrency is how many pulls, and how many swaps, go on at once.
	DefaultConcurrency = 4
	// DefaultCheckTimeout bounds the registries' part of a pass, all of it.
	DefaultCheckTimeout = 2 * time.Minute
	// DefaultPullTimeout bounds the pull of one reference.
	DefaultPullTimeout = 30 * time.Minute
)

// Option sets one thing of a Tower. A nil Option is skipped. Options are
// applied in order: a later one wins, one that holds a list appends.
type Option func(*config) error

type config struct {
	engine       lifecycle.Engine
	engineName   string
	checker      Checker
	client       *registry.Client // the checker, where that follows the engine
	registry     []registry.Option
	updater      Updater
	recoverer    lifecycle.Recoverer // the updater, if it is one
	filters      []Filter
	gates        []Gate
	tagPolicy    tags.Policy
	stores       []CredentialStore
	store        CredentialStore // the chain of stores
	observers    []Observer
	logger       *slog.Logger
	schedule     Schedule
	clock        Clock
	passAtStart  bool
	cleanup      bool
	rolling      bool
	order        Order // empty: what rolling says
	stopTimeout  *time.Duration
	stableTime   time.Duration
	probe        Probe
	probeTimeout time.Duration
	concurrency  int
	checkTimeout time.Duration
	pullTimeout  time.Duration
	states       []lifecycle.State
	hooks        hookSettings
	self         string
	selfCommand  []string

	monitorOnly, noPull, labelsFirst bool
	noRestart, revive, removeVolumes bool
	serviceRollback                  bool

	stateDirectory string
	services       Services
	leftTo         []lifecycle.ServiceLister
	rollOut        Updater // of services; nil if the engine has none
}

// WithEngine sets the engine. Default: the Docker engine the environment names
// (see dockerengine.FromEnv).
func WithEngine(e Engine) Option {
	return func(c *config) error {
		if e == nil {
			return invalid("WithEngine", "nil", "an Engine")
		}
		c.engine = e
		return nil
	}
}

// WithFilter adds a filter; a container must pass all of them. One that panics has
// refused the container, which is logged as an error. Default: every container.
func WithFilter(filters ...Filter) Option {
	return func(c *config) error {
		for _, f := range filters {
			if f == nil {
				return invalid("WithFilter", "nil", "a Filter")
			}
			c.filters = append(c.filters, f)
		}
		return nil
	}
}

// WithUpdater sets how a target is brought to its new image. If it panics, its
// target's containers are StatusFailed. One that is a lifecycle.Recoverer, too,
// finishes or undoes what a crash left; beside any other, such as one that wraps
// lifecycle.Recreate, the Tower does so with what lifecycle.Recreate left, by the
// default updater. Default: lifecycle.Recreate on the engine.
func WithUpdater(u Updater) Option {
	return func(c *config) error {
		if u == nil {
			return invalid("WithUpdater", "nil", "an Updater")
		}
		c.updater = u
		return nil
	}
}

// WithChecker sets how references are resolved. Default: a registry.Client that
// uses the Tower's credentials and reaches registries as the engine is configured
// to, if the engine tells (see lifecycle.RegistryConfigurer); WithRegistryOptions
// adds to it. One that is given here is left as it is: a registry.Client has logins
// of its own, beside those of WithCredentials, by which images are pulled, and is
// told by its SetEndpoints what the engine says, or see WithRegistryClient.
func WithChecker(ch Checker) Option {
	return func(c *config) error {
		if ch == nil {
			return invalid("WithChecker", "nil", "a Checker")
		}
		c.client, c.checker = nil, ch
		return nil
	}
}

// WithCredentials adds a credential store; the first that knows a registry
// answers. Default: the config.json of `docker login` (see
// credentials.FromEnv).
func WithCredentials(stores ...CredentialStore) Option {
	return func(c *config) error {
		for _, s := range stores {
			if s == nil {
				return invalid("WithCredentials", "nil", "a CredentialStore")
			}
			c.stores = append(c.stores, s)
		}
		return nil
	}
}

// WithObserver adds an observer. Default: none.
func WithObserver(observers ...Observer) Option {
	return func(c *config) error {
		for _, o := range observers {
			if o == nil {
				return invalid("WithObserver", "nil", "an Observer")
			}
			c.observers = append(c.observers, o)
		}
		return nil
	}
}

// WithLogger sets where people read. Default: nowhere.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return invalid("WithLogger", "nil", "a *slog.Logger")
		}
		c.logger = l
		return nil
	}
}

// WithInterval sets the time between Run's passes, at least a second. Default:
// DefaultInterval. It replaces a schedule.
func WithInterval(d time.Duration) Option {
	return func(c *config) error {
		if d < time.Second {
			return invalid("WithInterval", d, "at least 1s")
		}
		c.schedule = Every(d)
		return nil
	}
}

// WithSchedule sets when Run makes its passes. Default: every DefaultInterval.
// It replaces an interval.
func WithSchedule(s Schedule) Option {
	return func(c *config) error {
		if s == nil {
			return invalid("WithSchedule", "nil", "a Schedule")
		}
		c.schedule = s
		return nil
	}
}

// WithPassAtStart makes Run begin with a pass at once. Default: the first pass
// comes when the schedule says, as the original program does it.
func WithPassAtStart(on bool) Option {
	return func(c *config) error { c.passAtStart = on; return nil }
}

// WithCleanup removes the image a swap replaced, once nothing refers to it: no
// container in whatever state, no tag. Never by force. Default: images stay.
func WithCleanup(on bool) Option {
	return func(c *config) error { c.cleanup = on; return nil }
}

// WithRolling swaps one target at a time, the next only after the last was
// verified, and start-first where that can be done (see WithUpdateOrder); an
// image that fails is not tried on the next container. Default:
// DefaultConcurrency at once.
func WithRolling(on bool) Option {
	return func(c *config) error { c.rolling = on; return nil }
}

// WithUpdateOrder sets the order in which containers are swapped whose label does
// not say: StartFirst wherever nothing stands against it (lifecycle.OrderOf tells
// what can, the plan what does) and the engine is a lifecycle.Connector.
// Default: StopFirst; StartFirst with WithRolling.
func WithUpdateOrder(o Order) Option {
	return func(c *config) error {
		if o != lifecycle.StopFirst && o != lifecycle.StartFirst {
			return invalid("WithUpdateOrder", fmt.Sprintf("%q", string(o)), "stop-first or start-first")
		}
		c.order = o
		return nil
	}
}

// wish is the order for those that do not say.
func (c *config) wish() Order {
	_, able := c.engine.(lifecycle.Connector)
	switch {
	case !able:
		return lifecycle.StopFirst
	case c.order == "" && c.rolling:
		return lifecycle.StartFirst
	default:
		return c.order
	}
}

// WithStopTimeout sets how long a container may take to stop before it is
// killed, in whole seconds, rounded up; 0 kills at once. It is for containers whose
// label (lifecycle.LabelStopTimeout) does not say. Default: the container's own
// setting, else the engine's default.
func WithStopTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return invalid("WithStopTimeout", d, "0 or more")
		}
		c.stopTimeout = &d
		return nil
	}
}

// WithStableTime sets how long a successor without a health check must stay up
// to be good. Default: lifecycle.DefaultStableTime. It is for the default
// updater.
func WithStableTime(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return invalid("WithStableTime", d, "more than 0")
		}
		c.stableTime = d
		return nil
	}
}

// WithProbe sets the probe (see lifecycle.ParseProbe) that successors must pass,
// beside what else they are judged by, and how long it may take from their start;
// 0: lifecycle.DefaultProbeTimeout. Both are for containers whose labels do not
// say. The zero Probe is none. Default: none. It is for the default updater;
// lifecycle.WithProbe tells who is asked, and from where.
func WithProbe(p Probe, timeout time.Duration) Option {
	return func(c *config) error {
		if timeout < 0 {
			return invalid("WithProbe", timeout, "a timeout of 0 or more")
		}
		c.probe, c.probeTimeout = p, timeout
		return nil
	}
}

// WithConcurrency bounds how many pulls, and how many swaps, go on at once.
// Default: DefaultConcurrency.
func WithConcurrency(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return invalid("WithConcurrency", n, "at least 1")
		}
		c.concurrency = n
		return nil
	}
}

// WithCheckTimeout bounds the registries' part of a pass. What is not answered
// by then has failed; the rest of the pass goes on. Default:
// DefaultCheckTimeout.
func WithCheckTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return invalid("WithCheckTimeout", d, "more than 0")
		}
		c.checkTimeout = d
		return nil
	}
}

// WithPullTimeout bounds the pull of one reference. Default:
// DefaultPullTimeout.
func WithPullTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return invalid("WithPullTimeout", d, "more than 0")
		}
		c.pullTimeout = d
		return nil
	}
}

// WithStates adds states a container may be in to be looked at. Default:
// running and restarting; the first use replaces the default.
func WithStates(states ...State) Option {
	return func(c *config) error {
		for _, s := range states {
			switch s {
			case lifecycle.StateCreated, lifecycle.StateRunning, lifecycle.StatePaused,
				lifecycle.StateRestarting, lifecycle.StateExited:
				c.states = append(c.states, s)
			case lifecycle.StateRemoving, lifecycle.StateDead:
				return invalid("WithStates", s, "a state a container can be swapped in")
			default:
				return invalid("WithStates", s, "created, running, paused, restarting or exited")
			}
		}
		return nil
	}
}

// WithSelf names, by its full ID, the container this process runs in. It is
// reported and never swapped by this process, which would not outlive it: see
// WithSelfUpdate.
func WithSelf(containerID string) Option {
	return func(c *config) error { c.self = containerID; return nil }
}

func invalid(option string, value any, accepted string) error {
	return errclass.With(errdefs.ErrInvalidArgument,
		fmt.Errorf("watchtower: %s: %v: want %s", option, value, accepted))
}

func newConfig(opts []Option) (config, error) {
	c := config{
		schedule:     Every(DefaultInterval),
		clock:        machineClock{},
		concurrency:  DefaultConcurrency,
		checkTimeout: DefaultCheckTimeout,
		pullTimeout:  DefaultPullTimeout,
		logger:       slog.New(slog.DiscardHandler),
	}
	var errs []error
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			errs = append(errs, err)
		}
	}
	if c.engineName != "" {
		c.logger = c.logger.With("engine", c.engineName)
	}
	return c, errors.Join(append(errs, c.agree()...)...)
}

// agree tells of options that say something to a Checker that was given, and that it
// does not hear.
func (c *config) agree() (errs []error) {
	if c.checker == nil {
		return nil
	}
	if len(c.registry) > 0 {
		errs = append(errs, invalid("WithRegistryOptions", "beside WithChecker",
			"one or the other: these are for the client that is made where no Checker is given"))
	}
	if _, lists := c.checker.(registry.TagLister); !lists && !c.tagPolicy.IsZero() {
		errs = append(errs, invalid("WithTagPolicy", c.tagPolicy,
			"a Checker that lists tags (registry.TagLister), which the one given by WithChecker does not"))
	}
	return errs
}
