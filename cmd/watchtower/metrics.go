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
func (se *session) count() (engine []dockerengine.Option, client []registry.Option) {
	if !se.settings.api.metrics && !se.settings.api.serves("metrics") {
		return nil, nil
	}
	m := metrics.New()
	se.metrics, se.observers = m, append(se.observers, m)
	return []dockerengine.Option{dockerengine.WithRequestFunc(m.EngineRequest)},
		[]registry.Option{registry.WithRequestFunc(m.RegistryRequest)}
}

// metricsHandler answers with what is counted; nil if nothing is.
func (se *session) metricsHandler() http.Handler {
	if se.metrics == nil {
		return nil
	}
	return se.metrics.Handler()
}
