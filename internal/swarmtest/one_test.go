package swarmtest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// One manager, with several services that are updated side by side.
func TestAManagerUpdatesItsServices(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	host.Swarm(t)
	for name, test := range map[string]func(*testing.T, *enginehost.Host){
		"good and bad images": goodAndBad, "with a login": withALogin, "of a stack": ofAStack, "with a client": withAClient,
		"taken back": takenBack, "without update settings": withoutSettings, "left to another": leftToAnother, "odd ones": odd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, host)
		})
	}
}

// A service moves to a good image and stays there, as a bad one is rolled back.
func goodAndBad(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t)
	ref, first := reg.Push(t, "served:1", version(1))
	body := aServiceOf("served", ref+"@"+first, 2)
	body["UpdateConfig"].(object)["Monitor"] = 3 * time.Second // long enough to see a task end, however busy the machine
	id := host.Serve(t, body)
	front := enginehost.NewFront(t, host.Address, nil)
	tw := tower(t, front.Address, []string{"served", "served.*"}, watchtower.WithObserver(&timeline{t, time.Now()}))
	require.Equal(t, watchtower.StatusFresh, pass(t, tw, "served").Status)

	_, second := reg.Push(t, "served:1", version(2))
	before := host.Service(t, id)["Spec"]
	e := pass(t, tw, "served")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	require.Equal(t, second, e.Latest)
	after := host.Service(t, id)["Spec"]
	before.(object)["TaskTemplate"].(object)["ContainerSpec"].(object)["Image"] = ref + "@" + second
	assert.Equal(t, before, after, "the image is all that differs")
	tasks := host.Tasks(t, id)
	require.Len(t, tasks, 2)
	for _, image := range tasks {
		assert.Equal(t, ref+"@"+second, image)
	}
	r, err := tw.Update(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusFresh, entry(t, r, "served").Status)
	for _, e := range r.Entries {
		if strings.HasPrefix(e.Container.Name, "served.") {
			assert.Equal(t, "a task of the service served, which the swarm replaces by itself", e.Reason)
		}
	}

	_, bad := reg.Push(t, "served:1", enginehost.Image{Cmd: []string{"false"}})
	e = pass(t, tw, "served")
	require.Equal(t, watchtower.StatusRolledBack, e.Status, "%s %v", e.Reason, e.Err)
	require.ErrorContains(t, e.Err, "the cluster rolled back: rollback completed: task: non-zero exit (1)")
	require.NotNil(t, e.Failure)
	assert.Equal(t, 1, e.Failure.ExitCode)
	then := host.Service(t, id)["Version"]
	e = pass(t, tw, "served")
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Contains(t, e.Reason, "this digest failed on ")
	assert.Contains(t, e.Reason, bad)
	assert.Equal(t, then, host.Service(t, id)["Version"], "it is not tried again")
	assert.Equal(t, ref+"@"+second, imageOf(t, host, id))

	seen := map[string]bool{}
	for _, request := range front.Requests() {
		method, path, _ := strings.Cut(request, " ")
		i := slices.IndexFunc(dockerengine.Endpoints(), func(ep dockerengine.Endpoint) bool { return ep.Match(method, path) })
		if assert.GreaterOrEqual(t, i, 0, "%s is of no endpoint in the list", request) {
			ep := dockerengine.Endpoints()[i]
			seen[ep.Method+" "+ep.Path] = true
		}
	}
	for _, ep := range dockerengine.Endpoints() {
		assert.True(t, ep.Feature != dockerengine.FeatureServices || seen[ep.Method+" "+ep.Path], "%s %s", ep.Method, ep.Path)
	}
}

// The nodes pull with the login that the update brings.
func withALogin(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t, enginehost.WithBasicAuth(t, "user", "right"))
	ref, first := reg.Push(t, "locked:1", enginehost.Image{})
	host.Pull(t, ref+"@"+first, base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"right"}`)))
	id := host.Serve(t, aServiceOf("locked", ref+"@"+first, 1)) // by nobody's login: the image is here
	_, second := reg.Push(t, "locked:1", version(2))
	login := credentials.Credential{Username: "user", Password: credentials.NewSecret("right")}
	tw := tower(t, host.Address, []string{"locked"}, watchtower.WithCredentials(credentials.Static(map[string]credentials.Credential{reg.Addr: login})))
	e := pass(t, tw, "locked")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	for _, image := range host.Tasks(t, id) {
		assert.Equal(t, ref+"@"+second, image)
	}
}

// A deploy of the same file finds nothing to revert, however it resolves images.
func ofAStack(t *testing.T, host *enginehost.Host) {
	t.Helper()
	docker, err := exec.LookPath("docker")
	if err != nil {
		enginehost.Unproven(t, "NO CLIENT", err.Error())
	}
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
	_, second := reg.Push(t, "stacked:1", version(2))
	e := pass(t, tower(t, host.Address, []string{"stacked_app"}), "stacked_app")
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
