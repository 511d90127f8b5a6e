package main

import (
	"maps"
	"net/netip"
	"net/url"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
)

// apiSettings are those of the HTTP API.
type apiSettings struct {
	update, metrics, containers bool
	endpoints                   []string
	token, eventsToken          credentials.Secret
	webhookSecret               credentials.Secret
	periodicPolls               bool
	host                        string
	port, rateLimit             int
	certificate, key            string
	trustedProxies, origins     []string
	proxyHeader                 string
	checkTimeout, updateTimeout time.Duration
}

const (
	allEndpoints = "all"
)

func apiRows(s *settings) []setting {
	names := append(endpointNames(), allEndpoints)
	api := &s.api
	return withVariables([]setting{
		{flag: "http-api-update", target: toggle(&api.update), has: originFork, usage: "the endpoint that makes a pass"},
		{flag: "http-api-metrics", target: toggle(&api.metrics), has: originFork, usage: "the endpoint with metrics"},
		{flag: "http-api-containers", target: toggle(&api.containers), has: fork, usage: "the endpoint that lists containers"},
		{
			flag: "http-api-endpoints", target: choices(&api.endpoints, names...), has: fork,
			usage: "the endpoints there are, by name (page is a status page at /), or all, which is webhook only along with its secret",
		},
		{flag: "http-api-token", target: secret(&api.token), has: originFork, usage: "what a caller must show"},
		{flag: "http-api-events-token", target: secret(&api.eventsToken), has: fork, usage: "what a caller must show to follow events"},
		{
			flag: "http-api-webhook-secret", target: secret(&api.webhookSecret),
			usage: "what a registry must show, or sign with, that tells of a push",
		},
		{flag: "http-api-periodic-polls", target: toggle(&api.periodicPolls), has: originFork, usage: "make passes on the schedule as well, where there is the endpoint that makes them"},
		{
			flag: "http-api-host", def: "all addresses", has: fork, usage: "address to listen on",
			target: valid(&api.host, "an IP address", func(text string) error { _, err := netip.ParseAddr(text); return err }),
		},
		{flag: "http-api-port", target: number(&api.port, "a port from 1 to 65535", 1, 65535), def: "8080", has: fork, usage: "port to listen on"},
		{
			flag: "http-api-rate-limit", target: number(&api.rateLimit, "a whole number, 0 or more", 0, 1<<31-1), def: "60", has: fork,
			usage: "requests in a minute from one address, but for probes and metrics; 0 is the default",
		},
		{flag: "http-api-tls-cert", target: text(&api.certificate), has: fork, usage: "file with its certificate"},
		{flag: "http-api-tls-key", target: text(&api.key), has: fork, usage: "file with the certificate's key"},
		{
			flag: "http-api-trusted-proxies", target: list(&api.trustedProxies, "addresses or networks (10.0.0.0/8)", network), has: fork,
			usage: "proxies whose word on the caller's address counts",
		},
		{flag: "http-api-proxy-header", target: text(&api.proxyHeader), def: "X-Forwarded-For", has: fork, usage: "header in which they tell it"},
		{flag: "http-api-cors-origins", target: list(&api.origins, "origins (https://status.example) or *", site), has: fork, usage: "sites whose pages may call"},
		{flag: "http-api-check-timeout", target: duration(&api.checkTimeout, wantDuration, 0), def: "5m", has: fork, usage: "time a check may take, 0 is the default"},
		{flag: "http-api-update-timeout", target: duration(&api.updateTimeout, wantDuration, 0), def: "10m", has: fork, usage: "time a caller waits for an update, which goes on; 0 is the default"},
	})
}

// endpointNames are what can be asked for.
func endpointNames() []string {
	var names []string
	for _, e := range httpapi.Endpoints() {
		names = append(names, string(e))
	}
	return names
}

// asked are the endpoints that are on. Along with metrics there has always been the
// status.
func (api apiSettings) asked() map[httpapi.Endpoint]bool {
	on := map[httpapi.Endpoint]bool{}
	for _, name := range api.endpoints {
		if name != allEndpoints {
			on[httpapi.Endpoint(name)] = true
			continue
		}
		for _, e := range httpapi.Endpoints() {
			on[e] = e != httpapi.Webhook || !api.webhookSecret.IsZero()
		}
	}
	for e, is := range map[httpapi.Endpoint]bool{httpapi.Update: api.update, httpapi.Metrics: api.metrics, httpapi.Containers: api.containers} {
		on[e] = on[e] || is
	}
	on[httpapi.Status] = on[httpapi.Status] || on[httpapi.Metrics]
	maps.DeleteFunc(on, func(_ httpapi.Endpoint, is bool) bool { return !is })
	return on
}

// onlyAsked: passes are made when somebody asks for one, and at no other time.
func (s settings) onlyAsked() bool {
	return s.api.asked()[httpapi.Update] && !s.api.periodicPolls && !s.runOnce
}

// site is where a page comes from, as browsers tell it.
func site(text string) error {
	u, err := url.Parse(text)
	if text != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
		return errValue
	}
	return nil
}

func network(text string) error {
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	_, err := netip.ParsePrefix(text)
	return err
}
