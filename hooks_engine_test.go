package watchtower_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// bareImage has a program and no shell.
func bareImage(t *testing.T) enginehost.Image {
	t.Helper()
	path, err := exec.LookPath("busybox")
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return enginehost.Image{NoBusybox: true, Files: map[string]string{"busybox": string(data)}, Cmd: []string{"/busybox", "sleep", "100000"}}
}

// hookSubject is a container with a command at one point.
type hookSubject struct {
	outcome, state string
	command        string
	status         watchtower.Status
	says, output   string
	old, name      string
}

func hookSubjects() map[watchtower.HookPoint][]*hookSubject {
	const busy = `trap "" TERM; echo busy; (sleep 7771 &); sh -c "sleep 7772; true"`
	subjects := map[watchtower.HookPoint][]*hookSubject{lifecycle.PreUpdate: {
		{outcome: "exit 0", command: "echo all is well >&2", status: watchtower.StatusUpdated, output: "all is well"},
		{outcome: "exit 75", command: "echo a backup runs; exit 75", status: watchtower.StatusSkipped, says: "exit code 75, try later: a backup runs", output: "a backup runs"},
		{outcome: "exit 1", command: "echo no disk; exit 1", status: watchtower.StatusFailed, says: "exit code 1: no disk", output: "no disk"},
		{outcome: "timeout", command: busy, status: watchtower.StatusFailed, says: "timed out after 1m0s: busy", output: "busy"},
		{outcome: "missing shell", command: "true", status: watchtower.StatusFailed, says: `"sh": executable file not found`, output: "executable file not found"},
		{outcome: "stopped", state: "stop", command: "exit 1", status: watchtower.StatusUpdated, says: "not run"},
		{outcome: "paused", state: "pause", command: "exit 1", status: watchtower.StatusUpdated, says: "not run"},
	}}
	for point, version := range map[watchtower.HookPoint]string{lifecycle.PreCheck: "1", lifecycle.PostUpdate: "2", lifecycle.PostCheck: "2"} {
		subjects[point] = []*hookSubject{
			{outcome: "exit 0", command: "echo it is $VERSION", status: watchtower.StatusUpdated, output: "it is " + version},
			{outcome: "exit 75", command: "exit 75", status: watchtower.StatusUpdated, says: "exit code 75"},
			{outcome: "exit 1", command: "echo no disk; exit 1", status: watchtower.StatusUpdated, says: "exit code 1: no disk", output: "no disk"},
			{outcome: "missing shell", command: "true", status: watchtower.StatusUpdated, says: `"sh": executable file not found`, output: "executable file not found"},
			{outcome: "stopped", state: "stop", command: "exit 1", status: watchtower.StatusUpdated, says: "not run"},
			{outcome: "paused", state: "pause", command: "exit 1", status: watchtower.StatusUpdated, says: "not run"},
		}
	}
	subjects[lifecycle.PostUpdate] = append(subjects[lifecycle.PostUpdate], &hookSubject{
		outcome: "timeout", command: busy, status: watchtower.StatusUpdated, says: "timed out after 1m0s: busy", output: "busy",
	})
	for point, all := range subjects {
		for _, s := range all {
			s.name = "hook_" + strings.ReplaceAll(string(point), "-", "_") + "-" + strings.ReplaceAll(s.outcome, " ", "-")
		}
	}
	return subjects
}

// run starts it, and publishes its next image.
func (s *hookSubject) run(t *testing.T, host *enginehost.Host, reg *enginehost.Registry, point watchtower.HookPoint) {
	t.Helper()
	image := enginehost.Image{Env: []string{"VERSION=1"}}
	if s.outcome == "missing shell" {
		image = bareImage(t)
	}
	ref, _ := reg.Push(t, s.name+":1", image)
	host.Pull(t, ref, "")
	s.old = host.Run(t, s.name, object{"Image": ref, "StopTimeout": 1, "Labels": object{hookLabels[point]: s.command}})
	if s.state != "" {
		host.API(t, "POST", "/containers/"+s.name+"/"+s.state, nil, nil)
	}
	image.Env = []string{"VERSION=2"}
	reg.Push(t, s.name+":1", image)
}

// befell checks what became of it.
func (s *hookSubject) befell(t *testing.T, host *enginehost.Host, e watchtower.Entry) {
	t.Helper()
	now := host.Inspect(t, s.name)
	assert.Equal(t, s.status, e.Status, "%v", e.Err)
	assert.Equal(t, s.status == watchtower.StatusUpdated, now["Id"] != s.old)
	assert.Equal(t, []string{s.name}, named(t, host, s.name), "nothing else is left")
	require.Len(t, e.Hooks, 1)
	hook := e.Hooks[0]
	assert.Contains(t, hook.Output, s.output)
	switch {
	case hook.NotRun != "":
		assert.Equal(t, "not run", s.says)
	case hook.Verdict.Err != nil:
		assert.Contains(t, hook.Verdict.Err.Error(), s.says)
	default:
		assert.Contains(t, hook.Verdict.Skip, s.says)
	}
	if s.status != watchtower.StatusUpdated {
		assert.Contains(t, text(t, e), "pre-update hook of "+s.name)
	}
	if s.outcome == "timeout" {
		left := host.Exec(t, s.name, "ps")
		assert.NotContains(t, left, "sleep 777", "it was ended with all it has started")
		assert.Contains(t, left, "sleep 1000", "and nothing else")
	}
}

// The same on a real engine, in a pass for each point. A minute is the least that a
// label can give a command, so this takes one.
func TestHooksDecideOverAContainersFateOnTheEngine(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	for point, subjects := range hookSubjects() {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			var names []string
			var group sync.WaitGroup
			for _, s := range subjects {
				names = append(names, s.name)
				group.Go(func() { s.run(t, host, reg, point) })
			}
			group.Wait()
			r := update(t, tower(t, host, names, quick(), watchtower.WithLabelHooks(watchtower.HookUser{}), watchtower.WithConcurrency(len(names)),
				watchtower.WithStates(lifecycle.StateRunning, lifecycle.StateExited, lifecycle.StatePaused)))
			table := newHookTable(t)
			defer table.show(t)
			for _, s := range subjects {
				t.Run(s.outcome, func(t *testing.T) {
					e := entry(t, r, s.name)
					table.row(t, point, s.outcome, e, host.Inspect(t, s.name)["Id"] == s.old)
					s.befell(t, host, e)
				})
			}
		})
	}
}

// What a command is told, and whom it runs as.
func TestHooksKnowTheirContainer(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	const who = "echo $(busybox id -u):$(busybox id -g); echo $WT_CONTAINER"
	one, two := 1001, 1002
	tests := []struct {
		name   string
		labels object
		user   string // the container's
		given  watchtower.HookUser
		want   string
	}{
		{"its own", nil, "", watchtower.HookUser{}, "0:0"},
		{"its own, not root", nil, "7:8", watchtower.HookUser{}, "7:8"},
		{"the given", nil, "7:8", watchtower.HookUser{UID: &one, GID: &two}, "1001:1002"},
		{"the label's", object{lifecycle.LabelHookUID: "3", lifecycle.LabelHookGID: "4"}, "7:8", watchtower.HookUser{UID: &one, GID: &two}, "3:4"},
		{"root, in so many words", object{lifecycle.LabelHookUID: "0", lifecycle.LabelHookGID: "0"}, "7:8", watchtower.HookUser{UID: &one, GID: &two}, "0:0"},
		{"of each a part", object{lifecycle.LabelHookUID: "3"}, "7:8", watchtower.HookUser{GID: &two}, "3:1002"},
		{"a user alone", object{lifecycle.LabelHookUID: "3"}, "7:8", watchtower.HookUser{}, "3:0"},
		{"a group alone", object{lifecycle.LabelHookGID: "4"}, "7:8", watchtower.HookUser{}, "7:4"},
		{"a group alone, of root", object{lifecycle.LabelHookGID: "4"}, "", watchtower.HookUser{}, "0:4"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name := "hook_user_" + string(rune('a'+i))
			ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
			host.Pull(t, ref, "")
			labels := object{lifecycle.LabelPreCheck: who, "com.centurylinklabs.watchtower.stop-signal": "SIGINT", "other": "label"}
			for key, value := range tt.labels {
				labels[key] = value
			}
			id := host.Run(t, name, object{"Image": ref, "User": tt.user, "Labels": labels})
			e := entry(t, update(t, tower(t, host, []string{name}, watchtower.WithLabelHooks(tt.given))), name)
			assert.Equal(t, watchtower.StatusFresh, e.Status)
			require.Len(t, e.Hooks, 1)
			require.NoError(t, e.Hooks[0].Verdict.Err)
			user, described, _ := strings.Cut(e.Hooks[0].Output, "\n")
			assert.Equal(t, tt.want, user)
			var got object
			require.NoError(t, json.Unmarshal([]byte(described), &got))
			delete(labels, "other")
			assert.Equal(t, object{"name": name, "id": id, "image_name": ref, "stop_signal": "SIGINT", "labels": labels}, got)
		})
	}
}
