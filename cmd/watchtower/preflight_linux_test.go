package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// everything are settings that ask for all there is, but a probe of one kind.
var everything = []string{"--cleanup", "--remove-volumes", "--update-order=start-first", "--probe=exec:true", "--stable-time=1s"}

// listed lets pass what is in the list but the given line.
func listed(without string) func(method, path string) bool {
	return func(method, path string) bool {
		return slices.ContainsFunc(dockerengine.Endpoints(), func(ep dockerengine.Endpoint) bool {
			return ep.Match(method, path) && ep.Method+" "+ep.Path != without
		})
	}
}

// What the list allows is enough for an unprivileged container, and what it lacks
// is named before it is missed.
func TestBehindAProxyThatAllowsTheListAlone(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	own := ownImage(t, host, reg)
	ref, _ := reg.Push(t, "behind:1", enginehost.Image{})
	host.Pull(t, ref, "")
	old := host.Run(t, "behind", object{"Image": ref})
	reg.Push(t, "behind:1", enginehost.Image{Env: []string{"VERSION=2"}})
	front := enginehost.NewFront(t, host.Address, listed(""))
	behind := &enginehost.Host{Address: front.Address}
	body := func(args ...string) object {
		b := unprivileged(t, host, own, "host", append(slices.Clone(everything), args...)...)
		socket := strings.TrimPrefix(behind.Address, "unix://")
		require.NoError(t, os.Chown(socket, 0, group))
		require.NoError(t, os.Chmod(socket, 0o660)) //nolint:gosec // as engines have it
		b["HostConfig"].(object)["Binds"] = []string{socket + ":/var/run/docker.sock"}
		return b
	}
	ends := func(name string, code int) string {
		require.Eventually(t, func() bool { return host.Inspect(t, name)["State"].(object)["Status"] == "exited" }, waitMost, waitStep)
		text := logs(t, host, name)
		require.EqualValues(t, code, host.Inspect(t, name)["State"].(object)["ExitCode"], text)
		return text
	}
	host.Run(t, "behind-preflight", body("preflight"))
	t.Log(ends("behind-preflight", exitOK))
	assert.Equal(t, old, host.Inspect(t, "behind")["Id"])
	host.Run(t, "behind-watchtower", body("--run-once", "behind"))
	ends("behind-watchtower", exitOK)
	assert.NotEqual(t, old, host.Inspect(t, "behind")["Id"])
	assert.Equal(t, "2", host.Exec(t, "behind", "sh", "-c", "echo $VERSION"))
	assert.Empty(t, front.Refused())
}

func TestPreflightNamesWhatIsMissing(t *testing.T) {
	host := enginehost.Engine(t)
	look := func() (out []string) {
		for _, path := range []string{"/containers/json?all=1", "/images/json?all=1", "/networks"} {
			var list []struct{ Id string } //nolint:revive // the engine's spelling
			host.API(t, "GET", path, nil, &list)
			for _, one := range list {
				out = append(out, path+" "+one.Id)
			}
		}
		return out
	}
	before := look()
	// A probe is a command or a call.
	asked := func(probe string) []string { return append(slices.Clone(everything), "--probe="+probe) }
	for _, ep := range dockerengine.Endpoints() {
		line := ep.Method + " " + ep.Path
		if !ep.Needed(host.APIVersion) {
			continue
		}
		settings := asked("exec:true")
		if ep.Feature == dockerengine.FeatureProbe {
			settings = asked("tcp://:80")
		}
		if ep.Feature == dockerengine.FeatureServices {
			settings = append(settings, "--swarm=only")
		}
		front := enginehost.NewFront(t, host.Address, listed(line))
		code, stdout, stderr := runProgram(t, []string{"DOCKER_HOST=" + front.Address}, append(settings, "preflight")...)
		stderr = strings.Replace(stderr, "watchtower: preflight: --swarm only: this engine is no manager of a swarm\n", "", 1) // which it is not
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, stdout, line)
		assert.Contains(t, stderr, "watchtower: preflight: "+line+": "+ep.Feature.Costs()+": ")
		assert.Equal(t, strings.Count(stderr, line), strings.Count(stderr, "\n"), "nothing else is missing: %s", stderr)
		t.Log(strings.TrimSpace(stderr))
	}
	assert.ElementsMatch(t, before, look(), "nothing was changed")
}

func TestPreflightMissesOnlyWhatIsAskedFor(t *testing.T) {
	host := enginehost.Engine(t)
	front := enginehost.NewFront(t, host.Address, func(method, path string) bool {
		return !strings.Contains(path, "exec") && (method != "DELETE" || !strings.Contains(path, "/images/"))
	})
	env := []string{"DOCKER_HOST=" + front.Address, "DOCKER_AUTH_CONFIG={}", "REPO_USER=user", "REPO_PASS=canary", "REPO_HOST=ghcr.io"}
	code, stdout, stderr := runProgram(t, env, "preflight")
	assert.Equal(t, exitOK, code, stderr)
	assert.Empty(t, stderr)
	assert.Regexp(t, `exec +POST /containers/\{id\}/exec +no +the settings do not ask for it`, stdout)
	assert.Regexp(t, `engine +`+front.Address+`, Docker Engine `+regexp.QuoteMeta(host.Version)+`, API 1\.\d+\n`, stdout)
	assert.Regexp(t, `storage +\w+`, stdout)
	assert.Regexp(t, `this process +user \d+, group \d+`, stdout)
	assert.Regexp(t, `logins +DOCKER_AUTH_CONFIG, .*config\.json \(not there\), REPO_USER, REPO_PASS\n`, stdout)
	assert.NotContains(t, stdout, "canary")
	code, _, stderr = runProgram(t, env, "preflight", "--cleanup")
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, "watchtower: preflight: DELETE /images/{name}: replaced images stay: 403 Forbidden\n", stderr)
}

// Without its group the socket is there and cannot be used.
func TestPreflightSaysWhichGroupIsMissing(t *testing.T) {
	host := enginehost.Engine(t)
	own := ownImage(t, host, enginehost.StartRegistry(t))
	body := unprivileged(t, host, own, "none", "preflight")
	delete(body["HostConfig"].(object), "GroupAdd")
	host.Run(t, "groupless", body)
	require.Eventually(t, func() bool { return host.Inspect(t, "groupless")["State"].(object)["Status"] == "exited" }, waitMost, waitStep)
	text := logs(t, host, "groupless")
	t.Log(text)
	assert.Contains(t, text, "user 65532, group 65532")
	assert.Contains(t, text, fmt.Sprintf("of user 0 and group %d, NOT readable and writable", group))
	assert.Contains(t, text, fmt.Sprintf("; run it with --group-add %d\n", group))
	assert.EqualValues(t, exitFailed, host.Inspect(t, "groupless")["State"].(object)["ExitCode"])
}

func TestPreflightTellsOfABrokenLogin(t *testing.T) {
	host := enginehost.Engine(t)
	config := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(config, "config.json"), []byte(`{"auths":`), 0o600))
	code, stdout, stderr := runProgram(t, engineEnv(host, "DOCKER_CONFIG="+config), "preflight")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, filepath.Join(config, "config.json"))
	assert.Contains(t, stdout, "HEAD /_ping", "and goes on")
}
