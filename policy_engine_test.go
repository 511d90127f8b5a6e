package watchtower_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// movedOn runs a container and publishes a newer image for it.
func movedOn(t *testing.T, host *enginehost.Host, reg *enginehost.Registry, name string, image enginehost.Image, body object) (id string) {
	t.Helper()
	image.Env = []string{"OF=" + name, "VERSION=1"}
	ref, _ := reg.Push(t, name+":1", image)
	host.Pull(t, ref, "")
	body["Image"] = ref
	id = host.Run(t, name, body)
	image.Env[1] = "VERSION=2"
	reg.Push(t, name+":1", image)
	return id
}

func stateOf(t *testing.T, host *enginehost.Host, name string) string {
	t.Helper()
	state, _ := host.Inspect(t, name)["State"].(map[string]any)
	text, _ := state["Status"].(string)
	return text
}

// sayHow is a script that writes down which signal ended it.
const sayHow = `for s in TERM INT USR1 QUIT; do trap "echo $s >>/data/by; exit 0" $s; done; while :; do sleep 1000 & wait $!; done`

func TestPolicyOnARealEngineHowContainersAreStopped(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	shell := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	for name, tt := range map[string]struct {
		labels object
		image  string // its STOPSIGNAL
		own    string // the container's own
		want   string
	}{
		"stop_label":   {object{lifecycle.LabelStopSignal: "SIGUSR1"}, "SIGINT", "SIGQUIT", "USR1"},
		"stop_number":  {object{lifecycle.LabelStopSignal: "2"}, "", "", "INT"},
		"stop_own":     {nil, "SIGINT", "SIGQUIT", "QUIT"},
		"stop_image":   {nil, "SIGINT", "", "INT"},
		"stop_default": {nil, "", "", "TERM"},
		"stop_wrong":   {object{lifecycle.LabelStopSignal: "SIGFOO"}, "", "", "TERM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host.Volume(t, name)
			// A policy that restarts is what a signal of one's own could set off.
			movedOn(t, host, reg, name, enginehost.Image{StopSignal: tt.image}, object{
				"Cmd": shell(sayHow), "StopSignal": tt.own, "Labels": tt.labels,
				"HostConfig": object{"Binds": []string{name + ":/data"}, "RestartPolicy": object{"Name": "always"}},
			})
			got := entry(t, update(t, tower(t, host, []string{name}, quick(), watchtower.WithStopTimeout(20*time.Second))), name)
			require.NoError(t, got.Err)
			assert.Equal(t, watchtower.StatusUpdated, got.Status)
			by := strings.Fields(host.Exec(t, name, "cat", "/data/by"))
			require.NotEmpty(t, by)
			assert.Equal(t, tt.want, by[0])
			// Below API 1.42 an engine takes another signal than the container's own for a
			// crash: its policy may have begun another life before the stop.
			assert.True(t, len(by) == 1 || name == "stop_label" && !host.Speaks("1.42"), "%s: %v", name, by)
			assert.Equal(t, "2", host.Exec(t, name, "sh", "-c", "echo $VERSION"))
			if len(by) == 1 { // the stop of another life waits until that one hears
				assert.Less(t, got.Downtime, 10*time.Second)
			}
		})
	}

	// One that hears nothing is killed after its own time.
	t.Run("stop_deaf", func(t *testing.T) {
		t.Parallel()
		movedOn(t, host, reg, "stop_deaf", enginehost.Image{}, object{
			"Cmd": shell(`trap "" TERM USR1; while :; do sleep 1; done`), "Labels": object{lifecycle.LabelStopTimeout: "1", lifecycle.LabelStopSignal: "USR1"},
		})
		got := entry(t, update(t, tower(t, host, []string{"stop_deaf"}, quick(), watchtower.WithStopTimeout(time.Minute))), "stop_deaf")
		require.NoError(t, got.Err)
		t.Log("killed after", got.Downtime)
		assert.Less(t, got.Downtime, 20*time.Second)
		assert.GreaterOrEqual(t, got.Downtime, time.Second)
	})
}

func TestPolicyOnARealEngineNoRestartAndRevived(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	old := movedOn(t, host, reg, "unstarted", enginehost.Image{}, object{"HostConfig": object{"RestartPolicy": object{"Name": "always"}}})
	tw := tower(t, host, []string{"unstarted"}, quick(), watchtower.WithNoRestart(true), watchtower.WithCleanup(true))
	got := entry(t, update(t, tw), "unstarted")
	require.NoError(t, got.Err)
	assert.Equal(t, watchtower.StatusUpdated, got.Status)
	assert.Equal(t, "created, not started", got.Reason)
	assert.Equal(t, "created", stateOf(t, host, "unstarted"))
	now := host.Inspect(t, "unstarted")
	assert.NotEqual(t, old, now["Id"])
	assert.Equal(t, http.StatusNotFound, host.Status(t, http.MethodGet, "/containers/"+old+"/json", nil))
	image, _ := now["Image"].(string)
	assert.True(t, host.ImageExists(t, image), "the image in use stays")
	assert.False(t, host.ImageExists(t, got.Container.ImageID), "the old one is cleaned up")
	assert.NotContains(t, strings.Join(host.List(t), " "), "unstarted.wt")
	host.API(t, http.MethodPost, "/containers/unstarted/start", nil, nil)
	assert.Equal(t, "2", host.Exec(t, "unstarted", "sh", "-c", "echo $VERSION"))

	states := watchtower.WithStates(lifecycle.StateRunning, lifecycle.StateExited)
	for name, opts := range map[string][]watchtower.Option{"down": {states}, "revived": {states, watchtower.WithReviveStopped(true)}} {
		movedOn(t, host, reg, name, enginehost.Image{}, object{})
		host.API(t, http.MethodPost, "/containers/"+name+"/stop", nil, nil)
		got := entry(t, update(t, tower(t, host, []string{name}, append(opts, quick())...)), name)
		require.NoError(t, got.Err, name)
		assert.Equal(t, watchtower.StatusUpdated, got.Status, name)
		assert.Equal(t, map[string]string{"down": "created", "revived": "running"}[name], stateOf(t, host, name))
	}
	// One that fails when it is revived leaves the old one as it was.
	old = movedOn(t, host, reg, "revived-bad", enginehost.Image{}, object{})
	host.API(t, http.MethodPost, "/containers/revived-bad/stop", nil, nil)
	reg.Push(t, "revived-bad:1", enginehost.Image{Entrypoint: []string{"/bin/false"}})
	got = entry(t, update(t, tower(t, host, []string{"revived-bad"}, states, quick(), watchtower.WithReviveStopped(true))), "revived-bad")
	assert.Equal(t, watchtower.StatusRolledBack, got.Status, "%s %v", got.Reason, got.Err)
	assert.Equal(t, old, host.Inspect(t, "revived-bad")["Id"])
	assert.Equal(t, "exited", stateOf(t, host, "revived-bad"))
}

func TestPolicyOnARealEngineRemoveVolumes(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	const name = "volumes"
	host.Volume(t, "volumes-named")
	image := enginehost.Image{Volumes: []string{"/data"}}
	movedOn(t, host, reg, name, image, object{
		"Volumes": object{"/mine": object{}}, "HostConfig": object{"Binds": []string{"volumes-named:/named"}},
	})
	volumes := func() map[string]string {
		out := map[string]string{}
		mounts, _ := host.Inspect(t, name)["Mounts"].([]any)
		for _, item := range mounts {
			m, _ := item.(map[string]any)
			path, _ := m["Destination"].(string)
			out[path], _ = m["Name"].(string)
		}
		return out
	}
	there := func(volume string) bool {
		return host.Status(t, http.MethodGet, "/volumes/"+volume, nil) == http.StatusOK
	}
	step := func(version string, next enginehost.Image, opts ...watchtower.Option) watchtower.Entry {
		next.Env, next.Volumes = []string{"VERSION=" + version}, image.Volumes
		reg.Push(t, name+":1", next)
		return entry(t, update(t, tower(t, host, []string{name}, append(opts, quick())...)), name)
	}
	host.Exec(t, name, "sh", "-c", "for d in data mine named; do echo here >/$d/file; done")
	first := volumes()

	require.NoError(t, step("2", enginehost.Image{}).Err)
	assert.Equal(t, first, volumes(), "they are carried on")

	got := step("3", enginehost.Image{Entrypoint: []string{"/bin/false"}}, watchtower.WithRemoveVolumes(true))
	assert.Equal(t, watchtower.StatusRolledBack, got.Status)
	assert.Equal(t, first, volumes(), "who serves again has them")
	assert.Equal(t, "here here here", host.Exec(t, name, "sh", "-c", "echo $(cat /data/file /mine/file /named/file)"))

	got = step("4", enginehost.Image{}, watchtower.WithRemoveVolumes(true))
	require.NoError(t, got.Err)
	assert.Empty(t, got.Warnings)
	now := volumes()
	assert.Len(t, now, 3)
	for _, path := range []string{"/data", "/mine"} {
		assert.NotEqual(t, first[path], now[path], path)
		assert.False(t, there(first[path]), path)
	}
	assert.Equal(t, "volumes-named", now["/named"])
	assert.Equal(t, "/named/file", host.Exec(t, name, "sh", "-c", "ls /data/file /mine/file /named/file 2>/dev/null || true"))
}
