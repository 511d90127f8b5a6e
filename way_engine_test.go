package watchtower_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// A proxy in a container, which is the only way to the engine, is stale like
// everything else. It stays, and the rest is updated.
func TestTheProxyThatLeadsToTheEngineStays(t *testing.T) {
	host := enginehost.Killable(t) // it has its network here
	reg := enginehost.StartRegistry(t)
	to, port, err := net.SplitHostPort(host.Relay(t, "unix", strings.TrimPrefix(host.Address, "unix://")))
	require.NoError(t, err)
	for name, at := range map[string]object{
		"by its address": {},
		"by its port":    {"PortBindings": object{"2375/tcp": []object{{"HostIp": "127.0.0.1", "HostPort": "12375"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			image := enginehost.Image{Cmd: []string{"nc", "-ll", "-p", "2375", "-e", "nc", to, port}, Ports: []string{"2375/tcp"}}
			ref, _ := reg.Push(t, "way-proxy:1", image)
			other, _ := reg.Push(t, "way-other:1", enginehost.Image{})
			host.Pull(t, ref, "")
			host.Pull(t, other, "")
			id := host.Run(t, "way-proxy", object{"Image": ref, "StopTimeout": 1, "HostConfig": at})
			host.Run(t, "way-other", object{"Image": other})
			address := "tcp://127.0.0.1:12375"
			if len(at) == 0 {
				settings := host.Inspect(t, "way-proxy")["NetworkSettings"].(object)
				address = "tcp://" + settings["IPAddress"].(string) + ":2375"
			}
			image.Env = []string{"VERSION=2"}
			reg.Push(t, "way-proxy:1", image)
			reg.Push(t, "way-other:1", enginehost.Image{Env: []string{"VERSION=2"}})
			var log bytes.Buffer
			tw := tower(t, &enginehost.Host{Address: address}, []string{"way-proxy", "way-other"}, quick(),
				watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			looked, err := tw.Check(t.Context())
			require.NoError(t, err)
			r := update(t, tw)
			assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "way-other").Status, "%v", entry(t, r, "way-other").Err)
			proxy := entry(t, r, "way-proxy")
			assert.Equal(t, watchtower.StatusSkipped, proxy.Status, "%v", proxy.Err)
			assert.Regexp(t, `^stale, but the engine is reached through it, at .*375: replace it by hand$`, proxy.Reason)
			assert.Equal(t, proxy.Reason, entry(t, looked, "way-proxy").Reason, "a check says so, too")
			assert.Equal(t, 1, strings.Count(log.String(), `level=WARN msg="it is stale and left as it is" container=way-proxy`), "it is told once: %s", log.String())
			assert.Equal(t, id, host.Inspect(t, "way-proxy")["Id"])
			assert.Equal(t, []string{"way-proxy"}, named(t, host, "way-proxy"))
		})
	}
}
