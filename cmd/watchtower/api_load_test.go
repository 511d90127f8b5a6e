package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// loadTime is how long the API is under load: WATCHTOWER_API_LOAD, or a little.
func loadTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("WATCHTOWER_API_LOAD")
	if text == "" {
		return 2 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

// 200 callers at once while a pass is made: each is answered, what was accepted is
// done, and the pass is what it would have been.
func TestTheAPIUnderLoad(t *testing.T) {
	host, reg := enginehost.Engine(t), enginehost.StartRegistry(t)
	lasting := loadTime(t)
	behind(t, host, reg, "api-load")
	s := serving(t, engineEnv(host, "WATCHTOWER_HTTP_API_ENDPOINTS=all", "WATCHTOWER_HTTP_API_RATE_LIMIT=100000000",
		fmt.Sprintf("WATCHTOWER_STABLE_TIME=%d", int(lasting.Seconds())+1)), "api-load")
	s.client.Transport = &http.Transport{MaxIdleConnsPerHost: 200}
	before := memoryOf(s.cmd.Process.Pid)
	first := make(chan reply, 1)
	go func() { first <- s.updateAll(t) }()
	require.Eventually(t, func() bool { return strings.Contains(s.stderr.String(), "msg=start") }, 20*time.Second, time.Millisecond)
	var mu sync.Mutex
	counts, failures, accepted := map[string]int{}, []string{}, []string{}
	end := time.Now().Add(lasting)
	var clients sync.WaitGroup
	for i := range 200 {
		clients.Go(func() {
			requests := [][2]string{
				{"GET", "/v1/status"},
				{"GET", "/v1/containers"},
				{"GET", "/v1/history?reports=true"},
				{"POST", "/v1/update"},
				{"GET", "/readyz"},
				{"GET", "/v1/images"},
				{"GET", "/v1/config"},
			}
			if i < 20 {
				requests = append(requests, [2]string{"POST", "/v1/update?container=api-load&async=true"})
			}
			for n := i; time.Now().Before(end); n++ {
				what := requests[n%len(requests)]
				r := s.call(t, what[0], what[1], apiToken, "")
				mu.Lock()
				counts[fmt.Sprintf("%s %s %d", what[0], what[1], r.code)]++
				switch r.code {
				case http.StatusAccepted:
					accepted = append(accepted, r.body["location"].(string))
				case http.StatusOK, http.StatusTooManyRequests:
				default:
					failures = append(failures, fmt.Sprint(what, r.code, short(r.text)))
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	under := memoryOf(s.cmd.Process.Pid)
	assert.Empty(t, failures)
	r := <-first
	assert.Equal(t, http.StatusOK, r.code, r.text)
	assert.InDelta(t, 1, r.body["summary"].(object)["updated"], 0)
	require.NotEmpty(t, accepted)
	for _, location := range accepted {
		require.Eventually(t, func() bool { return s.call(t, "GET", location, apiToken, "").body["state"] == "done" }, 60*time.Second, 20*time.Millisecond)
	}
	history := s.call(t, "GET", "/v1/history?kind=update", apiToken, "")
	made := 1 + len(accepted) + counts["POST /v1/update 200"]
	assert.InDelta(t, made, history.body["count"], 0, "each update that was answered for was made, and no other")
	table, all := &rows{}, 0
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		table.add("", what, counts[what])
		all += counts[what]
	}
	t.Logf("%d requests of 200 clients in %v, %d failures, %d updates made; memory at most: %s before, %s under load%s", all, lasting, len(failures), made, before, under, table)
}

// memoryOf is the most the process had of it so far, where the system tells.
func memoryOf(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) {
		return "unknown"
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}
