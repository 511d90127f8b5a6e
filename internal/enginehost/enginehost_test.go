package enginehost_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func TestMain(m *testing.M) { os.Exit(enginehost.Run(m)) }

func TestTheEngineRunsWhatTheRegistryServes(t *testing.T) {
	host := enginehost.Engine(t)
	login := base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"secret"}`))
	for name, tt := range map[string]struct {
		opts []enginehost.RegistryOption
		auth string
	}{
		"open":  {},
		"basic": {[]enginehost.RegistryOption{enginehost.WithBasicAuth(t, "user", "secret")}, login},
		"token": {[]enginehost.RegistryOption{enginehost.WithTokenAuth(t, "user", "secret")}, login},
	} {
		t.Run(name, func(t *testing.T) {
			reg := enginehost.StartRegistry(t, tt.opts...)
			ref, _ := reg.Push(t, "app:1", enginehost.Image{Env: []string{"VERSION=1"}, Files: map[string]string{"hello": "world"}})
			host.Pull(t, ref, tt.auth)
			host.Run(t, "harness-"+name, enginehost.Object{"Image": ref})
			assert.Equal(t, "world", host.Exec(t, "harness-"+name, "cat", "/hello"))
			assert.Equal(t, "1", host.Exec(t, "harness-"+name, "sh", "-c", "echo $VERSION"))
		})
	}
}

func TestPodmanRunsBesideTheEngine(t *testing.T) {
	host := enginehost.StartPodman(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "podman:1", enginehost.Image{Files: map[string]string{"hello": "world"}})
	host.Pull(t, ref, "")
	host.Run(t, "podman", enginehost.Object{"Image": ref})
	assert.Equal(t, "world", host.Exec(t, "podman", "cat", "/hello"))
	assert.NotContains(t, enginehost.Engine(t).List(t), "podman", "it is another engine's")
}

func TestAKilledEngineComesBackWithItsContainers(t *testing.T) {
	host := enginehost.Killable(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "killed:1", enginehost.Image{Volumes: []string{"/data"}})
	host.Pull(t, ref, "")
	host.Run(t, "killed-no", enginehost.Object{"Image": ref})
	host.Run(t, "killed-always", enginehost.Object{"Image": ref, "HostConfig": enginehost.Object{"RestartPolicy": enginehost.Object{"Name": "always"}}})
	host.Exec(t, "killed-always", "sh", "-c", "echo kept > /data/file")
	require.NoError(t, host.Kill())
	require.Error(t, host.Kill(), "it is dead")
	require.NoError(t, host.Start())
	status := func(name string) any { return host.Inspect(t, name)["State"].(enginehost.Object)["Status"] }
	assert.Equal(t, "exited", status("killed-no"))
	assert.Equal(t, "running", status("killed-always"))
	assert.Equal(t, "kept", host.Exec(t, "killed-always", "cat", "/data/file"))
}

func TestAnEngineThatCannotBeHadIsNeverPassedOver(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	const engine, podman = "TestTheEngineRunsWhatTheRegistryServes", "TestPodmanRunsBesideTheEngine"
	for name, tt := range map[string]struct {
		test   string
		env    []string
		reason string
		fails  bool
	}{
		"a laptop skips":              {engine, nil, "DOCKER_HOST names no engine", false},
		"an engine that is down":      {engine, []string{"DOCKER_HOST=unix:///nowhere"}, "does not answer", false},
		"continuous integration":      {engine, []string{"CI=true"}, "DOCKER_HOST names no engine", true},
		"an engine that was demanded": {engine, []string{"WATCHTOWER_TEST_ENGINE=required"}, "DOCKER_HOST names no engine", true},
		"no podman on a laptop":       {podman, nil, "podman is not installed", false},
		"no podman in CI":             {podman, []string{"CI=true"}, "podman is not installed", true},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self, "-test.v", "-test.run=^"+tt.test+"$")
			cmd.Env = append([]string{"PATH=/nowhere"}, tt.env...)
			out, err := cmd.CombinedOutput()
			assert.Equal(t, tt.fails, err != nil, "%v: %s", err, out)
			assert.Contains(t, string(out), "NO ENGINE, NOTHING PROVEN")
			assert.Contains(t, string(out), tt.reason)
		})
	}
}
