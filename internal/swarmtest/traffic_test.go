package swarmtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// pause is a client's between two requests.
const pause = 10 * time.Millisecond

// serving is an image that serves a text.
func serving(text string) enginehost.Image {
	return enginehost.Image{
		Files: map[string]string{"www/index.html": text},
		// It serves for a moment after it was asked to stop: names are cached.
		Cmd: []string{"/bin/sh", "-c", `trap "sleep 1; exit 0" TERM; httpd -f -p 8080 -h /www & while :; do sleep 1000 & wait $!; done`},
		Healthcheck: enginehost.Object{
			"Test": []string{"CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"}, "Interval": time.Second,
			"Timeout": time.Second, "Retries": 10, "StartPeriod": 5 * time.Second,
		},
	}
}

// What a client of a service loses while that is updated is up to the service: its
// update settings are the ones that count.
func withAClient(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t)
	host.API(t, "POST", "/networks/create", object{"Name": "crowd", "Driver": "overlay", "Attachable": true}, nil)
	t.Cleanup(func() { host.Status(t, "DELETE", "/networks/crowd", nil) })
	asking, _ := reg.Push(t, "asking:1", enginehost.Image{})
	host.Pull(t, asking, "")
	host.Run(t, "asking", object{"Image": asking, "HostConfig": object{"NetworkMode": "crowd"}})
	t.Cleanup(func() { host.RemoveAll(t, "asking") }) // before the network
	for order, replicas := range map[string]int{"stop-first": 6, "start-first": 3} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			name := "crowd-" + order
			ref, first := reg.Push(t, name+":1", serving("1"))
			body := aServiceOf(name, ref+"@"+first, replicas)
			body["UpdateConfig"].(object)["Order"] = order
			body["TaskTemplate"].(object)["Networks"] = []object{{"Target": "crowd"}}
			host.Serve(t, body)
			c := host.StartClient(t, "asking", "http://"+name+":8080/", pause)
			reg.Push(t, name+":1", serving("2"))
			start := time.Now()
			e := pass(t, tower(t, host.Address, []string{name}, watchtower.WithObserver(&timeline{t, start})), name)
			took := time.Since(start)
			saw := c.Stop(t)
			require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
			t.Logf("%s: %d requests in %v, %d of them needed a second try, %d lost, longest %v",
				order, saw.Requests, took.Round(time.Second), len(saw.First), len(saw.Lost), saw.Stall.Round(time.Millisecond))
			for _, f := range saw.First {
				t.Logf("  %5.1f s  %s", f.At.Sub(start).Seconds(), f.Error)
			}
			require.NotEmpty(t, saw.Pages)
			assert.Equal(t, "1", saw.Pages[0])
			assert.Equal(t, "2", saw.Pages[len(saw.Pages)-1])
			if order == "start-first" {
				assert.Empty(t, saw.Lost)
			}
		})
	}
}
