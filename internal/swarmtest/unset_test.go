package swarmtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// What a service is given for one update rules that update, replaces one task at a time as
// the engine's default does, and is gone with the image that failed.
func withoutSettings(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t)
	ref, first := reg.Push(t, "unset:1", enginehost.Image{})
	body := object{ // without update settings, as the client leaves it unless a flag or a file says something
		"Name": "unset", "EndpointSpec": object{"Mode": "dnsrr"}, "Mode": object{"Replicated": object{"Replicas": 6}},
		"TaskTemplate": object{"ContainerSpec": object{"Image": ref + "@" + first}},
	}
	id := host.Serve(t, body)
	before := host.Service(t, id)["Spec"]
	_, bad := reg.Push(t, "unset:1", enginehost.Image{Entrypoint: []string{"/nowhere"}}) // no task of it ever runs
	e := pass(t, tower(t, host.Address, []string{"unset"}, watchtower.WithServiceRollback(true)), "unset")
	require.Equal(t, watchtower.StatusRolledBack, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, before, host.Service(t, id)["Spec"], "nothing of ours is left")
	var tasks []struct {
		Slot int
		Spec struct{ ContainerSpec struct{ Image string } }
	}
	host.API(t, http.MethodGet, fmt.Sprintf("/tasks?filters={%q:[%q]}", "service", id), nil, &tasks)
	slots := map[int]bool{}
	for _, task := range tasks {
		if strings.HasSuffix(task.Spec.ContainerSpec.Image, bad) {
			slots[task.Slot] = true
		}
	}
	assert.NotEmpty(t, slots)
	assert.Less(t, len(slots), 6, "not all at once: the first that fails is enough")
}
