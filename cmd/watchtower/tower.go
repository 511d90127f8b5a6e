package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/registry"
)

// session is what a subcommand works with.
type session struct {
	settings  settings
	logger    *slog.Logger
	stdout    io.Writer
	observers []watchtower.Observer
	serving   bool             // what the API is asked for
	looks     bool             // and no more: there is nothing to audit
	api       *httpapi.Handler // nil: nothing is
	metrics   *metrics.Metrics // nil: nobody asked for any
	towers    fleet
	notifiers notifiers // none: nobody is notified
}

// certificates is where Docker keeps those of registries. In a container it is
// there if it was mounted.
const certificates = "/etc/docker/certs.d"

// open maps the settings onto the library's options.
func open(se *session) (fleet, error) {
	s := se.settings
	registryOptions := se.count()
	store, err := credentials.FromEnv(credentials.WithReport(func(err error) {
		se.logger.Warn("the last good logins stay in force", "err", err)
	}))
	if err != nil {
		return nil, err
	}
	names, err := filter.Names(s.names...)
	if err != nil {
		return nil, err
	}
	filters, err := filtersOf(s)
	if err != nil {
		return nil, err
	}
	schedule, err := scheduleOf(s)
	if err != nil {
		return nil, err
	}
	audit, err := auditOf(se)
	if err != nil {
		return nil, err
	}
	client, err := registry.New(append(registryOptions, registry.WithCredentials(store), registry.WithLogger(se.logger),
		registry.WithCertificates(certificates))...)
	if err != nil {
		return nil, err
	}
	warner := newNameWarner(names, len(s.engines()), func(name string) {
		se.logger.Warn("no container has this name", "name", name)
	})
	if se.serving {
		if se.api, err = newAPI(s, se.logger, se.metricsHandler()); err != nil {
			return nil, err
		}
	}
	if se.api != nil {
		se.observers = append(se.observers, se.api)
	}
	if s.porcelain != "" {
		meant, err := meantBy(s)
		if err != nil {
			return nil, err
		}
		se.observers = append(se.observers, &porcelain{out: se.stdout, form: s.porcelain, logger: se.logger, meant: meant})
	}
	shared := []watchtower.Option{
		watchtower.WithCredentials(store),
		watchtower.WithFilter(names),
		watchtower.WithFilter(filters...),
		watchtower.WithSchedule(schedule),
		watchtower.WithLogger(se.logger),
		watchtower.WithRegistryClient(client),
		watchtower.WithObserver(append(se.observers, warner)...),
		watchtower.WithObserver(audit...),
	}
	hosts := s.engines()
	engines := make([]*dockerengine.Engine, len(hosts))
	for i, h := range hosts {
		at := s.at(h)
		if engines[i], err = engineOf(at, se.countAt(h.name)...); err != nil {
			return nil, at.about(h, err)
		}
	}
	towers, asked := make(fleet, len(hosts)), make([]httpapi.Tower, len(hosts))
	var made errgroup.Group // an engine that hangs keeps none waiting
	var before []watchtower.Engine
	for i, h := range hosts {
		opts := append(slices.Clone(shared), watchtower.WithServicesLeftTo(before...))
		before = append(before, engines[i])
		made.Go(func() error {
			tower, err := towerAt(se, h, engines[i], opts)
			towers[i], asked[i] = tower, tower
			return err
		})
	}
	if err := made.Wait(); err != nil {
		return nil, err
	}
	if se.api != nil {
		if err := se.api.Attach(asked...); err != nil {
			return nil, err
		}
	}
	return towers, nil
}

// towerAt is the watcher of one engine, with what it shares with the others.
func towerAt(se *session, h namedHost, engine *dockerengine.Engine, shared []watchtower.Option) (*watchtower.Tower, error) {
	s := se.settings.at(h)
	if _, err := se.settings.stateAt(h); err != nil { // which makes the directory
		return nil, err
	}
	// What a reference leads to here without a pull is this engine's own affair.
	gates, err := gatesOf(se, s)
	if err != nil {
		return nil, err
	}
	opts := append(slices.Clone(shared), watchtower.WithEngine(engine), watchtower.WithEngineName(h.name), watchtower.WithGate(gates...))
	opts = append(opts, selfUpdate(s, h, engine)...)
	return watchtower.New(append(opts, optionsOf(s)...)...)
}

// optionsOf are the options that are settings.
func optionsOf(s settings) []watchtower.Option {
	opts := []watchtower.Option{
		watchtower.WithPassAtStart(s.updateOnStart),
		watchtower.WithCleanup(s.cleanup),
		watchtower.WithRolling(s.rolling),
		watchtower.WithMonitorOnly(s.monitorOnly),
		watchtower.WithNoPull(s.noPull),
		watchtower.WithNoRestart(s.noRestart),
		watchtower.WithRemoveVolumes(s.removeVolumes),
		watchtower.WithReviveStopped(s.revive),
		watchtower.WithServiceRollback(s.swarmRollback),
		watchtower.WithLabelPrecedence(s.labelPrecedence),
		watchtower.WithStates(statesOf(s)...),
		watchtower.WithProbe(s.probe, s.probeTimeout),
	}
	if s.stableTime > 0 {
		opts = append(opts, watchtower.WithStableTime(s.stableTime))
	}
	if s.order != "" {
		opts = append(opts, watchtower.WithUpdateOrder(watchtower.Order(s.order)))
	}
	if s.swarm != "" {
		opts = append(opts, watchtower.WithServices(watchtower.Services(s.swarm)))
	}
	if s.stateDir != "" {
		opts = append(opts, watchtower.WithStateDirectory(s.stateDir))
	}
	if s.stopTimeout != nil {
		opts = append(opts, watchtower.WithStopTimeout(*s.stopTimeout))
	}
	if s.hooks {
		opts = append(opts, watchtower.WithLabelHooks(watchtower.HookUser{UID: unlessZero(s.hookUID), GID: unlessZero(s.hookGID)}))
	}
	return opts
}

// statesOf are the states of the containers that are meant. What is restarted
// again and again is, unless somebody says no: that is when the fix is wanted.
func statesOf(s settings) []lifecycle.State {
	states := []lifecycle.State{lifecycle.StateRunning}
	if s.includeRestarting {
		states = append(states, lifecycle.StateRestarting)
	}
	if s.includeStopped {
		states = append(states, lifecycle.StateCreated, lifecycle.StateExited)
	}
	if s.includePaused {
		states = append(states, lifecycle.StatePaused)
	}
	return states
}

// scheduleOf is when passes are made.
func scheduleOf(s settings) (watchtower.Schedule, error) {
	if s.onlyAsked() {
		return never{}, nil
	}
	var schedule watchtower.Schedule = watchtower.Every(s.interval)
	if s.schedule != "" {
		var err error
		if schedule, err = watchtower.Cron(s.schedule, nil); err != nil {
			return nil, err
		}
	}
	return watchtower.Jitter(schedule, s.jitter), nil
}

// never is a schedule without passes.
type never struct{}

func (never) Next(time.Time) time.Time { return time.Time{} }

// unlessZero is nil for 0, which is the container's own user.
func unlessZero(id int) *int {
	if id == 0 {
		return nil
	}
	return &id
}

// filtersOf are the filters that are settings.
func filtersOf(s settings) ([]watchtower.Filter, error) {
	filters := []watchtower.Filter{filter.Enabled(s.labelEnable), filter.Scope(s.scope)}
	for _, by := range []struct {
		of    func(...string) (watchtower.Filter, error)
		given []string
	}{
		{filter.ExceptLabels, s.disableLabels},
		{filter.Labels, s.enableLabels},
		{filter.ExceptImages, s.skipImages},
		{filter.Images, s.onlyImages},
		{filter.ExceptNames, s.disabled},
	} {
		f, err := by.of(by.given...)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

// gatesOf are the gates that are settings, or that labels may ask for.
func gatesOf(se *session, s settings) ([]watchtower.Gate, error) {
	var window watchtower.Gate // nil: at any time
	if s.updateWindow != "" {
		w, err := gate.ParseWindow(s.updateWindow)
		if err != nil {
			return nil, err
		}
		window = gate.Within(w)
	}
	var memory *gate.Memory // nil: this process's
	if s.stateDir != "" {
		var err error
		memory, err = gate.OpenMemory(s.stateDir, func(err error) {
			se.logger.Warn("what was remembered is begun anew", "err", err)
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.from("state-dir"), err)
		}
	}
	return []watchtower.Gate{gate.CooldownByLabel(s.cooldown, memory), gate.WithinByLabel(window)}, nil
}

// engineOf is the environment's, with what flags say instead.
func engineOf(s settings, opts ...dockerengine.Option) (*dockerengine.Engine, error) {
	if s.byFlag("host") {
		opts = append(opts, dockerengine.WithHost(s.host))
	}
	if s.byFlag("api-version") {
		opts = append(opts, dockerengine.WithAPIVersion(s.apiVersion))
	}
	if s.byFlag("tlsverify") || s.byFlag("cert-path") {
		directory := s.certPath
		if home, err := os.UserHomeDir(); err == nil && directory == "" && s.tlsVerify {
			directory = filepath.Join(home, ".docker")
		}
		if directory != "" {
			opts = append(opts, dockerengine.WithTLS(directory, s.tlsVerify))
		}
	}
	return dockerengine.FromEnv(opts...)
}
