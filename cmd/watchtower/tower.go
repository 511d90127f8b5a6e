package main

import (
	"log/slog"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// session is what a subcommand works with.
type session struct {
	settings  settings
	logger    *slog.Logger
	observers []watchtower.Observer
	tower     watchtower.Watcher
}

// tower maps the settings onto the library's options.
func (p *program) tower(se *session) (watchtower.Watcher, error) {
	s := se.settings
	engine, err := p.engine(s)
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
		watchtower.WithObserver(append(se.observers, warner)...),
		watchtower.WithInterval(s.interval),
		watchtower.WithPassAtStart(s.updateOnStart),
		watchtower.WithCleanup(s.cleanup),
		watchtower.WithRolling(s.rolling),
		watchtower.WithSelf(ownContainer()),
	}
	if s.stopTimeout != nil {
		opts = append(opts, watchtower.WithStopTimeout(*s.stopTimeout))
	}
	return watchtower.New(opts...)
}

// engine is the environment's, with what flags say instead.
func (p *program) engine(s settings) (*dockerengine.Engine, error) {
	var opts []dockerengine.Option
	if s.given["host"] {
		opts = append(opts, dockerengine.WithHost(s.host))
	}
	if s.given["api-version"] {
		opts = append(opts, dockerengine.WithAPIVersion(s.apiVersion))
	}
	if s.given["tlsverify"] || s.given["cert-path"] {
		opts = append(opts, dockerengine.WithTLS(s.certPath, s.tlsVerify))
	}
	return dockerengine.FromEnv(opts...)
}
