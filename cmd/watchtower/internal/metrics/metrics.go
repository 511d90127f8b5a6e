// Package metrics keeps count of what a watchtower does, and shows it to
// Prometheus. The names that both predecessors had keep their meaning.
package metrics

import (
	"context"
	"net/http"
	"strings"
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
	passes     passes
	containers containers
	requests   requests

	dropped prometheus.Counter

	mu sync.Mutex
}

var _ watchtower.Observer = (*Metrics)(nil)

// New makes a Metrics in which nothing has happened yet.
func New() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	f := promauto.With(registry)
	return &Metrics{
		registry: registry, passes: newPasses(f), containers: newContainers(f), requests: newRequests(f),
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
		m.dropped.Add(float64(m.containers.take(e.Report)))
		m.requests.quotas(e.Report.Quotas)
	case watchtower.PassFailed:
		if errdefs.IsCanceled(e.Err) {
			return // whoever asked for it wanted it no more
		}
		m.passes.failed.WithLabelValues(string(e.Kind)).Inc()
	case watchtower.PassSkipped:
		m.passes.skipped.Inc()
		m.passes.skippedTotal.Inc()
	case watchtower.PassScheduled:
		m.passes.next.Set(seconds(e.Next))
	case watchtower.SelfUpdateEnded:
		m.dropped.Add(float64(m.containers.note(e.Entry, e.At)))
	case watchtower.ObserverOverflowed:
		m.dropped.Add(float64(e.Missed))
	}
}

// passes are the counts of whole passes.
type passes struct {
	// These are what the predecessors have: of the last pass that may change something.
	scanned, updated, restartedNow, failedNow, skippedNow prometheus.Gauge

	scans, restarted, skipped, skippedTotal prometheus.Counter

	status   *prometheus.GaugeVec
	duration *prometheus.HistogramVec
	failed   *prometheus.CounterVec
	last     *prometheus.GaugeVec
	next     prometheus.Gauge
}

func newPasses(f promauto.Factory) passes {
	p := passes{
		scanned:      gauge(f, "containers_scanned", "Containers that the last update pass looked at: all but the skipped."),
		updated:      gauge(f, "containers_updated", "Containers that the last update pass brought to a newer image."),
		failedNow:    gauge(f, "containers_failed", "Containers whose check or update failed in the last update pass, those rolled back included."),
		restartedNow: gauge(f, "containers_restarted", "Containers that the last update pass replaced on their own image, since one they need was replaced."),
		skippedNow:   gauge(f, "containers_skipped", "Containers that the last update pass left alone."),
		restarted:    counter(f, "containers_restarted_total", "Containers that were replaced on their own image, since one they need was replaced."),
		scans:        counter(f, "scans_total", "Update passes that were made."),
		skipped:      counter(f, "scans_skipped", "Passes that were asked for while another one went on, and not made: the older name."),
		skippedTotal: counter(f, "scans_skipped_total", "Passes that were asked for while another one went on, and not made."),
		status:       gauges(f, "containers", "Containers by how the last update pass ended for them.", "status"),
		failed:       counters(f, "passes_failed_total", "Passes that made no report: the engine did not answer, or a plan was refused.", "kind"),
		last:         gauges(f, "last_pass_timestamp_seconds", "When the last pass ended that made a report.", "kind"),
		next:         gauge(f, "next_pass_timestamp_seconds", "When the next pass is scheduled; 0 if none is."),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "pass_duration_seconds", Help: "How long passes took that made a report.",
			// From a check of a few images to an update with slow pulls.
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
		}, []string{"kind"}),
	}
	for _, kind := range []watchtower.PassKind{watchtower.PassCheck, watchtower.PassUpdate} {
		p.failed.WithLabelValues(string(kind)) // so that the first one is an increase
	}
	return p
}

// ended counts a pass.
func (p passes) ended(e watchtower.PassEnded) {
	r := e.Report
	p.duration.WithLabelValues(string(e.Kind)).Observe(r.Ended.Sub(r.Started).Seconds())
	p.last.WithLabelValues(string(e.Kind)).Set(seconds(r.Ended))
	if e.Kind != watchtower.PassUpdate {
		return
	}
	for _, s := range []watchtower.Status{
		watchtower.StatusFresh, watchtower.StatusStale, watchtower.StatusHeld, watchtower.StatusUpdated,
		watchtower.StatusRestarted, watchtower.StatusSkipped, watchtower.StatusRolledBack, watchtower.StatusFailed,
	} {
		p.status.WithLabelValues(strings.ReplaceAll(string(s), " ", "_")).Set(float64(r.Count(s)))
	}
	p.scans.Inc()
	p.restarted.Add(float64(r.Count(watchtower.StatusRestarted)))
	p.scanned.Set(float64(r.Scanned()))
	p.updated.Set(float64(r.Count(watchtower.StatusUpdated)))
	p.failedNow.Set(float64(r.Count(watchtower.StatusFailed) + r.Count(watchtower.StatusRolledBack)))
	p.restartedNow.Set(float64(r.Count(watchtower.StatusRestarted)))
	p.skippedNow.Set(float64(r.Count(watchtower.StatusSkipped)))
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
