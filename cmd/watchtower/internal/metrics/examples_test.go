package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// busy are the metrics of a watchtower that has done all there is to do.
func busy(t *testing.T) *metrics.Metrics {
	t.Helper()
	var m *metrics.Metrics
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m = w.metrics
		w.publish("web:1", enginetest.Image{})
		w.engine.Run("web", "web:1", lifecycle.Spec{})
		w.publish("web:1", enginetest.Image{})
		w.update()
	})
	ghcr := registrytest.New(registrytest.GHCR())
	defer ghcr.Close()
	client, err := registry.New(registry.WithTransport(registrytest.Transport(ghcr)), registry.WithRequestFunc(m.RegistryRequest))
	require.NoError(t, err)
	client.Check(t.Context(), []registry.Query{{Reference: "ghcr.io/org/app:1"}})
	countedEngine(t, m)
	return m
}

// labelsOf are the labels of each name in a scrape.
func labelsOf(t *testing.T, m *metrics.Metrics) map[string]map[string]bool {
	t.Helper()
	label := regexp.MustCompile(`([a-z_]+)="`)
	out := map[string]map[string]bool{}
	for series := range scrape(t, m) {
		name, labels, _ := strings.Cut(series, "{")
		if out[name] == nil {
			out[name] = map[string]bool{"instance": true, "job": true} // which Prometheus adds
		}
		for _, found := range label.FindAllStringSubmatch(labels, -1) {
			out[name][found[1]] = true
		}
	}
	return out
}

// What the examples ask Prometheus for is there, with the labels that they go by.
func TestTheExamplesAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	there := labelsOf(t, busy(t))
	var (
		metric  = regexp.MustCompile(`(watchtower_[a-z_]+)(?:\{([^}]*)\})?`)
		matcher = regexp.MustCompile(`([a-z_]+) *(?:=~|!=|=|!~)`)
		grouped = regexp.MustCompile(`\bby \(([a-z_, ]+)\)`)
		shown   = regexp.MustCompile(`\{\{ *(?:\$labels\.)?([a-z_]+) *\}\}`)
	)
	check := func(t *testing.T, expr, text string) {
		t.Helper()
		found := metric.FindAllStringSubmatch(expr, -1)
		labels := shown.FindAllStringSubmatch(text, -1)
		for _, by := range grouped.FindAllStringSubmatch(expr, -1) {
			for name := range strings.SplitSeq(by[1], ", ") {
				labels = append(labels, []string{"", name})
			}
		}
		for _, m := range found {
			require.NotNil(t, there[m[1]], "%s is no metric: %s", m[1], expr)
			for _, by := range append(labels, matcher.FindAllStringSubmatch(m[2], -1)...) {
				assert.True(t, there[m[1]][by[1]], "%s has no label %s: %s", m[1], by[1], expr)
			}
		}
	}
	t.Run("dashboard", func(t *testing.T) {
		t.Parallel()
		raw, err := os.ReadFile("../../../../examples/grafana/dashboard.json")
		require.NoError(t, err)
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		require.NoError(t, json.Unmarshal(raw, &dashboard))
		require.NotEmpty(t, dashboard.Panels)
		for _, p := range dashboard.Panels {
			require.NotEmpty(t, p.Targets, p.Title)
			for _, target := range p.Targets {
				assert.Contains(t, target.Expr, "watchtower_", p.Title)
				check(t, target.Expr, target.LegendFormat)
			}
		}
	})
	t.Run("alerts", func(t *testing.T) {
		t.Parallel()
		raw, err := os.ReadFile("../../../../examples/prometheus/alerts.yaml")
		require.NoError(t, err)
		rules := strings.Split(string(raw), "- alert: ")[1:]
		require.NotEmpty(t, rules)
		for _, rule := range rules {
			_, expr, ok := strings.Cut(rule, "expr: ")
			require.True(t, ok, rule)
			expr, _, _ = strings.Cut(expr, "\n")
			check(t, expr, rule)
		}
	})
	t.Run("the choice of an instance", func(t *testing.T) {
		t.Parallel()
		dashboard, err := os.ReadFile("../../../../examples/grafana/dashboard.json")
		require.NoError(t, err)
		assert.Contains(t, string(dashboard), "label_values(watchtower_scans_total, instance)")
		assert.NotNil(t, there["watchtower_scans_total"])
	})
}
