package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/registry"
)

// session is what a subcommand works with.
type session struct {
	settings  settings
	logger    *slog.Logger
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
	warner := &nameWarner{names: names, told: map[string]bool{}, warn: func(name string) {
		se.logger.Warn("no container has this name", "name", name)
	}}
	opts := []watchtower.Option{
		watchtower.WithEngine(engine),
		watchtower.WithCredentials(store),
		watchtower.WithFilter(names, filter.Enabled(s.labelEnable), filter.Scope(s.scope)),
		watchtower.WithLogger(se.logger),
		watchtower.WithRegistryOptions(registry.WithCertificates(certificates)),
		watchtower.WithObserver(append(se.observers, warner)...),
		watchtower.WithInterval(s.interval),
		watchtower.WithPassAtStart(s.updateOnStart),
		watchtower.WithCleanup(s.cleanup),
		watchtower.WithRolling(s.rolling),
		watchtower.WithProbe(s.probe, s.probeTimeout),
	}
	opts = append(opts, selfUpdate(s, engine)...)
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
	return watchtower.New(opts...)
}

// engineOf is the environment's, with what flags say instead.
func engineOf(s settings) (*dockerengine.Engine, error) {
	var opts []dockerengine.Option
	if s.given["host"] {
		opts = append(opts, dockerengine.WithHost(s.host))
	}
	if s.given["api-version"] {
		opts = append(opts, dockerengine.WithAPIVersion(s.apiVersion))
	}
	if s.given["tlsverify"] || s.given["cert-path"] {
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
