package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
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
	tower     watchtower.Watcher
}

// certificates is where Docker keeps those of registries. In a container it is
// there if it was mounted.
const certificates = "/etc/docker/certs.d"

// open maps the settings onto the library's options.
func open(se *session) (watchtower.Watcher, error) {
	s := se.settings
	engine, err := engineOf(s)
	if err != nil {
		return nil, err
	}
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
	gates, err := gatesOf(se)
	if err != nil {
		return nil, err
	}
	warner := &nameWarner{names: names, told: map[string]bool{}, warn: func(name string) {
		se.logger.Warn("no container has this name", "name", name)
	}}
	if s.porcelain != "" {
		se.observers = append(se.observers, &porcelain{out: se.stdout, form: s.porcelain, logger: se.logger, meant: func(c watchtower.Container) bool {
			return slices.Contains(statesOf(s), c.State) && names.Match(c) && filter.All(filters...).Match(c)
		}})
	}
	opts := []watchtower.Option{
		watchtower.WithEngine(engine),
		watchtower.WithCredentials(store),
		watchtower.WithFilter(names),
		watchtower.WithFilter(filters...),
		watchtower.WithGate(gates...),
		watchtower.WithLogger(se.logger),
		watchtower.WithRegistryOptions(registry.WithCertificates(certificates)),
		watchtower.WithObserver(append(se.observers, warner)...),
		watchtower.WithSelf(ownContainer()),
	}
	return watchtower.New(append(opts, optionsOf(s)...)...)
}

// optionsOf are the options that are settings.
func optionsOf(s settings) []watchtower.Option {
	opts := []watchtower.Option{
		watchtower.WithInterval(s.interval),
		watchtower.WithPassAtStart(s.updateOnStart),
		watchtower.WithCleanup(s.cleanup),
		watchtower.WithRolling(s.rolling),
		watchtower.WithStates(statesOf(s)...),
		watchtower.WithProbe(s.probe, s.probeTimeout),
	}
	if s.stableTime > 0 {
		opts = append(opts, watchtower.WithStableTime(s.stableTime))
	}
	if s.order != "" {
		opts = append(opts, watchtower.WithUpdateOrder(watchtower.Order(s.order)))
	}
	if s.stateDir != "" {
		opts = append(opts, watchtower.WithStateDirectory(s.stateDir))
	}
	if s.stopTimeout != nil {
		opts = append(opts, watchtower.WithStopTimeout(*s.stopTimeout))
	}
	// These have no option yet:
	//   schedule         s.schedule
	//   jitter           s.jitter
	//   monitor-only     s.monitorOnly
	//   no-pull          s.noPull
	//   no-restart       s.noRestart
	//   remove-volumes   s.removeVolumes
	//   label-take-precedence  s.labelPrecedence
	//   revive-stopped   s.revive
	//   enable-lifecycle-hooks, lifecycle-uid, lifecycle-gid  s.hooks, s.hookUID, s.hookGID
	//   enable-containers-by-label, disable-containers-by-label  s.enableLabels, s.disableLabels
	//   health-check     s.healthCheck
	return opts
}

// statesOf are the states of the containers that are meant. What is restarted
// again and again is: that is when the fix is wanted.
func statesOf(s settings) []lifecycle.State {
	states := []lifecycle.State{lifecycle.StateRunning, lifecycle.StateRestarting}
	if s.includeStopped {
		states = append(states, lifecycle.StateCreated, lifecycle.StateExited)
	}
	return states
}

// filtersOf are the filters that are settings.
func filtersOf(s settings) ([]watchtower.Filter, error) {
	disabled, err := filter.ExceptNames(s.disabled...)
	if err != nil {
		return nil, err
	}
	only, err := filter.Images(s.onlyImages...)
	if err != nil {
		return nil, err
	}
	filters := []watchtower.Filter{filter.Enabled(s.labelEnable), filter.Scope(s.scope), disabled, only}
	if len(s.skipImages) > 0 {
		skip, err := filter.Images(s.skipImages...)
		if err != nil {
			return nil, err
		}
		filters = append(filters, filter.Not(skip))
	}
	return filters, nil
}

// gatesOf are the gates that are settings.
func gatesOf(se *session) ([]watchtower.Gate, error) {
	var gates []watchtower.Gate
	s := se.settings
	if s.updateWindow != "" {
		window, err := gate.ParseWindow(s.updateWindow)
		if err != nil {
			return nil, err
		}
		gates = append(gates, gate.Within(window))
	}
	if s.cooldown > 0 {
		var memory *gate.Memory
		if s.stateDir != "" {
			var err error
			memory, err = gate.OpenMemory(s.stateDir, func(err error) {
				se.logger.Warn("what was remembered is begun anew", "err", err)
			})
			if err != nil {
				return nil, err
			}
		}
		gates = append(gates, gate.Cooldown(s.cooldown, memory))
	}
	return gates, nil
}

// engineOf is the environment's, with what flags say instead.
func engineOf(s settings) (*dockerengine.Engine, error) {
	var opts []dockerengine.Option
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
