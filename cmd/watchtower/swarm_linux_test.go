package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func TestPreflightSaysWhichPartTheEngineHasInASwarm(t *testing.T) {
	host := enginehost.Engine(t)
	code, stdout, stderr := runProgram(t, engineEnv(host), "preflight")
	assert.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `\nswarm +none\n`, stdout)
	code, _, stderr = runProgram(t, engineEnv(host), "preflight", "--swarm=only")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "watchtower: preflight: --swarm only: this engine is no manager of a swarm\n")

	host.Swarm(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "counted:1", enginehost.Image{})
	host.Serve(t, object{
		"Name": "counted", "EndpointSpec": object{"Mode": "dnsrr"}, "TaskTemplate": object{"ContainerSpec": object{"Image": ref}},
	})
	code, stdout, stderr = runProgram(t, engineEnv(host), "preflight", "--swarm=only")
	assert.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `\nswarm +manager, services: 1\n`, stdout)
	_, stdout, _ = runProgram(t, engineEnv(host, "WATCHTOWER_SWARM=off"), "preflight")
	assert.Regexp(t, `\nswarm +manager, services: 1, which WATCHTOWER_SWARM leaves alone\n`, stdout)
	t.Log(stdout[:strings.Index(stdout, "FEATURE")])

	// What a proxy denies of them is missed, unless they are to be left alone.
	proxy := enginehost.NewFront(t, host.Address, func(_, path string) bool { return !strings.HasSuffix(path, "/tasks") })
	code, stdout, stderr = runProgram(t, []string{"DOCKER_HOST=" + proxy.Address}, "preflight")
	assert.Equal(t, exitFailed, code)
	assert.Regexp(t, `\nservices +GET /tasks +NO +no update of a swarm's services\n`, stdout)
	assert.Contains(t, stderr, "watchtower: preflight: GET /tasks: no update of a swarm's services: ")
	code, _, stderr = runProgram(t, []string{"DOCKER_HOST=" + proxy.Address}, "preflight", "--swarm=off")
	assert.Equal(t, exitOK, code, stderr)
}

// Services alone, of an engine that has none: that is said at the start, and not a day
// later when the first pass is due.
func TestServicesOnlyOfAnEngineWithoutAnyIsSaidAtTheStart(t *testing.T) {
	host := enginehost.Engine(t)
	const says = "services only, and this engine is no manager of a swarm"
	w := start(t, engineEnv(host), "--swarm=only", "--interval=24h")
	require.Eventually(t, func() bool { return strings.Contains(w.stderr.String(), says) }, waitMost, waitStep, w.stderr.String())
	t.Log(w.stderr.String())
	code, _, stderr := runProgram(t, engineEnv(host), "--swarm=only", "--run-once")
	require.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, says)
}
