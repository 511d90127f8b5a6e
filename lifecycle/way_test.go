package lifecycle_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// remote is an engine that is reached at an address.
type remote struct {
	*enginetest.Engine

	peer netip.AddrPort
}

func (r remote) Peer() netip.AddrPort { return r.peer }

func TestTheWayToTheEngineIsNotCutOff(t *testing.T) {
	t.Parallel()
	published := func(port, host string) lifecycle.Document {
		return lifecycle.Document{"PortBindings": map[string]any{port: []any{map[string]any{"HostPort": host}}}}
	}
	onNetwork := lifecycle.Spec{Networks: map[string]lifecycle.Document{"front": {}}}
	tests := []struct {
		name, peer string
		spec       lifecycle.Spec
		state      lifecycle.State
		own        string // the network of this process's container
		want       string // empty: it is swapped
	}{
		{"a local socket", "", onNetwork, lifecycle.StateRunning, "", ""},
		{"another machine", "192.0.2.7:2376", onNetwork, lifecycle.StateRunning, "bridge", ""},
		{"its own address", "web:2375", onNetwork, lifecycle.StateRunning, "bridge", "the engine is reached through it, at 10."},
		{"a port of the host's", "127.0.0.1:2375", lifecycle.Spec{HostConfig: published("80/tcp", "2375")}, lifecycle.StateRunning, "", "the engine is reached through it, at 127.0.0.1:2375"},
		{"a port of the host's, but it is down", "127.0.0.1:2375", lifecycle.Spec{HostConfig: published("80/tcp", "2375")}, lifecycle.StateExited, "", ""},
		{"another port", "127.0.0.1:2376", lifecycle.Spec{HostConfig: published("2376/tcp", "2375")}, lifecycle.StateRunning, "", ""},
		{"the port of another protocol", "127.0.0.1:2375", lifecycle.Spec{HostConfig: published("80/udp", "2375")}, lifecycle.StateRunning, "", ""},
		{
			"a port on the host's network", "127.0.0.1:2375", lifecycle.Spec{
				Config:     lifecycle.Document{"ExposedPorts": map[string]any{"2375/tcp": map[string]any{}}},
				HostConfig: lifecycle.Document{"NetworkMode": "host"},
			}, lifecycle.StateRunning, "", "the engine is reached through it",
		},
		{"its network, to elsewhere", "192.0.2.7:2376", onNetwork, lifecycle.StateRunning, "container:web", "the engine is reached by its network"},
		{"another's network", "192.0.2.7:2376", onNetwork, lifecycle.StateRunning, "container:vpn", ""},
		{"its network, but a local socket", "", onNetwork, lifecycle.StateRunning, "container:web", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, tt.spec, tt.state, enginetest.Image{})
				engine := remote{Engine: s.Engine}
				if tt.peer != "" {
					now, err := s.Inspect(t.Context(), "web")
					require.NoError(t, err)
					engine.peer = netip.MustParseAddrPort(strings.Replace(tt.peer, "web", now.Networks["front"].Text("IPAddress"), 1))
				}
				var own lifecycle.Container
				var opts []lifecycle.RecreateOption
				if tt.own != "" {
					s.Publish("own:1", enginetest.Image{})
					s.Run("vpn", "own:1", lifecycle.Spec{})
					own = s.Run("own", "own:1", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": tt.own}})
					opts = append(opts, lifecycle.WithHolder(own.ID))
				}
				s.Calls()
				_, err := lifecycle.Recreate(engine, opts...).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
					{Container: s.web, Reference: "app:1", ImageID: s.new},
				}})
				if tt.want == "" {
					require.NoError(t, err)
					if tt.peer == "" {
						assert.NotContains(t, s.Calls(), enginetest.Call{Method: "Inspect", Subject: own.ID}, "there is nothing to learn of it")
					}
					return
				}
				require.ErrorContains(t, err, tt.want)
				require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
				assert.Empty(t, s.changes())
			})
		})
	}
}
