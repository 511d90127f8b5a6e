package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/watchtower-go/watchtower/httpapi"
)

const (
	defaultPort = 8080
	// closeWithin bounds the end of the API's server, once nothing is in hand.
	closeWithin = 5 * time.Second
)

// newAPI is the API that the settings ask for; nil if they ask for none of it. Without
// a handler for metrics there is no such endpoint.
func newAPI(s settings, logger *slog.Logger, metrics http.Handler) (*httpapi.Handler, error) {
	on := s.api.asked()
	if metrics == nil {
		delete(on, httpapi.Metrics)
	}
	if len(on) == 0 {
		return nil, nil
	}
	proxies, err := networks(s.api.trustedProxies)
	if err != nil {
		return nil, err
	}
	opts := []httpapi.Option{
		httpapi.WithLogger(logger),
		httpapi.WithMetrics(metrics),
		httpapi.WithConfig(shownSettings(s)),
		httpapi.WithCheckTimeout(s.api.checkTimeout),
		httpapi.WithUpdateTimeout(s.api.updateTimeout),
		httpapi.WithRateLimit(s.api.rateLimit),
		httpapi.WithTrustedProxies(s.api.proxyHeader, proxies...),
		httpapi.WithOrigins(s.api.origins...),
	}
	for e := range on {
		opts = append(opts, httpapi.WithEndpoints(e))
	}
	if !s.api.token.IsZero() {
		opts = append(opts, httpapi.WithToken(s.api.token))
	}
	if !s.api.eventsToken.IsZero() {
		opts = append(opts, httpapi.WithEventsToken(s.api.eventsToken))
	}
	if !s.api.webhookSecret.IsZero() {
		opts = append(opts, httpapi.WithWebhookSecret(s.api.webhookSecret))
	}
	return httpapi.New(opts...)
}

// networks are addresses and networks, as networks.
func networks(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// shownSetting is one that was given, its secret masked.
type shownSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// shownSettings are what the fork shows of its settings, and all that was given.
func shownSettings(s settings) any {
	given := []shownSetting{}
	for _, row := range s.told {
		given = append(given, shownSetting{row.name, row.value, s.from(row.name)})
	}
	return struct {
		MonitorOnly       bool           `json:"monitor_only"`
		Cleanup           bool           `json:"cleanup"`
		NoPull            bool           `json:"no_pull"`
		NoRestart         bool           `json:"no_restart"`
		RollingRestart    bool           `json:"rolling_restart"`
		IncludeStopped    bool           `json:"include_stopped"`
		IncludeRestarting bool           `json:"include_restarting"`
		LifecycleHooks    bool           `json:"lifecycle_hooks"`
		LabelEnable       bool           `json:"label_enable"`
		FilterDesc        string         `json:"filter_desc"`
		Scope             string         `json:"scope"`
		Version           string         `json:"version"`
		Settings          []shownSetting `json:"settings"`
	}{
		s.monitorOnly, s.cleanup, s.noPull, s.noRestart, s.rolling, s.includeStopped, s.includeRestarting, s.hooks, s.labelEnable,
		watched(s), s.scope, version(), given,
	}
}

// warnOfSchedule tells of one that is not followed.
func (se *session) warnOfSchedule() {
	for _, name := range []string{"interval", "schedule"} {
		if source := se.settings.from(name); source != "" && se.settings.onlyAsked() {
			se.logger.Warn("not followed: passes are made when they are asked for over HTTP, and on a schedule with "+
				variable("http-api-periodic-polls"), "setting", source)
		}
	}
}

// serve answers what the API is asked, until ctx ends or stop is called, which waits
// for what is in hand.
func (se *session) serve(ctx context.Context) (stop func(), err error) {
	if se.api == nil {
		return func() {}, nil
	}
	api := se.settings.api
	server := httpapi.NewServer(se.api, se.logger)
	if api.certificate != "" {
		c := &certificate{cert: api.certificate, key: api.key, logger: se.logger}
		if _, err := c.get(nil); err != nil {
			return nil, err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	port := api.port
	if port == 0 {
		port = defaultPort
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(api.host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	if !se.settings.quietStart {
		se.logger.Info("the HTTP API listens", "address", listener.Addr().String(), "tls", server.TLSConfig != nil)
	}
	listener = newBounded(listener, maxConnections)
	ctx, cancel := context.WithCancel(ctx)
	ended, served := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		endAPI(context.WithoutCancel(ctx), se, server)
		<-served // only then is the port free, if the end comes with the beginning
	}()
	go func() {
		defer close(served)
		serve := server.Serve
		if server.TLSConfig != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			se.logger.Error("the HTTP API ended", "err", err)
		}
	}()
	return func() { cancel(); <-ended }, nil
}

// endAPI finishes or undoes the swap in hand, whose caller has the answer then.
func endAPI(ctx context.Context, se *session, server *http.Server) {
	_ = se.api.Shutdown(ctx) // it has no end of its own
	ctx, cancel := context.WithTimeout(ctx, closeWithin)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}
