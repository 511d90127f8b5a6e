package metrics

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/registry"
)

const (
	// maxHosts bounds the registries that have series of their own, which no longer
	// end: those after them are counted together.
	maxHosts = 100
	other    = "other"
)

// requests are the counts of what others were asked.
type requests struct {
	engines                  engines
	registry, tokens, engine *prometheus.CounterVec

	remaining, limit *prometheus.GaugeVec

	hosts *hosts
}

// hosts are the registries that have series.
type hosts struct {
	mu   sync.Mutex
	have map[string]bool
}

func newRequests(f promauto.Factory, engines engines) requests {
	const host, method, status = "host", "method", "status"
	return requests{
		engines:   engines,
		registry:  counters(f, "registry_requests_total", "Requests to registries, those for tokens not included; status none: there was no answer.", host, method, status),
		tokens:    counters(f, "registry_token_requests_total", "Requests for a token, by the registry that it is for.", host, status),
		engine:    counters(f, "engine_requests_total", "Calls to the engine; status none: there was no answer.", engines.labels(method, "endpoint", status)...),
		remaining: gauges(f, "registry_quota_remaining", "How many requests a registry still allows in its window, as it last said.", host),
		limit:     gauges(f, "registry_quota_limit", "How many requests a registry allows in a window, as it last said.", host),
		hosts:     &hosts{have: map[string]bool{}},
	}
}

// RegistryRequest counts a request: it is for registry.WithRequestFunc.
func (m *Metrics) RegistryRequest(r registry.Request) {
	host := m.requests.hosts.label(r.Host)
	if r.Token {
		m.requests.tokens.WithLabelValues(host, status(r.Status)).Inc()
		return
	}
	m.requests.registry.WithLabelValues(host, r.Method, status(r.Status)).Inc()
}

// EngineRequest counts a request: it is for dockerengine.WithRequestFunc.
func (m *Metrics) EngineRequest(r dockerengine.Request) { m.EngineRequests("")(r) }

// EngineRequests is EngineRequest for the engine of that name. Its passes' series begin
// with it.
func (m *Metrics) EngineRequests(engine string) func(dockerengine.Request) {
	m.passes.begin(engine)
	return func(r dockerengine.Request) {
		path := r.Path
		if path == "" {
			path = other
		}
		m.requests.engine.WithLabelValues(m.engines.values(engine, r.Method, path, status(r.Status))...).Inc()
	}
}

// quotas keeps the last word of each registry that tells.
func (r requests) quotas(all []registry.Quota) {
	for _, q := range all {
		host := r.hosts.label(q.Host)
		if host == other {
			continue // it is not one number
		}
		r.remaining.WithLabelValues(host).Set(float64(q.Remaining))
		if q.Limit > 0 {
			r.limit.WithLabelValues(host).Set(float64(q.Limit))
		}
	}
}

func (h *hosts) label(host string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.have[host] && len(h.have) >= maxHosts {
		return other
	}
	h.have[host] = true
	return host
}

// status is the status as a label. Those that no standard has are told by their
// hundred only: who answers may choose them.
func status(code int) string {
	switch {
	case code == 0:
		return "none"
	case http.StatusText(code) == "":
		return strconv.Itoa(code/100) + "xx"
	default:
		return strconv.Itoa(code)
	}
}
