package watchtower_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// outage asks a page every 2 ms while work goes on, and returns the longest time
// between two answers.
func outage(b *testing.B, url string, work func()) time.Duration {
	b.Helper()
	client := http.Client{Timeout: 100 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	answers := func() bool {
		resp, err := client.Get(url) //nolint:noctx // it has a timeout
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.Body.Close() == nil
	}
	for !answers() {
		<-time.After(2 * time.Millisecond)
	}
	done := make(chan struct{})
	go func() { defer close(done); work() }()
	last, longest, ended := time.Now(), time.Duration(0), false
	for {
		if answers() {
			now := time.Now()
			longest, last = max(longest, now.Sub(last)), now
			if ended {
				return longest
			}
		}
		select {
		case <-done:
			ended = true
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// BenchmarkDowntime swaps a container with a published port, and compares what a
// client feels with a stop and a start of the same container by the engine's API.
func BenchmarkDowntime(b *testing.B) {
	host := enginehost.Engine(b)
	reg := enginehost.StartRegistry(b)
	// What a probe that met nobody holds against the address must not outlast it.
	_ = os.WriteFile("/proc/sys/net/ipv4/neigh/docker0/retrans_time_ms", []byte("10"), 0o600)
	ref, _ := reg.Push(b, "down:1", serving("0"))
	host.Pull(b, ref, "")
	host.Run(b, "down", object{
		"Image": ref, "ExposedPorts": object{"8080/tcp": object{}},
		"HostConfig": object{"PortBindings": object{"8080/tcp": []object{{"HostIp": "127.0.0.1", "HostPort": "18080"}}}},
	})
	engine, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(b, err)
	mine, err := filter.Names("down")
	require.NoError(b, err)
	tw, err := watchtower.New(watchtower.WithEngine(engine), watchtower.WithFilter(mine), quick())
	require.NoError(b, err)
	const url = "http://127.0.0.1:18080/"
	var swaps, restarts, ratios []float64
	for n := 1; b.Loop(); n++ {
		restart := outage(b, url, func() {
			host.API(b, http.MethodPost, "/containers/down/stop", nil, nil)
			host.API(b, http.MethodPost, "/containers/down/start", nil, nil)
		})
		reg.Push(b, "down:1", serving(fmt.Sprint(n)))
		swap := outage(b, url, func() {
			r, err := tw.Update(b.Context())
			if err != nil || r.Count(watchtower.StatusUpdated) != 1 {
				b.Errorf("not updated: %v %v", err, r)
			}
		})
		swaps, restarts = append(swaps, swap.Seconds()*1000), append(restarts, restart.Seconds()*1000)
		ratios = append(ratios, swap.Seconds()/restart.Seconds())
	}
	b.ReportMetric(median(swaps), "ms/swap")
	b.ReportMetric(median(restarts), "ms/stop+start")
	b.ReportMetric(median(ratios), "ratio")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
