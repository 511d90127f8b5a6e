package watchtower_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// An index that moved around the content of its platform restarts nothing, and is
// read once. How much is read to tell depends on the engine: the classic image
// store knows an image's configuration, containerd's its manifest.
func TestOnlyTheContentOfItsPlatformMakesAContainerStale(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	index := map[string]enginehost.Image{"linux/amd64": {}, "linux/arm64": {Env: []string{"OTHER=1"}}}
	ref, _ := reg.PushIndex(t, "index:1", index)
	host.Pull(t, ref, "")
	id := host.Run(t, "index", object{"Image": ref})
	tw := tower(t, host, []string{"index"}, quick())
	pass := func() (watchtower.Entry, int, int) {
		reg.Requests()
		e := entry(t, update(t, tw), "index")
		requests := reg.Requests()
		return e, count(requests, "HEAD /v2/index/manifests/"), count(requests, "GET /v2/index/manifests/")
	}
	e, heads, gets := pass()
	assert.Equal(t, watchtower.StatusFresh, e.Status)
	assert.Equal(t, []int{1, 0}, []int{heads, gets})

	for i, platform := range []string{"linux/arm64", "unknown/unknown", "linux/s390x", "unknown/unknown"} {
		index[platform] = enginehost.Image{Env: []string{fmt.Sprint("OTHER=", 2+i)}}
		reg.PushIndex(t, "index:1", index)
		for n := range 3 {
			e, heads, gets = pass()
			assert.Equal(t, watchtower.StatusFresh, e.Status, platform)
			assert.Equal(t, "the index moved, its content did not", e.Reason)
			assert.Equal(t, 1, heads)
			switch {
			case n > 0:
				assert.Zero(t, gets, "it is known")
			case i > 0:
				assert.Equal(t, 1, gets, "the index")
			default:
				assert.LessOrEqual(t, gets, 2, "the index, and what it points at")
			}
		}
	}
	own := index["linux/amd64"]
	delete(index, "linux/amd64")
	reg.PushIndex(t, "index:1", index)
	e, _, _ = pass()
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Equal(t, "its reference no longer serves linux/amd64", e.Reason)
	assert.Equal(t, id, host.Inspect(t, "index")["Id"])

	own.Env = []string{"OWN=2"}
	index["linux/amd64"] = own
	reg.PushIndex(t, "index:1", index)
	e, _, _ = pass()
	assert.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	e, _, gets = pass()
	assert.Equal(t, watchtower.StatusFresh, e.Status)
	assert.Zero(t, gets)
}

// Both platforms' images hold this machine's busybox, so that both run here.
func TestAContainerOfAnotherPlatformKeepsIt(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	push := func(amd64, arm64 string) string {
		ref, _ := reg.PushIndex(t, "foreign:1", map[string]enginehost.Image{
			"linux/amd64": {Env: []string{"VERSION=" + amd64}}, "linux/arm64": {Env: []string{"VERSION=" + arm64}},
		})
		return ref
	}
	ref := push("1", "1")
	host.API(t, "POST", "/images/create?platform=linux/arm64&fromImage="+ref, nil, new(string))
	t.Cleanup(func() { host.RemoveAll(t, "foreign") })
	host.API(t, "POST", "/containers/create?name=foreign&platform=linux/arm64", object{"Image": ref}, nil)
	host.API(t, "POST", "/containers/foreign/start", nil, nil)
	id := host.Inspect(t, "foreign")["Id"]
	tw := tower(t, host, []string{"foreign"}, quick())
	assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "foreign").Status)
	push("2", "1")
	assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "foreign").Status)
	assert.Equal(t, id, host.Inspect(t, "foreign")["Id"])
	push("2", "arm")
	e := entry(t, update(t, tw), "foreign")
	assert.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, "arm", host.Exec(t, "foreign", "sh", "-c", "echo $VERSION"))

	// Somebody has pulled the next one for this machine.
	push("3", "arm 3")
	host.Pull(t, ref, "")
	for range 2 { // the classic store's tag leads to one at a time
		e = entry(t, update(t, tw), "foreign")
	}
	assert.Equal(t, "arm 3", host.Exec(t, "foreign", "sh", "-c", "echo $VERSION"), e.Err)
}
