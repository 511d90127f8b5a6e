package watchtower_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// imageOf sets every default an image can have to a value of its own.
func imageOf(v string, signal string, seconds int) enginehost.Image {
	return enginehost.Image{
		Env: []string{"K=" + v, "OF_" + v + "=1"}, Labels: map[string]string{"k": v, "of-" + v: "1"},
		Volumes: []string{"/" + v}, Ports: []string{fmt.Sprint(seconds) + "/tcp"}, WorkingDir: "/" + v, User: v, StopSignal: signal,
		Entrypoint: []string{"/bin/env", v}, Cmd: []string{v},
		Healthcheck: object{
			"Test": []string{"CMD", v}, "Interval": seconds * 1e9, "Timeout": seconds * 1e9, "StartPeriod": seconds * 1e9, "Retries": seconds,
		},
		// What a commit leaves in an image, and no container gets from it.
		Defaults: object{
			"Shell": []string{v}, "Tty": true, "OpenStdin": true, "Hostname": v, "Domainname": v, "OnBuild": []string{"RUN " + v},
		},
	}
}

// users are what a user may say, the least talkative first: nothing, then one
// field, with the value of an image or with one of their own.
func users() []object {
	all := []object{{}}
	add := func(field string, vs ...any) {
		for _, v := range vs {
			all = append(all, object{field: v})
		}
	}
	add("Env", []string{}, []string{"K=a"}, []string{"K=mine"}, []string{"K="}, []string{"K"}, []string{"MINE=1"})
	add("Labels", object{}, object{"k": "a"}, object{"k": "mine"}, object{"k": ""}, object{"mine": "1"})
	add("Volumes", object{"/a": object{}}, object{"/mine": object{}})
	add("ExposedPorts", object{"1/tcp": object{}}, object{"9/tcp": object{}})
	add("User", "a", "mine")
	add("WorkingDir", "/a", "/mine")
	add("StopSignal", "SIGUSR1", "SIGQUIT")
	add("Healthcheck", object{"Test": []string{"NONE"}}, object{"Test": []string{"CMD", "a"}}, object{"Test": []string{"CMD", "mine"}})
	for _, field := range []string{"Interval", "Timeout", "StartPeriod"} {
		add("Healthcheck", object{field: 1e9}, object{field: 9e9})
	}
	add("Healthcheck", object{"Retries": 1}, object{"Retries": 9})
	add("Shell", []string{"a"}, []string{"mine"})
	add("Hostname", "a", "mine")
	add("Domainname", "a", "mine")
	add("OnBuild", []string{"RUN a"}, []string{"RUN mine"})
	for _, field := range []string{"Tty", "OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout", "AttachStderr", "NetworkDisabled", "ArgsEscaped"} {
		add(field, true)
	}
	add("StopTimeout", 0, 9)
	add("MacAddress", "02:42:0a:00:00:09")
	mine, of, none := []string{"/bin/env", "mine"}, []string{"/bin/env", "a"}, []string{""}
	add("Cmd", []string{}, []string{"a"}, []string{"mine"})
	add("Entrypoint", []string{}, of, mine)
	for _, entrypoint := range [][]string{{}, none, of, mine} {
		for _, cmd := range []string{"a", "mine"} {
			all = append(all, object{"Entrypoint": entrypoint, "Cmd": []string{cmd}})
		}
	}
	return all
}

// For each field: what the old image says, what the user says, what the new
// image says. A container gets from the new image what the least talkative user
// gets there who would have got the same container from the old one. The engine
// itself is asked what that is.
func TestTheThreeWayMergeOfEveryConfigField(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	bare := enginehost.Image{Cmd: []string{"true"}}
	cleared := enginehost.Image{Entrypoint: []string{}, Cmd: []string{"a"}, Env: []string{}, Labels: map[string]string{}}
	a, b := imageOf("a", "SIGUSR1", 1), imageOf("b", "SIGUSR2", 2)
	pairs := map[string][2]enginehost.Image{"a-b": {a, b}, "a-bare": {a, bare}, "bare-a": {bare, a}, "cleared-a": {cleared, a}}
	t.Logf("%d cases of old image, user and new image", len(pairs)*len(users()))
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			var fresh []string
			require.True(t, t.Run("fresh", func(t *testing.T) { fresh = fill(t, host, reg, "new-"+name, pair[1]) }))
			before := fill(t, host, reg, "old-"+name, pair[0])
			reg.Push(t, "old-"+name+":1", pair[1])
			r := update(t, tower(t, host, []string{"old-" + name + "-.*"}, watchtower.WithStates(lifecycle.StateCreated)))
			require.NoError(t, r.Err())
			require.Equal(t, len(before), r.Count(watchtower.StatusUpdated), r.Summary())
			for i, user := range users() {
				least := 0
				for before[least] != before[i] {
					least++
				}
				got := configOf(t, host, fmt.Sprintf("old-%s-%02d", name, i))
				assert.JSONEq(t, fresh[least], got, "the user said %s; least is %s", text(t, user), text(t, users()[least]))
			}
		})
	}
}

// fill makes a container for each user and returns what the engine made of it.
func fill(t *testing.T, host *enginehost.Host, reg *enginehost.Registry, name string, img enginehost.Image) (configs []string) {
	t.Helper()
	ref, _ := reg.Push(t, name+":1", img)
	host.Pull(t, ref, "")
	for i, user := range users() {
		body := object{"Image": ref}
		for field, v := range user {
			body[field] = v
		}
		host.Create(t, fmt.Sprintf("%s-%02d", name, i), body)
		configs = append(configs, configOf(t, host, fmt.Sprintf("%s-%02d", name, i)))
	}
	return configs
}

// configOf is a container's configuration as text that compares.
func configOf(t *testing.T, host *enginehost.Host, name string) string {
	t.Helper()
	in := host.Inspect(t, name)
	config := in["Config"].(object)
	delete(config, "Image")
	if config["Hostname"] == in["Id"].(string)[:12] {
		delete(config, "Hostname")
	}
	labels, _ := config["Labels"].(object)
	for key := range labels {
		if strings.Contains(key, ".watchtower.swap.") {
			delete(labels, key)
		}
	}
	env := object{}
	list, _ := config["Env"].([]any)
	for _, pair := range list {
		env[pair.(string)] = true
	}
	config["Env"] = env
	return text(t, config)
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}
