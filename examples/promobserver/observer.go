package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/watchtower-go/watchtower"
)

// metrics is an observer that counts. Its names are few and its labels have few values: a
// container's name would be a new series for each that comes and goes.
type metrics struct {
	passes, updates *prometheus.CounterVec
	containers      *prometheus.GaugeVec
	last            prometheus.Gauge
	downtime        prometheus.Histogram
}

// newMetrics makes the observer, and registers what it counts.
func newMetrics(r prometheus.Registerer) *metrics {
	const namespace = "example"
	m := &metrics{
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "passes_total", Help: "Passes by kind and outcome.",
		}, []string{"kind", "outcome"}),
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "updates_total", Help: "Updates by how they ended.",
		}, []string{"status"}),
		containers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "containers", Help: "Containers by what the last pass said of them.",
		}, []string{"status"}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "last_pass_timestamp_seconds", Help: "When the last pass ended.",
		}),
		downtime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "downtime_seconds", Help: "How long nothing served during an update.",
			Buckets: []float64{.1, .3, 1, 3, 10, 30, 100},
		}),
	}
	r.MustRegister(m.passes, m.updates, m.containers, m.last, m.downtime)
	return m
}

// Observe is told every event, in order, one at a time.
func (m *metrics) Observe(_ context.Context, e watchtower.Event) {
	switch e := e.(type) {
	case watchtower.UpdateEnded:
		m.updates.WithLabelValues(string(e.Entry.Status)).Inc()
		if e.Entry.Downtime > 0 {
			m.downtime.Observe(e.Entry.Downtime.Seconds())
		}
	case watchtower.PassFailed:
		m.passes.WithLabelValues(string(e.Kind), "failed").Inc()
	case watchtower.PassEnded:
		m.passes.WithLabelValues(string(e.Kind), "ended").Inc()
		m.last.Set(float64(e.At.Unix()))
		if e.Report.Partial {
			return // it says nothing of the others
		}
		m.containers.Reset()
		for _, entry := range e.Report.Entries {
			m.containers.WithLabelValues(string(entry.Status)).Inc()
		}
	default: // there may be more kinds of events one day
	}
}
