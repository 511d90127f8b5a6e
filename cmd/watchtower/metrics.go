package main

import (
	"net/http"
	"slices"

	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/registry"
)

// serves reports whether the endpoint of that name was asked for in the list.
func (api apiSettings) serves(endpoint string) bool {
	return slices.Contains(api.endpoints, endpoint) || slices.Contains(api.endpoints, allEndpoints)
}

// count has everything counted, if metrics were asked for. Their handler is then the
// session's.
func (se *session) count() []registry.Option {
	if !se.settings.api.metrics && !se.settings.api.serves("metrics") {
		return nil
	}
	var opts []metrics.Option
	if len(se.settings.hosts) > 0 {
		opts = append(opts, metrics.WithEngines())
	}
	m := metrics.New(opts...)
	se.metrics, se.observers = m, append(se.observers, m)
	return []registry.Option{registry.WithRequestFunc(m.RegistryRequest)}
}

// countAt has the calls to the engine of that name counted as well.
func (se *session) countAt(engine string) []dockerengine.Option {
	if se.metrics == nil {
		return nil
	}
	return []dockerengine.Option{dockerengine.WithRequestFunc(se.metrics.EngineRequests(engine))}
}

// metricsHandler answers with what is counted; nil if nothing is.
func (se *session) metricsHandler() http.Handler {
	if se.metrics == nil {
		return nil
	}
	return se.metrics.Handler()
}
