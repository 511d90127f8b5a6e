package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/watchtower-go/watchtower"
)

// passes are the counts of whole passes.
type passes struct {
	engines engines
	now     map[string]counted // by engine

	// These are what the predecessors have: of the last pass that may change something.
	scanned, updated, restartedNow, failedNow, skippedNow prometheus.Gauge

	scans, restarted, skipped, skippedTotal prometheus.Counter

	status   *prometheus.GaugeVec
	duration *prometheus.HistogramVec
	failed   *prometheus.CounterVec
	last     *prometheus.GaugeVec
	next     *prometheus.GaugeVec
}

// counted are the numbers of an engine's last pass.
type counted struct{ scanned, updated, failed, restarted, skipped int }

func newPasses(f promauto.Factory, engines engines) passes {
	p := passes{
		engines: engines, now: map[string]counted{},
		scanned:      gauge(f, "containers_scanned", "Containers that the last update pass looked at: all but the skipped."),
		updated:      gauge(f, "containers_updated", "Containers that the last update pass brought to a newer image."),
		failedNow:    gauge(f, "containers_failed", "Containers whose check or update failed in the last update pass, those rolled back included."),
		restartedNow: gauge(f, "containers_restarted", "Containers that the last update pass replaced on their own image, since one they need was replaced."),
		skippedNow:   gauge(f, "containers_skipped", "Containers that the last update pass left alone."),
		restarted:    counter(f, "containers_restarted_total", "Containers that were replaced on their own image, since one they need was replaced."),
		scans:        counter(f, "scans_total", "Update passes that were made."),
		skipped:      counter(f, "scans_skipped", "Passes that were asked for while another one went on, and not made: the older name."),
		skippedTotal: counter(f, "scans_skipped_total", "Passes that were asked for while another one went on, and not made."),
		status:       gauges(f, "containers", "Containers by how the last update pass ended for them.", engines.labels("status")...),
		failed:       counters(f, "passes_failed_total", "Passes that made no report: the engine did not answer, or a plan was refused.", engines.labels("kind")...),
		last:         gauges(f, "last_pass_timestamp_seconds", "When the last pass ended that made a report.", engines.labels("kind")...),
		next:         gauges(f, "next_pass_timestamp_seconds", "When the next pass is scheduled; 0 if none is.", engines.labels()...),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "pass_duration_seconds", Help: "How long passes took that made a report.",
			// From a check of a few images to an update with slow pulls.
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
		}, engines.labels("kind")),
	}
	if !engines {
		p.begin("")
	}
	return p
}

// begin makes the series that are there before the first pass, so that the first failure
// is an increase.
func (p passes) begin(engine string) {
	for _, kind := range []watchtower.PassKind{watchtower.PassCheck, watchtower.PassUpdate} {
		p.failed.WithLabelValues(p.engines.values(engine, string(kind))...)
	}
	p.next.WithLabelValues(p.engines.values(engine)...)
}

// ended counts a pass.
func (p passes) ended(e watchtower.PassEnded) {
	r := e.Report
	p.duration.WithLabelValues(p.engines.values(e.Engine, string(e.Kind))...).Observe(r.Ended.Sub(r.Started).Seconds())
	p.last.WithLabelValues(p.engines.values(e.Engine, string(e.Kind))...).Set(seconds(r.Ended))
	if e.Kind != watchtower.PassUpdate {
		return
	}
	for _, s := range []watchtower.Status{
		watchtower.StatusFresh, watchtower.StatusStale, watchtower.StatusHeld, watchtower.StatusUpdated,
		watchtower.StatusRestarted, watchtower.StatusSkipped, watchtower.StatusRolledBack, watchtower.StatusFailed,
	} {
		p.status.WithLabelValues(p.engines.values(e.Engine, strings.ReplaceAll(string(s), " ", "_"))...).Set(float64(r.Count(s)))
	}
	p.scans.Inc()
	p.restarted.Add(float64(r.Count(watchtower.StatusRestarted)))
	p.now[e.Engine] = counted{
		r.Scanned(), r.Count(watchtower.StatusUpdated), r.Count(watchtower.StatusFailed) + r.Count(watchtower.StatusRolledBack),
		r.Count(watchtower.StatusRestarted), r.Count(watchtower.StatusSkipped),
	}
	var sum counted
	for _, c := range p.now {
		sum = counted{
			sum.scanned + c.scanned, sum.updated + c.updated, sum.failed + c.failed, sum.restarted + c.restarted, sum.skipped + c.skipped,
		}
	}
	p.scanned.Set(float64(sum.scanned))
	p.updated.Set(float64(sum.updated))
	p.failedNow.Set(float64(sum.failed))
	p.restartedNow.Set(float64(sum.restarted))
	p.skippedNow.Set(float64(sum.skipped))
}
