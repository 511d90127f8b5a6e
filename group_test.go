package watchtower_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// serving is an image that serves its version on port 8080.
func serving(version string) enginehost.Image {
	return enginehost.Image{
		Files: map[string]string{"www/index.html": version},
		Cmd:   []string{"sh", "-c", `trap "exit 0" TERM INT; httpd -f -p 8080 -h /www & while :; do sleep 1000 & wait $!; done`},
	}
}

// ids are the containers' IDs by name.
func ids(t *testing.T, host *enginehost.Host, names ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range names {
		c := host.Inspect(t, name)
		out[name] = c["Id"].(string)
		require.Equal(t, true, c["State"].(object)["Running"], name)
	}
	return out
}

func TestChildrenReachTheirParentAfterAnUpdate(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	still, _ := reg.Push(t, "still:1", enginehost.Image{})
	host.Pull(t, still, "")
	tests := []struct {
		name  string
		child func(parent string) object // its HostConfig
		at    string                     // where it finds the parent's page
	}{
		{"network", func(parent string) object { return object{"NetworkMode": "container:" + parent} }, "127.0.0.1"},
		{"link", func(parent string) object { return object{"Links": []string{parent + ":upstream"}} }, "upstream"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parent, child := tt.name+"-parent", tt.name+"-child"
			ref, _ := reg.Push(t, parent+":1", serving("one"))
			host.Pull(t, ref, "")
			host.Run(t, parent, object{"Image": ref})
			host.Run(t, child, object{"Image": still, "HostConfig": tt.child(parent)})
			reach := func() string { return host.Exec(t, child, "wget", "-q", "-O-", "http://"+tt.at+":8080/") }
			require.Equal(t, "one", reach())
			before := ids(t, host, parent, child)
			image := host.Inspect(t, child)["Image"]

			reg.Push(t, parent+":1", enginehost.Image{Entrypoint: []string{"/nowhere"}})
			tw := tower(t, host, []string{parent}, quick())
			r := update(t, tw)
			require.Equal(t, watchtower.StatusRolledBack, entry(t, r, parent).Status)
			assert.Equal(t, before, ids(t, host, parent, child), "a bad parent leaves all as it was")
			assert.Equal(t, "one", reach())

			reg.Push(t, parent+":1", serving("two"))
			r = update(t, tw)
			require.NoError(t, r.Err())
			assert.Equal(t, watchtower.StatusUpdated, entry(t, r, parent).Status)
			assert.Equal(t, watchtower.StatusRestarted, entry(t, r, child).Status)
			assert.Equal(t, "two", reach())
			assert.Equal(t, image, host.Inspect(t, child)["Image"], "on its own image")
			assert.Equal(t, http.StatusNoContent, host.Status(t, http.MethodPost, "/containers/"+child+"/restart?t=1", nil))
			assert.Equal(t, "two", reach(), "after a restart of its own")
			left := slices.DeleteFunc(named(t, host, tt.name+"-"), func(name string) bool { return strings.Contains(name, "/") }) // names by which a link is known
			assert.Equal(t, []string{child, parent}, left, "nothing else is left")
		})
	}
}

func TestAChainOfVolumesMovesTogether(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	still, _ := reg.Push(t, "still:1", enginehost.Image{})
	host.Pull(t, still, "")
	ref, _ := reg.Push(t, "chain:1", enginehost.Image{Volumes: []string{"/data"}})
	host.Pull(t, ref, "")
	first := host.Run(t, "chain-a", object{"Image": ref})
	second := host.Run(t, "chain-b", object{"Image": still, "HostConfig": object{"VolumesFrom": []string{first}}})
	host.Run(t, "chain-c", object{"Image": still, "HostConfig": object{"VolumesFrom": []string{"chain-b:ro"}}})
	host.Exec(t, "chain-a", "sh", "-c", "echo precious > /data/file")
	before := ids(t, host, "chain-a", "chain-b", "chain-c")

	reg.Push(t, "chain:1", enginehost.Image{Volumes: []string{"/data"}, Cmd: []string{"sh", "-c", "exit 1"}})
	tw := tower(t, host, []string{"chain-a"}, quick())
	assert.Equal(t, watchtower.StatusRolledBack, entry(t, update(t, tw), "chain-a").Status)
	assert.Equal(t, before, ids(t, host, "chain-a", "chain-b", "chain-c"))
	assert.Contains(t, host.Exec(t, "chain-c", "cat", "/data/file"), "precious")

	reg.Push(t, "chain:1", enginehost.Image{Volumes: []string{"/data"}, Env: []string{"VERSION=2"}})
	r := update(t, tw)
	require.NoError(t, r.Err())
	assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "chain-a").Status)
	after := ids(t, host, "chain-a", "chain-b", "chain-c")
	for name, id := range after {
		assert.NotEqual(t, before[name], id, name)
		assert.Contains(t, host.Exec(t, name, "cat", "/data/file"), "precious", name)
	}
	assert.Equal(t, []any{after["chain-a"]}, host.Inspect(t, "chain-b")["HostConfig"].(object)["VolumesFrom"], "an ID follows")
	assert.Equal(t, []any{"chain-b:ro"}, host.Inspect(t, "chain-c")["HostConfig"].(object)["VolumesFrom"], "a name stays")
	assert.NotEqual(t, second, after["chain-b"])
	for _, child := range []string{"chain-b", "chain-c"} {
		assert.Equal(t, http.StatusNoContent, host.Status(t, http.MethodPost, "/containers/"+child+"/restart?t=1", nil))
	}
	host.Exec(t, "chain-b", "sh", "-c", "echo more >> /data/file")
	assert.Contains(t, host.Exec(t, "chain-c", "cat", "/data/file"), "more", "after restarts of their own")
	assert.Contains(t, host.Exec(t, "chain-a", "cat", "/data/file"), "more")
	assert.Equal(t, []string{"chain-a", "chain-b", "chain-c"}, slices.Sorted(slices.Values(named(t, host, "chain-"))), "nothing else is left")
}
