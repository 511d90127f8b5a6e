package swarmtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// A real manager is known by its swarm's ID.
func leftToAnother(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t)
	ref, first := reg.Push(t, "left:1", enginehost.Image{})
	host.Serve(t, object{
		"Name": "left", "EndpointSpec": object{"Mode": "dnsrr"}, "TaskTemplate": object{"ContainerSpec": object{"Image": ref + "@" + first}},
	})
	same, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	for want, opts := range map[bool][]watchtower.Option{true: nil, false: {watchtower.WithServicesLeftTo(same)}} {
		list, err := tower(t, host.Address, []string{"left"}, opts...).Containers(t.Context())
		require.NoError(t, err)
		found := false
		for _, c := range list {
			found = found || c.Container.Service != nil && c.Container.Name == "left"
		}
		assert.Equal(t, want, found)
	}
}
