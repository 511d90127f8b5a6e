package main

import (
	"net/netip"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
)

// apiSettings are those of the HTTP API.
type apiSettings struct {
	update, metrics, containers bool
	endpoints                   []string
	token, eventsToken          credentials.Secret
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
	noAPI        = "the HTTP API and metrics come with a later one"
)

func apiRows(s *settings) []setting {
	names := []string{"health", "update", "metrics", "containers", "check", "history", "images", "config", "events", "swagger", allEndpoints}
	api := &s.api
	return notYet(noAPI, []setting{
		{flag: "http-api-update", target: toggle(&api.update), has: originFork, usage: "the endpoint that makes a pass"},
		{flag: "http-api-metrics", target: toggle(&api.metrics), has: originFork, usage: "the endpoint with metrics"},
		{flag: "http-api-containers", target: toggle(&api.containers), has: fork, usage: "the endpoint that lists containers"},
		{
			flag: "http-api-endpoints", target: choices(&api.endpoints, names...), has: fork,
			usage: "the endpoints there are, by name, or all",
		},
		{flag: "http-api-token", target: secret(&api.token), has: originFork, usage: "what a caller must show"},
		{flag: "http-api-events-token", target: secret(&api.eventsToken), has: fork, usage: "what a caller must show to follow events"},
		{flag: "http-api-periodic-polls", target: toggle(&api.periodicPolls), has: originFork, usage: "make passes on the schedule, too"},
		{
			flag: "http-api-host", def: "all addresses", has: fork, usage: "address to listen on",
			target: valid(&api.host, "an IP address", func(text string) error { _, err := netip.ParseAddr(text); return err }),
		},
		{flag: "http-api-port", target: number(&api.port, "a port from 1 to 65535", 1, 65535), def: "8080", has: fork, usage: "port to listen on"},
		{
			flag: "http-api-rate-limit", target: number(&api.rateLimit, "a whole number, 0 or more", 0, 1<<31-1), def: "60", has: fork,
			usage: "requests in a minute from one address",
		},
		{flag: "http-api-tls-cert", target: text(&api.certificate), has: fork, usage: "file with its certificate"},
		{flag: "http-api-tls-key", target: text(&api.key), has: fork, usage: "file with the certificate's key"},
		{
			flag: "http-api-trusted-proxies", target: list(&api.trustedProxies, "addresses or networks (10.0.0.0/8)", network), has: fork,
			usage: "proxies whose word on the caller's address counts",
		},
		{flag: "http-api-proxy-header", target: text(&api.proxyHeader), def: "X-Forwarded-For", has: fork, usage: "header in which they tell it"},
		{flag: "http-api-cors-origins", target: list(&api.origins, "", nil), has: fork, usage: "sites whose pages may call"},
		{flag: "http-api-check-timeout", target: duration(&api.checkTimeout, wantDuration, 0), def: "5m", has: fork, usage: "time a check may take"},
		{flag: "http-api-update-timeout", target: duration(&api.updateTimeout, wantDuration, 0), def: "10m", has: fork, usage: "time an update may take"},
	})
}

func network(text string) error {
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	_, err := netip.ParsePrefix(text)
	return err
}
