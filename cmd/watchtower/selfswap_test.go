package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the environment says the helper is told by its environment.
func TestAHelperIsToldOfTheEngineByFlagsWhatFlagsSaid(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	require.NoError(t, err)
	s := settings{host: "tcp://proxy:2375", apiVersion: "1.41", certPath: "/certs", given: map[string]string{}}
	assert.Equal(t, []string{program, "self-swap"}, helperCommand(s))
	s.given = map[string]string{"host": "--host", "tlsverify": "--tlsverify", "cleanup": "--cleanup"}
	assert.Equal(t, []string{program, "self-swap", "--host=tcp://proxy:2375", "--tlsverify=false"}, helperCommand(s))
}

func TestSelfSwapIsForHelpersOnly(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runProgram(t, nil, "--help")
	assert.Equal(t, exitOK, code)
	assert.NotContains(t, stdout, selfSwapCommand, "it is nobody's to type")
	code, _, stderr := runProgram(t, []string{"DOCKER_HOST=unix:///nowhere/docker.sock"}, selfSwapCommand, "tower.wt-self-0123456789ab")
	assert.Equal(t, exitFailed, code, "the engine starts it again")
	assert.Contains(t, stderr, "watchtower: help tower.wt-self-0123456789ab: ")
	assert.Contains(t, stderr, "unix:///nowhere/docker.sock")
	code, _, stderr = runProgram(t, []string{"WATCHTOWER_POLL_INTERVAL=abc"}, selfSwapCommand)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "accepts 1 arg(s), received 0")
}
