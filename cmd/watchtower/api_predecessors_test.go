package main

import (
	"bufio"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// Every endpoint and every metric that the original program (O) or its fork (F) has is
// there in the running program, by its method and name, and answers with what those who
// read it read. What answers otherwise stands in docs/migrating.md.
func TestTheAPIHasWhatThePredecessorsHad(t *testing.T) {
	host, reg := enginehost.Engine(t), enginehost.StartRegistry(t)
	ref := behind(t, host, reg, "api-before")
	s := serving(t, engineEnv(host, "WATCHTOWER_HTTP_API_ENDPOINTS=all", "WATCHTOWER_STABLE_TIME=1", "WATCHTOWER_HTTP_API_RATE_LIMIT=1000"), "api-before")
	seen := &rows{}
	for _, had := range []struct {
		whose, method, path, token string
		code                       int
		says                       []string // parts of the answer
	}{
		{"F", "GET", "/livez", "", 200, []string{"OK"}},
		{"F", "GET", "/readyz", "", 200, []string{"OK"}},
		{"F", "GET", "/startupz", "", 200, []string{"OK"}},
		{"F", "GET", "/swagger/", "", 404, []string{"not switched on"}}, // loads from elsewhere: the document is
		{"F", "GET", "/v1/containers?name=api-before", apiToken, 200, []string{`"containers":[{"name":"api-before"`, `"image_id":"sha256:`, `"digest":"sha256:`, `"count":1`, `"api_version"`}},
		{"F", "GET", "/v1/containers/details", apiToken, 200, []string{`"running":true`, `"watchtower":false`, `"monitor_only":false`, `"no_pull":false`, `"enabled":false`, `"stale":false`, `"scope":""`}},
		{"F", "GET", "/v1/images", apiToken, 200, []string{`"images":[{`, `"containers":`, `"count":1`}},
		{"F", "GET", "/v1/config", apiToken, 200, []string{`"config":{"monitor_only":false,"cleanup":false`, `"filter_desc"`, `"scope":`}},
		{"F", "POST", "/v1/check?container=api-.*&timeout=30s", apiToken, 200, []string{`"update_available":true`, `"latest_digest":"sha256:`, `"count":1`}},
		{"F", "GET", "/v1/status", apiToken, 200, []string{`"summary":{"scanned":`, `"timestamp"`}},
		{"O", "GET", "/v1/update?image=nobody/has/it", apiToken, 200, []string{`"scanned":0`}},
		{"O F", "POST", "/v1/update?image=" + strings.TrimSuffix(ref, ":1"), apiToken, 200, []string{`"scanned":1,"updated":1,"failed":0`, `"timing"`}},
		{"F", "POST", "/v1/update?container=api-before&async=true", apiToken, 202, []string{`"api_version"`}},
		{"F", "GET", "/v1/history?limit=500&since=2020-01-01T00:00:00Z", apiToken, 200, []string{`"entries":[{`, `"scanned":1,"updated":1`, `"count":`}},
		{"O F", "GET", "/v1/metrics", apiToken, 200, []string{"go_goroutines ", "process_cpu_seconds_total "}},
	} {
		r := s.call(t, had.method, had.path, had.token, "")
		seen.add(had.whose, had.method+" "+strings.ReplaceAll(had.path, s.address, "…"), short(http.StatusText(r.code)+" "+r.text))
		assert.Equal(t, had.code, r.code, "%s: %s", had.path, r.text)
		for _, text := range had.says {
			assert.Contains(t, r.text, text, had.path)
		}
	}
	events, err := s.client.Get("http://" + s.address + "/v1/events?access_token=" + apiEvents)
	require.NoError(t, err)
	first, err := bufio.NewReader(events.Body).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, events.Body.Close())
	seen.add("F", "GET /v1/events", first)
	assert.Equal(t, "text/event-stream; charset=utf-8", events.Header.Get("Content-Type"))
	assert.Equal(t, "retry: 5000\n", first)

	scrape := s.call(t, http.MethodGet, "/v1/metrics", apiToken, "").text
	for _, had := range []struct{ whose, kind, name, value string }{
		{"O F", "gauge", "watchtower_containers_scanned", "[01]"}, // the later update may be over
		{"O F", "gauge", "watchtower_containers_updated", "[01]"},
		{"O F", "gauge", "watchtower_containers_failed", "0"},
		{"F", "gauge", "watchtower_containers_restarted", "0"},
		{"F", "gauge", "watchtower_containers_skipped", "0"},
		{"F", "counter", "watchtower_containers_restarted_total", "0"},
		{"O F", "counter", "watchtower_scans_total", "[23]"},
		{"O", "counter", "watchtower_scans_skipped", "0"},
		{"F", "counter", "watchtower_scans_skipped_total", "0"},
		{"F", "counter", "watchtower_metrics_dropped_total", "0"},
	} {
		line := regexp.MustCompile(`(?m)^` + had.name + ` (\S+)$`).FindStringSubmatch(scrape)
		require.NotNil(t, line, had.name)
		assert.Regexp(t, "^"+had.value+"$", line[1], had.name)
		assert.Contains(t, scrape, "# TYPE "+had.name+" "+had.kind+"\n")
		seen.add(had.whose, had.kind, line[0])
	}
	t.Log(seen)
}
