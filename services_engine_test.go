package watchtower_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// aServiceOf is the body of a service's create call, as `docker service create` makes it.
func aServiceOf(name, image string, replicas int) object {
	return object{
		"Name": name, "Labels": object{"tier": "front"}, "EndpointSpec": object{"Mode": "dnsrr"},
		"TaskTemplate": object{
			"ContainerSpec": object{"Image": image, "Env": []string{"MINE=1"}, "Labels": object{"x": "y"}},
			"RestartPolicy": object{"Condition": "any", "Delay": 200000000}, "Placement": object{"Constraints": []string{"node.role==manager"}},
		},
		"Mode":         object{"Replicated": object{"Replicas": replicas}},
		"UpdateConfig": object{"Parallelism": 2, "FailureAction": "rollback", "Monitor": 1000000000, "Order": "stop-first"},
	}
}

// timeline notes the steps of updates, and when they were.
type timeline struct {
	t     *testing.T
	start time.Time
}

func (l *timeline) Observe(_ context.Context, e watchtower.Event) {
	if s, ok := e.(watchtower.StepStarted); ok {
		l.t.Logf("%5.1f s  %s %s %s", time.Since(l.start).Seconds(), s.Step.Container, s.Step.Action, s.Step.Detail)
	}
}

func TestASwarmUpdatesItsServices(t *testing.T) {
	host := enginehost.Engine(t)
	host.Swarm(t)
	reg := enginehost.StartRegistry(t)
	ref, first := reg.Push(t, "served:1", enginehost.Image{Env: []string{"VERSION=1"}})
	id := host.Serve(t, aServiceOf("served", ref+"@"+first, 6))
	front := enginehost.NewFront(t, host.Address, nil)
	tw := tower(t, &enginehost.Host{Address: front.Address}, []string{"served", "served.*"}, watchtower.WithObserver(&timeline{t, time.Now()}))
	require.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "served").Status)

	_, second := reg.Push(t, "served:1", enginehost.Image{Env: []string{"VERSION=2"}})
	before := host.Service(t, id)["Spec"]
	e := entry(t, update(t, tw), "served")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	require.Equal(t, second, e.Latest)
	after := host.Service(t, id)["Spec"]
	before.(object)["TaskTemplate"].(object)["ContainerSpec"].(object)["Image"] = ref + "@" + second
	assert.Equal(t, before, after, "the image is all that differs")
	tasks := host.Tasks(t, id)
	require.Len(t, tasks, 6)
	for _, image := range tasks {
		assert.Equal(t, ref+"@"+second, image)
	}
	r := update(t, tw)
	assert.Equal(t, watchtower.StatusFresh, entry(t, r, "served").Status)
	for _, e := range r.Entries {
		if e.Container.Service == nil {
			assert.Equal(t, "a task of the service served, which the swarm replaces by itself", e.Reason)
		}
	}

	_, bad := reg.Push(t, "served:1", enginehost.Image{Cmd: []string{"false"}})
	e = entry(t, update(t, tw), "served")
	require.Equal(t, watchtower.StatusRolledBack, e.Status, "%s %v", e.Reason, e.Err)
	require.ErrorContains(t, e.Err, "the cluster rolled back: rollback completed: task: non-zero exit (1)")
	require.NotNil(t, e.Failure)
	assert.Equal(t, 1, e.Failure.ExitCode)
	version := host.Service(t, id)["Version"]
	e = entry(t, update(t, tw), "served")
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Contains(t, e.Reason, "this digest failed on ")
	assert.Contains(t, e.Reason, bad)
	assert.Equal(t, version, host.Service(t, id)["Version"], "it is not tried again")
	assert.Equal(t, ref+"@"+second, host.Service(t, id)["Spec"].(object)["TaskTemplate"].(object)["ContainerSpec"].(object)["Image"])

	seen, strange := sorted(front.Requests())
	assert.Empty(t, strange, "of no endpoint in the list")
	for _, ep := range dockerengine.Endpoints() {
		if ep.Feature == dockerengine.FeatureServices {
			assert.Contains(t, seen, ep.Method+" "+ep.Path)
		}
	}
}

// The nodes pull with the login that the update brings.
func TestASwarmPullsWithTheLoginOfTheUpdate(t *testing.T) {
	host := enginehost.Engine(t)
	host.Swarm(t)
	reg := enginehost.StartRegistry(t, enginehost.WithBasicAuth(t, "user", "right"))
	ref, first := reg.Push(t, "locked:1", enginehost.Image{})
	host.Pull(t, ref+"@"+first, base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"right"}`)))
	id := host.Serve(t, aServiceOf("locked", ref+"@"+first, 1)) // by nobody's login: the image is here
	_, second := reg.Push(t, "locked:1", enginehost.Image{Env: []string{"VERSION=2"}})
	login := credentials.Credential{Username: "user", Password: credentials.NewSecret("right")}
	tw := tower(t, host, []string{"locked"}, watchtower.WithCredentials(credentials.Static(map[string]credentials.Credential{reg.Addr: login})))
	e := entry(t, update(t, tw), "locked")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	for _, image := range host.Tasks(t, id) {
		assert.Equal(t, ref+"@"+second, image)
	}
}

// A deploy of the same file finds nothing to revert, however it resolves images.
func TestAStackThatIsDeployedAgainStaysAsItIs(t *testing.T) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		enginehost.Unproven(t, "NO CLIENT", err.Error())
	}
	host := enginehost.Engine(t)
	host.Swarm(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "stacked:1", enginehost.Image{})
	file := filepath.Join(t.TempDir(), "stack.yml")
	require.NoError(t, os.WriteFile(file, []byte(`version: "3.8"
services:
  app:
    image: `+ref+`
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      update_config: {parallelism: 1, monitor: 1s, failure_action: rollback}
`), 0o600))
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), docker, append([]string{"--host", host.Address, "stack"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run("deploy", "--compose-file", file, "stacked")
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), docker, "--host", host.Address, "stack", "rm", "stacked").Run()
	})
	var list []struct{ ID string }
	host.API(t, "GET", `/services?filters={"name":["stacked_app"]}`, nil, &list)
	require.Len(t, list, 1)
	id := list[0].ID
	host.AwaitTasks(t, id)
	_, second := reg.Push(t, "stacked:1", enginehost.Image{Env: []string{"VERSION=2"}})
	e := entry(t, update(t, tower(t, host, []string{"stacked_app"})), "stacked_app")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	spec, tasks := host.Service(t, id)["Spec"], host.Tasks(t, id)
	for _, resolve := range []string{"always", "changed", "never"} {
		run("deploy", "--resolve-image", resolve, "--compose-file", file, "stacked")
		now := host.Service(t, id)["Spec"]
		if resolve != "always" {
			// By itself the client leaves out what it did not ask a registry for.
			now.(object)["TaskTemplate"].(object)["Placement"] = spec.(object)["TaskTemplate"].(object)["Placement"]
		}
		assert.Equal(t, spec, now, resolve)
		assert.Equal(t, tasks, host.Tasks(t, id), resolve)
	}
	data, err := json.Marshal(spec)
	require.NoError(t, err)
	assert.True(t, strings.Contains(string(data), ref+"@"+second), "%s", data)
}
