package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// Of two managers in the list the first that answers has the swarm's services.
func TestOneOfTwoManagersHasTheServices(t *testing.T) {
	host := enginehost.Engine(t)
	host.Swarm(t)
	reg := enginehost.StartRegistry(t)
	ref, first := reg.Push(t, "managed:1", enginehost.Image{})
	host.Serve(t, object{
		"Name": "managed", "EndpointSpec": object{"Mode": "dnsrr"},
		"TaskTemplate": object{"ContainerSpec": object{"Image": ref + "@" + first}},
		"Mode":         object{"Replicated": object{"Replicas": 1}},
	})
	reg.Push(t, "managed:1", enginehost.Image{Env: []string{"VERSION=2"}})
	again := enginehost.NewFront(t, host.Address, nil).Address // the same manager, by another way
	gone := "unix://" + filepath.Join(t.TempDir(), "gone.sock")
	for hosts, want := range map[string][]string{
		"a=" + host.Address + ",b=" + again: {"a"},
		"a=" + again + ",b=" + host.Address: {"a"},
		"a=" + gone + ",b=" + host.Address:  {"b"},
	} {
		_, stdout, stderr := runProgram(t, []string{"WATCHTOWER_HOSTS=" + hosts}, "check", "--json", "managed")
		var has []string
		for dec := json.NewDecoder(strings.NewReader(stdout)); dec.More(); {
			var r watchtower.Report
			require.NoError(t, dec.Decode(&r), "%s%s", stdout, stderr)
			for _, e := range r.Entries {
				if e.Container.ServiceMode() != "" {
					assert.Equal(t, watchtower.StatusStale, e.Status)
					has = append(has, r.Engine)
				} else if strings.HasPrefix(e.Container.Name, "managed.") {
					assert.Equal(t, "managed", e.TaskOf)
				}
			}
		}
		assert.Equal(t, want, has, "%s", stderr)
	}
}
