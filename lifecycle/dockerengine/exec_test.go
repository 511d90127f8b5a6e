package dockerengine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestExec(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ref, _ := reg.Push(t, "execs:1", enginehost.Image{Env: []string{"OF=image"}})
	host.Pull(t, ref, "")
	host.Run(t, "execs", object{"Image": ref})
	shell := func(script string) lifecycle.ExecOptions {
		return lifecycle.ExecOptions{Command: []string{"sh", "-c", script}}
	}
	withUser := shell("echo $OF $MORE; busybox id -u; busybox id -g")
	withUser.User, withUser.Env = "4321:1234", []string{"MORE=caller"}
	tests := []struct {
		name string
		opts lifecycle.ExecOptions
		code int
		want string // in the output
	}{
		{"it ends well", shell("echo fine"), 0, "fine\n"},
		{"it fails", shell("echo first; echo second >&2; exit 3"), 3, "second\n"},
		{"the container's environment, and the caller's, and a user", withUser, 0, "image caller\n4321\n1234\n"},
		{"no shell reads it", lifecycle.ExecOptions{Command: []string{"echo", "$OF; exit 1"}}, 0, "$OF; exit 1\n"},
		{"there is no such program", lifecycle.ExecOptions{Command: []string{"/nowhere"}}, 126, "/nowhere"},
		{"it closes its output first", shell("exec >&- 2>&-; sleep 0.3; exit 4"), 4, ""},
		{"it leaves something running", shell("sleep 5 & echo left"), 0, "left\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			result, err := e.Exec(t.Context(), "execs", tt.opts)
			require.NoError(t, err)
			assert.Equal(t, tt.code, result.ExitCode)
			assert.Contains(t, result.Output, tt.want)
		})
	}

	result, err := e.Exec(t.Context(), "execs", shell("i=0; while [ $i -lt 9999 ]; do echo $i; i=$((i+1)); done"))
	require.NoError(t, err)
	assert.Len(t, result.Output, 16<<10, "a bound")
	assert.True(t, strings.HasSuffix(result.Output, "\n9998\n"), "its end is kept")
}

func TestExecEndsWithItsContext(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ref, _ := reg.Push(t, "execlong:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Run(t, "execlong", object{"Image": ref})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := e.Exec(ctx, "execlong", lifecycle.ExecOptions{Command: []string{"sleep", "777"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Contains(t, host.Exec(t, "execlong", "ps"), "sleep 777", "Docker has no call that ends it")
}

func TestExecWantsAContainerThatRuns(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ref, _ := reg.Push(t, "execnot:1", enginehost.Image{})
	host.Pull(t, ref, "")
	id := host.Run(t, "execnot", object{"Image": ref})
	run := func(name string) error {
		_, err := e.Exec(t.Context(), name, lifecycle.ExecOptions{Command: []string{"true"}})
		return err
	}
	require.NoError(t, run(id))
	require.NoError(t, e.Pause(t.Context(), id))
	require.ErrorIs(t, run(id), errdefs.ErrConflict)
	require.NoError(t, e.Stop(t.Context(), id, lifecycle.StopOptions{Timeout: new(time.Duration)}))
	require.ErrorIs(t, run(id), errdefs.ErrConflict)
	require.ErrorIs(t, run("nobody"), errdefs.ErrNotFound)
}
