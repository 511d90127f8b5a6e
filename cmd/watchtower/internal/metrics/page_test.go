package metrics_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
)

const page = "../../../../docs/metrics.md"

// The page is what a scrape says of itself: `make docs` writes it, by UPDATE_DOCS=1.
func TestMetricsPage(t *testing.T) {
	t.Parallel()
	want := pageOf(t, busy(t))
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o600)) // it is there already, and stays readable
	}
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "run make docs")
}

func pageOf(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	labels := labelsOf(t, m)
	out := httptest.NewRecorder()
	m.Handler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/", nil))
	var b strings.Builder
	b.WriteString(`# Metrics

Made from what a scrape of /v1/metrics says by ` + "`make docs`" + `. [A dashboard](../examples/grafana/dashboard.json) and
[alerts](../examples/prometheus/alerts.yaml) use them.

## What those before had

These have no labels, and are of passes that may update something; a check changes none of them.

- Those without _total are of the last such pass. ` + "`_updated`" + ` counts what was updated: what is only stale, which the original
  program counted along, is in ` + "`watchtower_containers`" + `. ` + "`_failed`" + ` counts what was rolled back as well.
- A pass that could not be made is no scan, and leaves them as they are: ` + "`watchtower_passes_failed_total`" + ` counts it.
- ` + "`watchtower_scans_skipped`" + ` is the original program's name and ` + "`watchtower_scans_skipped_total`" + ` the fork's, for the same: a pass
  that was asked for while another one went on, and was refused. It leaves the others as they are.

## What there is of a container

Its series begin when a pass first judges it, go on with its successor after an update, and end when it is gone: a container
that is not watched has none. What a pass could not find out stays as it was last known. Counters begin with 0 when
watchtower is started, and the time of the last update is not known before the first one. Of containers beyond 2000 none is told.
Of a swarm's service the label container is ` + "`service web`" + `: a container may have the name, and none has a blank in it.

## Several engines

Where a list of hosts is watched, what is of one engine has a label more, engine, with its name: all series of containers, of
passes and of calls to the engine, but those without labels that those before had, which are sums over all engines.

## What was asked of others

The host is the registry that a request was for, as references name it, or a mirror, also where a token service or a redirect
was asked in its stead; those beyond 100 are together in "other". The endpoint is the call's path in Docker's API.

## All

| metric | kind | labels | meaning |
|---|---|---|---|
`)
	help := map[string]string{}
	for line := range strings.Lines(out.Body.String()) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(words) < 4 || !strings.HasPrefix(words[2], "watchtower_") {
			continue
		}
		name, text := words[2], words[3]
		switch words[1] {
		case "HELP":
			help[name] = text
		case "TYPE":
			have := labels[name]
			if text == "histogram" {
				have = labels[name+"_count"]
			}
			own := slices.DeleteFunc(slices.Sorted(maps.Keys(have)), func(l string) bool { return l == "instance" || l == "job" })
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, text, strings.Join(own, ", "), strings.TrimSuffix(help[name], "."))
		}
	}
	b.WriteString("\nBeside these there are Go's own (go_…), the process's (process_…) and those of the endpoint (promhttp_…).\n")
	return b.String()
}
