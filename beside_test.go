package watchtower_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// pause is a client's between two requests.
const pause = 2 * time.Millisecond

// A service behind a network alias is updated start-first, good image and bad, and
// a client that asks all the time loses nothing. No other test is run beside it.
func TestAClientOfAServiceThatIsUpdatedStartFirstLosesNothing(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	host.Network(t, "beside-front", "")
	host.Network(t, "beside-back", "")
	ref, _ := reg.Push(t, "beside:1", serving("0"))
	host.Pull(t, ref, "")
	host.Run(t, "beside-client", object{"Image": ref, "HostConfig": object{"NetworkMode": "beside-front"}})
	id := host.Run(t, "beside", object{
		"Image": ref, "HostConfig": object{"NetworkMode": "beside-front"}, "NetworkingConfig": object{"EndpointsConfig": object{
			"beside-front": object{"Aliases": []string{"www"}},
		}},
	})
	host.API(t, "POST", "/networks/beside-back/connect", object{"Container": "beside", "EndpointConfig": object{"Aliases": []string{"www"}}}, nil)
	before := networksOf(host.Inspect(t, "beside"))
	tw := tower(t, host, []string{"beside"}, quick(), watchtower.WithUpdateOrder(lifecycle.StartFirst))

	c := host.StartClient(t, "beside-client", "http://www:8080/", pause)
	const updates = 2
	for n := 1; n <= updates; n++ {
		reg.Push(t, "beside:1", serving(fmt.Sprint(n)))
		e := entry(t, update(t, tw), "beside")
		require.NoError(t, e.Err)
		require.Equal(t, watchtower.StatusUpdated, e.Status, e.Reason)
		assert.Zero(t, e.Downtime)
		assert.NotEqual(t, id, e.NewContainerID)
		id = e.NewContainerID
	}
	bad := serving("bad")
	bad.Healthcheck = object{"Test": []string{"CMD-SHELL", "exit 1"}, "Interval": 200e6, "Retries": 2}
	reg.Push(t, "beside:1", bad)
	e := entry(t, update(t, tw), "beside")
	assert.Equal(t, watchtower.StatusRolledBack, e.Status)
	assert.Zero(t, e.Downtime)
	saw := c.Stop(t)

	t.Logf("%d requests, %d first tries failed %v, %d lost %v, longest %v, pages %v", saw.Requests,
		len(saw.First), saw.First, len(saw.Lost), saw.Lost, saw.Stall.Round(time.Millisecond), saw.Pages)
	assert.Empty(t, saw.Lost)
	assert.LessOrEqual(t, len(saw.First), 2*updates, "one at the join and one at the drain")
	assert.NotContains(t, saw.Pages, "bad", "nobody is sent to what is not verified")
	assert.Equal(t, fmt.Sprint(updates), saw.Pages[len(saw.Pages)-1])
	assert.Equal(t, before, networksOf(host.Inspect(t, "beside")), "its networks and aliases")
	assert.Equal(t, id, host.Inspect(t, "beside")["Id"])
}

// networksOf are a container's networks with the aliases somebody gave it.
func networksOf(c object) map[string][]any {
	out := map[string][]any{}
	for network, endpoint := range c["NetworkSettings"].(object)["Networks"].(object) {
		for _, alias := range endpoint.(object)["Aliases"].([]any) {
			if alias != c["Id"].(string)[:12] {
				out[network] = append(out[network], alias)
			}
		}
	}
	return out
}

// BenchmarkStartFirst updates a service behind a network alias, and tells what a
// client sees of it.
func BenchmarkStartFirst(b *testing.B) {
	host := enginehost.Engine(b)
	reg := enginehost.StartRegistry(b)
	host.Network(b, "first", "")
	ref, _ := reg.Push(b, "first:1", serving("0"))
	host.Pull(b, ref, "")
	host.Run(b, "first-client", object{"Image": ref, "HostConfig": object{"NetworkMode": "first"}})
	host.Run(b, "first", object{
		"Image": ref, "HostConfig": object{"NetworkMode": "first"}, "NetworkingConfig": object{"EndpointsConfig": object{
			"first": object{"Aliases": []string{"www"}},
		}},
	})
	tw := tower(b, host, []string{"first"}, quick(), watchtower.WithUpdateOrder(lifecycle.StartFirst))
	requests, first, lost, most, longest := 0, 0, 0, 0, time.Duration(0)
	for n := 1; b.Loop(); n++ {
		reg.Push(b, "first:1", serving(fmt.Sprint(n)))
		c := host.StartClient(b, "first-client", "http://www:8080/", pause)
		r, err := tw.Update(b.Context())
		if err != nil || r.Count(watchtower.StatusUpdated) != 1 {
			b.Errorf("not updated: %v %v", err, r)
		}
		saw := c.Stop(b)
		requests += saw.Requests
		first += len(saw.First)
		lost += len(saw.Lost)
		most, longest = max(most, len(saw.First)), max(longest, saw.Stall)
	}
	b.ReportMetric(float64(requests), "requests")
	b.ReportMetric(float64(first), "first-tries-failed")
	b.ReportMetric(float64(most), "most-in-one-swap")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(longest.Seconds()*1000, "ms-longest")
}
