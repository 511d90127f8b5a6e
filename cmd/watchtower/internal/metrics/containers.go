package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/watchtower-go/watchtower"
)

// maxContainers bounds the containers that have series, at seven each. An engine with
// more is no place for series of each one.
const maxContainers = 2000

// containers has series for each container that is watched. They are made when a pass
// first judges it, go on when it is replaced by an update, and end with it.
type containers struct {
	outOfDate, lastCheck, lastUpdate *prometheus.GaugeVec

	updates, restarts, failures, rollbacks *prometheus.CounterVec

	engines engines
	known   map[container]known
}

// container is one by its name, and its engine's if that has one.
type container struct{ engine, name string }

// nameOf is what the series of a container go by. A swarm's service may have a container's
// name, and none has a blank in it.
func nameOf(c watchtower.Container) string {
	if c.Service != nil {
		return "service " + c.Name
	}
	return c.Name
}

// known is a container that has series.
type known struct{ id, image string }

func newContainers(f promauto.Factory, engines engines) containers {
	labels := engines.labels("container")
	return containers{
		outOfDate:  gauges(f, "container_out_of_date", "1 if a newer image is there than the container runs, else 0; also where that is held or refused, has failed on it, or is only monitored.", engines.labels("container", "image")...),
		lastCheck:  gauges(f, "container_last_check_timestamp_seconds", "When it was last found out what the container's reference points at.", labels...),
		lastUpdate: gauges(f, "container_last_update_timestamp_seconds", "When the container was last brought to a newer image by this process.", labels...),
		updates:    counters(f, "container_updates_total", "How often the container was brought to a newer image.", labels...),
		restarts:   counters(f, "container_restarts_total", "How often the container was replaced on its own image, since one it needs was replaced.", labels...),
		failures:   counters(f, "container_failures_total", "How often a check or an update of the container failed, rollbacks not included.", labels...),
		rollbacks:  counters(f, "container_rollbacks_total", "How often an update of the container was rolled back.", labels...),
		engines:    engines,
		known:      map[container]known{},
	}
}

// take notes every container of a report, and ends the series of those that are gone.
// It returns how many had no room.
func (c containers) take(engine string, r *watchtower.Report) (dropped int) {
	there := map[string]bool{}
	for _, e := range r.Entries {
		there[nameOf(e.Container)] = true
	}
	for of := range c.known {
		if !r.Partial && of.engine == engine && !there[of.name] {
			c.forget(of)
		}
	}
	for _, e := range r.Entries {
		dropped += c.note(engine, e, r.Ended)
	}
	return dropped
}

// note counts what became of a container, and returns 1 if there was no room for it.
func (c containers) note(engine string, e watchtower.Entry, at time.Time) int {
	of := container{engine, nameOf(e.Container)}
	before, have := c.known[of]
	if e.Status == watchtower.StatusSkipped && !e.OutOfDate {
		// Left alone for a while, it is what it was. Another container of its name is
		// not, and is none of ours.
		if have && before.id != e.Container.ID {
			c.forget(of)
		}
		return 0
	}
	if !have && len(c.known) >= maxContainers {
		return 1
	}
	now := known{id: e.Container.ID, image: strings.ToValidUTF8(e.Container.Image, "\uFFFD")}
	if e.NewContainerID != "" {
		now.id = e.NewContainerID
	}
	if e.Status == watchtower.StatusUpdated && e.NewReference != "" {
		now.image = strings.ToValidUTF8(e.NewReference, "\uFFFD")
	}
	if have && before.image != now.image {
		c.outOfDate.DeleteLabelValues(c.engines.values(of.engine, of.name, before.image)...)
	}
	c.known[of] = now
	counts := map[watchtower.Status]*prometheus.CounterVec{
		watchtower.StatusUpdated: c.updates, watchtower.StatusRestarted: c.restarts,
		watchtower.StatusFailed: c.failures, watchtower.StatusRolledBack: c.rollbacks,
	}
	for status, count := range counts {
		n := count.WithLabelValues(c.engines.values(of.engine, of.name)...) // there from the first pass on, so that the first one is an increase
		if e.Status == status {
			n.Inc()
		}
	}
	c.judge(of, e, now, at)
	return 0
}

// judge tells whether the container is out of date, as far as it was found out: else
// what was last known stays.
func (c containers) judge(of container, e watchtower.Entry, now known, at time.Time) {
	outdated := 0.0
	switch {
	case e.OutOfDate:
		outdated = 1
	case e.Status == watchtower.StatusUpdated:
		c.lastUpdate.WithLabelValues(c.engines.values(of.engine, of.name)...).Set(seconds(at))
	case e.Status == watchtower.StatusFailed, e.Latest == "":
		return
	}
	c.lastCheck.WithLabelValues(c.engines.values(of.engine, of.name)...).Set(seconds(at))
	c.outOfDate.WithLabelValues(c.engines.values(of.engine, of.name, now.image)...).Set(outdated)
}

// forget ends the series of a container.
func (c containers) forget(of container) {
	c.outOfDate.DeleteLabelValues(c.engines.values(of.engine, of.name, c.known[of].image)...)
	for _, v := range []*prometheus.MetricVec{
		c.lastCheck.MetricVec, c.lastUpdate.MetricVec,
		c.updates.MetricVec, c.restarts.MetricVec, c.failures.MetricVec, c.rollbacks.MetricVec,
	} {
		v.DeleteLabelValues(c.engines.values(of.engine, of.name)...)
	}
	delete(c.known, of)
}
