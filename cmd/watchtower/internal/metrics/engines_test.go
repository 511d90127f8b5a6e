package metrics_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// Of several engines, what is one's own has its name, and what the predecessors have is
// the sum of all.
func TestSeriesAreOfTheirEngine(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.WithEngines())
	for _, engine := range []string{"a", "b"} {
		m.EngineRequests(engine)(dockerengine.Request{Method: "GET", Path: "/info", Status: 200})
	}
	start := scrape(t, m)
	assert.Equal(t, "0", start[`watchtower_passes_failed_total{engine="b",kind="update"}`], "there before the first one")
	assert.Equal(t, "0", start[`watchtower_next_pass_timestamp_seconds{engine="a"}`])
	pass := func(engine string, entries ...watchtower.Entry) {
		m.Observe(t.Context(), watchtower.PassStarted{Engine: engine})
		for i, e := range entries {
			entries[i].OutOfDate = e.Status == watchtower.StatusStale
		}
		m.Observe(t.Context(), watchtower.PassEnded{Engine: engine, Kind: watchtower.PassUpdate, Report: &watchtower.Report{
			Engine: engine, Kind: watchtower.PassUpdate, Entries: entries,
		}})
	}
	pass("a", entry("web", "1", watchtower.StatusStale), entry("db", "2", watchtower.StatusFresh))
	pass("b", entry("web", "3", watchtower.StatusFailed))
	m.Observe(t.Context(), watchtower.PassFailed{Engine: "b", Kind: watchtower.PassUpdate, Err: assert.AnError})
	got := scrape(t, m)
	for series, want := range map[string]string{
		`watchtower_container_out_of_date{container="web",engine="a",image="app"}`:                "1",
		`watchtower_container_failures_total{container="web",engine="a"}`:                         "0",
		`watchtower_container_failures_total{container="web",engine="b"}`:                         "1",
		`watchtower_containers{engine="a",status="fresh"}`:                                        "1",
		`watchtower_containers{engine="b",status="fresh"}`:                                        "0",
		`watchtower_passes_failed_total{engine="a",kind="update"}`:                                "0",
		`watchtower_passes_failed_total{engine="b",kind="update"}`:                                "1",
		`watchtower_engine_requests_total{endpoint="/info",engine="b",method="GET",status="200"}`: "1",
		`watchtower_containers_scanned`:                                                           "3",
		`watchtower_containers_failed`:                                                            "1",
		`watchtower_scans_total`:                                                                  "2",
	} {
		assert.Equal(t, want, got[series], series)
	}
	pass("b")
	got = scrape(t, m)
	assert.Equal(t, "2", got["watchtower_containers_scanned"], "of each its last pass")
	for series := range got {
		assert.False(t, strings.Contains(series, `container="web"`) && strings.Contains(series, `engine="b"`), "%s: it is gone", series)
	}
	assert.Contains(t, got, `watchtower_container_updates_total{container="web",engine="a"}`, "the other's is not")
}
