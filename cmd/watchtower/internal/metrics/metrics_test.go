package metrics_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// sorted are the keys of all.
func sorted(all ...map[string]string) []string {
	keys := map[string]string{}
	for _, m := range all {
		maps.Copy(keys, m)
	}
	return slices.Sorted(maps.Keys(keys))
}

func ExampleNew() {
	m := metrics.New()
	tower, err := watchtower.New(
		watchtower.WithEngine(enginetest.New()),
		watchtower.WithObserver(m),
		watchtower.WithRegistryOptions(registry.WithRequestFunc(m.RegistryRequest)),
	)
	fmt.Println(tower != nil, err, m.Handler() != nil) // which goes to an http.Server
	// Output: true <nil> true
}

// The names of the predecessors, without labels, are there from the start.
func TestThePredecessorsNamesAreThere(t *testing.T) {
	t.Parallel()
	now := scrape(t, metrics.New())
	for _, name := range []string{
		"containers_scanned", "containers_updated", "containers_failed", "containers_restarted", "containers_skipped",
		"containers_restarted_total", "scans_total", "scans_skipped", "scans_skipped_total", "metrics_dropped_total",
	} {
		assert.Equal(t, "0", now["watchtower_"+name], name)
	}
	assert.Contains(t, now, "go_goroutines")
	assert.Contains(t, now, "promhttp_metric_handler_requests_in_flight")
}

// passed is a pass that ended so.
func passed(t *testing.T, m *metrics.Metrics, entries ...watchtower.Entry) {
	t.Helper()
	m.Observe(t.Context(), watchtower.PassEnded{Kind: watchtower.PassUpdate, Report: &watchtower.Report{
		Kind: watchtower.PassUpdate, Started: time.Unix(0, 0), Ended: time.Unix(1, 0), Entries: entries,
	}})
}

func entry(name, id string, status watchtower.Status) watchtower.Entry {
	return watchtower.Entry{Container: watchtower.Container{ID: id, Name: name, Image: "app"}, Status: status, Latest: "sha256:0"}
}

func TestAPassThatNobodyWantedAnyMoreHasNotFailed(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for _, err := range []error{context.Canceled, fmt.Errorf("watchtower: check: %w", context.Canceled), errdefs.ErrUnavailable} {
		m.Observe(t.Context(), watchtower.PassFailed{Kind: watchtower.PassCheck, Err: err})
	}
	assert.Equal(t, "1", scrape(t, m)[`watchtower_passes_failed_total{kind="check"}`])
}

// of are the series of one container.
func of(t *testing.T, m *metrics.Metrics, name string) []string {
	t.Helper()
	var out []string
	for series := range scrape(t, m) {
		if strings.Contains(series, fmt.Sprintf("{container=%q", name)) {
			out = append(out, series)
		}
	}
	return out
}

func TestSeriesEndWithTheirContainer(t *testing.T) {
	t.Parallel()
	skipped := entry("web", "1", watchtower.StatusSkipped)
	for name, tt := range map[string]struct {
		then []watchtower.Entry
		want int
	}{
		"it is gone":                             {nil, 0},
		"it is left alone for once":              {[]watchtower.Entry{skipped}, 6},
		"another of its name is left alone":      {[]watchtower.Entry{entry("web", "2", watchtower.StatusSkipped)}, 0},
		"another of its name is judged":          {[]watchtower.Entry{entry("web", "2", watchtower.StatusFresh)}, 6},
		"another is there":                       {[]watchtower.Entry{entry("db", "3", watchtower.StatusFresh)}, 0},
		"what was never judged begins no series": {[]watchtower.Entry{skipped, entry("db", "3", watchtower.StatusSkipped)}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := metrics.New()
			passed(t, m, entry("web", "1", watchtower.StatusStale))
			require.Len(t, of(t, m, "web"), 6)
			passed(t, m, tt.then...)
			assert.Len(t, of(t, m, "web"), tt.want)
		})
	}
}

// A service has series of its own, whatever a container is called.
func TestAServicesSeriesAreNotItsNamesakes(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	service := entry("web", "1", watchtower.StatusFailed)
	service.Container.Service = &lifecycle.Service{}
	passed(t, m, service, entry("web", "2", watchtower.StatusFresh))
	now := scrape(t, m)
	assert.Equal(t, "1", now[`watchtower_container_failures_total{container="service web"}`])
	assert.Equal(t, "0", now[`watchtower_container_failures_total{container="web"}`])
	passed(t, m, service)
	assert.NotContains(t, scrape(t, m), `watchtower_container_failures_total{container="web"}`, "it is gone, and its namesake is not")
	assert.Contains(t, scrape(t, m), `watchtower_container_failures_total{container="service web"}`)
}

// outdated is an entry of one for which something newer is there.
func outdated(id string, status watchtower.Status) watchtower.Entry {
	e := entry("web", id, status)
	e.OutOfDate = true
	return e
}

// One that is left alone since what it could move to is refused is out of date.
func TestWhatIsLeftAloneThoughThereIsSomethingNewerIsOutOfDate(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	passed(t, m, outdated("1", watchtower.StatusSkipped))
	assert.Equal(t, "1", scrape(t, m)[`watchtower_container_out_of_date{container="web",image="app"}`])
	passed(t, m, entry("web", "1", watchtower.StatusFresh))
	assert.Equal(t, "0", scrape(t, m)[`watchtower_container_out_of_date{container="web",image="app"}`])
}

func TestSeriesGoOnWithTheSuccessor(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	updated := entry("web", "1", watchtower.StatusUpdated)
	updated.NewContainerID, updated.NewReference = "2", "app:2"
	passed(t, m, updated)
	after := entry("web", "2", watchtower.StatusSkipped)
	passed(t, m, after)
	now := scrape(t, m)
	assert.Equal(t, "1", now[`watchtower_container_updates_total{container="web"}`])
	assert.Equal(t, "0", now[`watchtower_container_out_of_date{container="web",image="app:2"}`])
	moved := outdated("3", watchtower.StatusStale)
	moved.Container.Image = "app:3"
	passed(t, m, moved)
	now = scrape(t, m)
	assert.NotContains(t, now, `watchtower_container_out_of_date{container="web",image="app:2"}`)
	assert.Equal(t, "1", now[`watchtower_container_out_of_date{container="web",image="app:3"}`])
}

// A plan that is applied tells of its own containers only.
func TestAnAppliedPlanEndsNoSeriesOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, name := range []string{"web", "db"} {
			w.publish(name+":1", enginetest.Image{})
			w.engine.Run(name, name+":1", lifecycle.Spec{})
		}
		w.update()
		w.publish("web:1", enginetest.Image{})
		r, err := w.tower.Check(t.Context())
		require.NoError(t, err)
		r, err = w.tower.Apply(t.Context(), r.Plan)
		require.NoError(t, err)
		require.Len(t, r.Entries, 1)
		now := scrape(t, w.metrics)
		assert.Equal(t, "1", now[`watchtower_container_updates_total{container="web"}`])
		assert.Equal(t, "0", now[`watchtower_container_out_of_date{container="web",image="web:1"}`])
		assert.Contains(t, now, `watchtower_container_updates_total{container="db"}`)
	})
}

// What is not known stays as it was last known.
func TestWhetherAContainerIsOutOfDate(t *testing.T) {
	t.Parallel()
	unknown := func(e watchtower.Entry) watchtower.Entry { e.Latest = ""; return e }
	for name, tt := range map[string]struct {
		then watchtower.Entry
		want string
	}{
		"fresh":                               {entry("web", "1", watchtower.StatusFresh), "0"},
		"fresh, and a newer version failed":   {outdated("1", watchtower.StatusFresh), "1"},
		"stale":                               {outdated("1", watchtower.StatusStale), "1"},
		"held":                                {outdated("1", watchtower.StatusHeld), "1"},
		"rolled back":                         {outdated("1", watchtower.StatusRolledBack), "1"},
		"left alone, for its image failed":    {outdated("1", watchtower.StatusSkipped), "1"},
		"updated":                             {entry("web", "1", watchtower.StatusUpdated), "0"},
		"an update that failed":               {outdated("1", watchtower.StatusFailed), "1"},
		"a check that failed":                 {unknown(entry("web", "1", watchtower.StatusFailed)), "as before"},
		"a check the engine could not finish": {entry("web", "1", watchtower.StatusFailed), "as before"},
		"restarted, and held":                 {outdated("1", watchtower.StatusRestarted), "1"},
		"restarted, and fresh":                {entry("web", "1", watchtower.StatusRestarted), "0"},
		"restarted, and nothing was asked":    {unknown(entry("web", "1", watchtower.StatusRestarted)), "as before"},
		"left alone":                          {entry("web", "1", watchtower.StatusSkipped), "as before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for before, e := range map[string]watchtower.Entry{
				"0": entry("web", "1", watchtower.StatusFresh), "1": outdated("1", watchtower.StatusHeld),
			} {
				m := metrics.New()
				passed(t, m, e)
				passed(t, m, tt.then)
				want := strings.Replace(tt.want, "as before", before, 1)
				assert.Equal(t, want, scrape(t, m)[`watchtower_container_out_of_date{container="web",image="app"}`])
			}
		})
	}
}

func TestThereAreOnlySoManySeries(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	var entries []watchtower.Entry
	for i := range 2500 {
		entries = append(entries, entry(fmt.Sprint("c", i), fmt.Sprint(i), watchtower.StatusFresh))
		m.RegistryRequest(registry.Request{Host: fmt.Sprintf("r%d.example", i), Method: "HEAD", Status: 200 + i%800})
	}
	passed(t, m, entries...)
	now := scrape(t, m)
	count := map[string]int{}
	for series := range now {
		name, _, _ := strings.Cut(series, "{")
		count[name]++
	}
	assert.Equal(t, 2000, count["watchtower_container_out_of_date"])
	assert.Equal(t, "500", now["watchtower_metrics_dropped_total"], "and it is told")
	assert.Less(t, count["watchtower_registry_requests_total"], 200)
	assert.NotEqual(t, "", now[`watchtower_registry_requests_total{host="other",method="HEAD",status="9xx"}`])
	passed(t, m, entries[2000:]...)
	assert.Len(t, of(t, m, "c2400"), 6, "there is room again")
}

// A name or reference that is no text breaks no scrape.
func TestWhatIsNoTextBreaksNoScrape(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	e := entry("web", "1", watchtower.StatusStale)
	e.Container.Image = "app\xff\"\n"
	passed(t, m, e)
	assert.Contains(t, scrape(t, m), `watchtower_container_out_of_date{container="web",image="app�\"\n"}`)
}

func TestWhatWasMissedIsTold(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Observe(t.Context(), watchtower.ObserverOverflowed{Missed: 7})
	m.Observe(t.Context(), watchtower.PassScheduled{Next: time.UnixMilli(1500)})
	now := scrape(t, m)
	assert.Equal(t, "7", now["watchtower_metrics_dropped_total"])
	assert.Equal(t, "1.5", now["watchtower_next_pass_timestamp_seconds"])
}

// The successor tells of its predecessor's update of itself.
func TestTheUpdateOfItselfIsCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Observe(t.Context(), watchtower.SelfUpdateEnded{At: time.Unix(9, 0), Entry: entry("watchtower", "1", watchtower.StatusUpdated)})
	now := scrape(t, m)
	assert.Equal(t, "1", now[`watchtower_container_updates_total{container="watchtower"}`])
	assert.Equal(t, "9", now[`watchtower_container_last_update_timestamp_seconds{container="watchtower"}`])
}
