package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"
)

// accepted fails unless the variables are settings with values that are good.
func accepted(t *testing.T, env map[string]string) {
	t.Helper()
	assert.Empty(t, unknown(env))
	s, err := parse(t, env)
	require.NoError(t, err)
	assert.Empty(t, s.notices)
	assert.Len(t, s.given, len(env))
}

func TestTheComposeFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/compose/compose.yaml")
	require.NoError(t, err)
	type service struct {
		Image, Restart string
		Environment    map[string]string
		Volumes, Ports []string
		Labels         map[string]string
	}
	var file struct{ Services map[string]service }
	require.NoError(t, yaml.Unmarshal(text, &file))
	own := file.Services["watchtower"]
	accepted(t, own.Environment)
	assert.Equal(t, []string{
		"/var/run/docker.sock:/var/run/docker.sock",
		"${HOME}/.docker:" + own.Environment["DOCKER_CONFIG"] + ":ro",
	}, own.Volumes)
	assert.Empty(t, own.Ports)
	assert.Equal(t, "unless-stopped", own.Restart)
	have := labelNames()
	for name, s := range file.Services {
		assert.NotEmpty(t, s.Image, name)
		for label := range s.Labels {
			assert.Contains(t, have, label)
		}
	}
}

func TestTheStackFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/swarm/stack.yml")
	require.NoError(t, err)
	type service struct {
		Image          string
		Environment    map[string]string
		Volumes, Ports []string
		Deploy         struct {
			Replicas  int
			Labels    map[string]string
			Placement struct{ Constraints []string }
			Update    struct {
				Action string `yaml:"failure_action"`
			} `yaml:"update_config"`
		}
	}
	var file struct{ Services map[string]service }
	require.NoError(t, yaml.Unmarshal(text, &file))
	own := file.Services["watchtower"]
	accepted(t, own.Environment)
	assert.Equal(t, []string{"/var/run/docker.sock:/var/run/docker.sock"}, own.Volumes)
	assert.Empty(t, own.Ports)
	assert.Equal(t, 1, own.Deploy.Replicas)
	assert.Equal(t, []string{"node.role == manager"}, own.Deploy.Placement.Constraints)
	have := labelNames()
	for name, s := range file.Services {
		assert.NotEmpty(t, s.Image, name)
		assert.Equal(t, "rollback", s.Deploy.Update.Action, name)
		for label := range s.Deploy.Labels {
			assert.Contains(t, have, label)
		}
	}
}

func labelNames() []string {
	var out []string
	for _, l := range labels() {
		out = append(out, l.name)
	}
	return out
}

func TestTheSystemdUnit(t *testing.T) {
	t.Parallel()
	const unit, program = "../../examples/systemd/watchtower.service", "/usr/local/bin/watchtower"
	text, err := os.ReadFile(unit)
	require.NoError(t, err)
	env := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(\w+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		env[m[1]] = m[2]
	}
	assert.NotEmpty(t, env)
	accepted(t, env)
	require.Contains(t, string(text), "\nExecStart="+program+"\n")

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // it would say nothing of the settings
	}
	self, err := os.Executable()
	require.NoError(t, err)
	here := filepath.Join(t.TempDir(), filepath.Base(unit))
	require.NoError(t, os.WriteFile(here, []byte(strings.ReplaceAll(string(text), program, self)), 0o600))
	out, err := exec.CommandContext(t.Context(), analyze, "verify", here).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Empty(t, string(out))
}
