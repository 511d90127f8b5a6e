// Package metrics keeps count of what a watchtower does, and shows it to
// Prometheus. The names that both predecessors had keep their meaning.
package metrics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/watchtower-go/watchtower"
)

// Metrics is an Observer that counts. It has a registry of its own, and is safe for
// use by many goroutines.
type Metrics struct {
	registry   *prometheus.Registry
	engines    engines
	passes     passes
	containers containers
	requests   requests

	dropped prometheus.Counter

	mu sync.Mutex
}

var _ watchtower.Observer = (*Metrics)(nil)

// Option sets one thing of a Metrics.
type Option func(*engines)

// WithEngines gives every series of a container, or of one engine's passes or calls, a
// label with the engine's name. The older names without labels are sums over all engines.
func WithEngines() Option { return func(e *engines) { *e = true } }

// engines tells whether there are several, which have names.
type engines bool

// labels are a series' own, and the engine's where that has a name.
func (e engines) labels(own ...string) []string {
	if e {
		return append(own, "engine")
	}
	return own
}

// values are the same labels' values.
func (e engines) values(engine string, own ...string) []string {
	if e {
		return append(own, engine)
	}
	return own
}

// New makes a Metrics in which nothing has happened yet.
func New(opts ...Option) *Metrics {
	var engines engines
	for _, opt := range opts {
		opt(&engines)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	f := promauto.With(registry)
	return &Metrics{
		registry: registry, engines: engines,
		passes: newPasses(f, engines), containers: newContainers(f, engines), requests: newRequests(f, engines),
		dropped: counter(f, "metrics_dropped_total", "What could not be counted: events that came too fast, and containers beyond the most that are told of."),
	}
}

// Handler answers a scrape, whatever its path.
func (m *Metrics) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
}

// Observe counts what the event tells.
func (m *Metrics) Observe(_ context.Context, e watchtower.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e := e.(type) {
	case watchtower.PassEnded:
		if e.Report == nil {
			return
		}
		m.passes.ended(e)
		m.dropped.Add(float64(m.containers.take(e.Engine, e.Report)))
		m.requests.quotas(e.Report.Quotas)
	case watchtower.PassFailed:
		if errdefs.IsCanceled(e.Err) {
			return // whoever asked for it wanted it no more
		}
		m.passes.failed.WithLabelValues(m.engines.values(e.Engine, string(e.Kind))...).Inc()
	case watchtower.PassSkipped:
		m.passes.skipped.Inc()
		m.passes.skippedTotal.Inc()
	case watchtower.PassScheduled:
		m.passes.next.WithLabelValues(m.engines.values(e.Engine)...).Set(seconds(e.Next))
	case watchtower.SelfUpdateEnded:
		m.dropped.Add(float64(m.containers.note(e.Engine, e.Entry, e.At)))
	case watchtower.ObserverOverflowed:
		m.dropped.Add(float64(e.Missed))
	}
}

// seconds is how Prometheus tells the time: 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// namespace begins every name.
const namespace = "watchtower"

func gauge(f promauto.Factory, name, help string) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

func gauges(f promauto.Factory, name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func counter(f promauto.Factory, name, help string) prometheus.Counter {
	return f.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counters(f promauto.Factory, name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}
