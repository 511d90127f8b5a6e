package swarmtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// An image without a tag, as the API takes it; and services that have no task to wait for.
func odd(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "odd:latest", enginehost.Image{Env: []string{"VERSION=1"}})
	ids := map[string]string{}
	for name, change := range map[string]func(body object){
		"alone": func(object) {},
		"none":  func(body object) { body["Mode"] = object{"Replicated": object{"Replicas": 0}} },
		"nowhere": func(body object) {
			body["Mode"] = object{"Global": object{}}
			body["TaskTemplate"].(object)["Placement"] = object{"Constraints": []string{"node.labels.no==where"}}
		},
	} {
		body := aServiceOf(name, strings.TrimSuffix(ref, ":latest"), 1)
		change(body)
		var out struct{ ID string }
		host.API(t, http.MethodPost, "/services/create", body, &out)
		t.Cleanup(func() { host.Status(t, http.MethodDelete, "/services/"+out.ID, nil) })
		ids[name] = out.ID
	}
	full := aServiceOf("full", ref, 1)
	full["TaskTemplate"].(object)["Placement"] = object{"Constraints": []string{"node.labels.no==where"}}
	var out struct{ ID string }
	host.API(t, http.MethodPost, "/services/create", full, &out)
	t.Cleanup(func() { host.Status(t, http.MethodDelete, "/services/"+out.ID, nil) })
	host.AwaitTasks(t, ids["alone"])
	tw := tower(t, host.Address, []string{"alone", "none", "nowhere", "full"})
	for _, version := range []string{"VERSION=2", "VERSION=3"} {
		_, next := reg.Push(t, "odd:latest", enginehost.Image{Env: []string{version}})
		r, err := tw.Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "the swarm has no node for one of its tasks, and would wait for it: "+
			"no suitable node (scheduling constraints not satisfied on 1 node)", entry(t, r, "full").Reason)
		for name, id := range ids {
			e := entry(t, r, name)
			require.Equal(t, watchtower.StatusUpdated, e.Status, "%s: %s %v", name, e.Reason, e.Err)
			task := host.Service(t, id)["Spec"].(object)["TaskTemplate"].(object)
			assert.Equal(t, ref+"@"+next, task["ContainerSpec"].(object)["Image"])
		}
	}
}
