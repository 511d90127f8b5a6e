package watchtower_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// What a check finds, and an update does, on an engine that claims to speak
// certain versions. Below its own it is as if it were so old; above, it is found
// out where the newer API is used: before anything is touched.
func TestUpdatesThroughEveryAPIVersion(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	host.Network(t, "api-a", "")
	host.Network(t, "api-b", "")
	const (
		lostAutoRemove = "would not keep its configuration: HostConfig.AutoRemove: want true, got false"
		twoEndpoints   = "Container cannot be connected to network endpoints"
	)
	for _, tt := range []struct {
		min, max string
		refused  map[string]string // by the end of the container's name, why it stays
		holds    bool              // whether it does so on this engine
	}{
		{"1.12", "1.24", map[string]string{"rm": lostAutoRemove}, host.Speaks("1.24")}, // below 1.25 clients removed it
		{"1.12", "1.25", nil, true},
		{"1.12", "1.30", nil, true},
		{"1.12", "1.40", nil, true},
		{"1.12", "1.41", nil, true},
		{"1.24", "1.44", map[string]string{"two": twoEndpoints}, !host.Speaks("1.44")}, // which 1.44 brought
		{"1.44", "1.51", map[string]string{"two": twoEndpoints}, !host.Speaks("1.44")},
	} {
		t.Run(tt.min+" to "+tt.max, func(t *testing.T) {
			t.Parallel()
			name := "api_" + strings.TrimPrefix(tt.max, "1.")
			ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=1"}})
			host.Pull(t, ref, "")
			ids := map[string]string{}
			for kind, hostConfig := range map[string]object{
				"one": {"NetworkMode": "api-a", "PidsLimit": 100, "CgroupnsMode": "private", "Memory": 64 << 20},
				"two": {"NetworkMode": "api-a"},
				"rm":  {"NetworkMode": "api-a", "AutoRemove": true},
			} {
				ids[kind] = host.Create(t, name+"-"+kind, object{"Image": ref, "HostConfig": hostConfig})
			}
			host.API(t, "POST", "/networks/api-b/connect", object{"Container": name + "-two"}, nil)
			var names []string
			for kind := range ids {
				names = append(names, name+"-"+kind)
				host.API(t, "POST", "/containers/"+name+"-"+kind+"/start", nil, nil)
			}
			reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=2"}})

			claim := host.Claim(t, tt.min, tt.max)
			tw := tower(t, &enginehost.Host{Address: claim.Address}, names, quick())
			r, err := tw.Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, len(names), r.Count(watchtower.StatusStale))
			r = update(t, tw)
			for kind, id := range ids {
				e, now := entry(t, r, name+"-"+kind), host.Inspect(t, name+"-"+kind)
				if why, ok := tt.refused[kind]; ok && tt.holds {
					assert.Contains(t, fmt.Sprint(e.Reason, e.Err), why)
					assert.Equal(t, id, now["Id"], "%s was not touched", e.Container.Name)
					assert.Equal(t, true, now["State"].(object)["Running"])
					continue
				}
				assert.Equal(t, watchtower.StatusUpdated, e.Status, "%s: %s %v", e.Container.Name, e.Reason, e.Err)
				assert.NotEqual(t, id, now["Id"])
			}
			for _, request := range claim.Requests() {
				assert.Contains(t, request, "/v"+tt.max+"/")
				assert.NotContains(t, request, "refused")
			}
		})
	}
}

// An engine that refuses every version it could be asked in is asked once more
// after a new negotiation, and then left alone.
func TestAnEngineWhoseVersionsMakeNoSense(t *testing.T) {
	t.Parallel()
	claim := enginehost.Engine(t).Claim(t, "1.44", "1.30")
	tw := tower(t, &enginehost.Host{Address: claim.Address}, []string{"nobody"})
	for name, pass := range map[string]func() error{
		"check":  func() error { _, err := tw.Check(t.Context()); return err },
		"update": func() error { _, err := tw.Update(t.Context()); return err },
	} {
		err := pass()
		require.ErrorContains(t, err, "client version 1.30 is too old. Minimum supported API version is 1.44", name)
		assert.True(t, errdefs.IsInvalidArgument(err))
	}
	// Counted together: one that was given up may arrive after its pass.
	requests := claim.Requests()
	assert.LessOrEqual(t, len(requests), 2*2*3, "in two passes two lists and the configuration, each asked for twice: %v", requests)
}
