package dockerengine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// Docker has no call that ends a command. A hook that takes too long is ended all
// the same, with whatever it has started, however that hides.
func TestAHookIsEndedWithAllItHasStarted(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	tests := []struct{ name, script, output, still string }{
		{"that one command", "exec sleep 881", "", ""},
		{"what a shell has started", `echo begun; sleep 881; echo never`, "begun", ""},
		{"one that cleans up when it is asked to", `trap "sleep 0.5; echo cleaned > /tmp/up; exit" TERM; while :; do sleep 881 & wait; done`, "", "cleaned"},
		{"deaf ones", `trap "" TERM; sleep 881 | sleep 881`, "", ""},
		{"what runs in the background", `sleep 881 & sh -c "sleep 881 & sleep 881"`, "", ""},
		{"another session", `busybox setsid sleep 881 & sleep 881`, "", ""},
		{"another environment", `env -i sleep 881 & env -i sh -c "trap '' TERM; sleep 881; true"`, "", ""},
		{"another user, who shows nobody its environment", `busybox su other -c "sleep 881; true"`, "", ""},
		{"an orphan", `(sleep 881 &); sleep 881`, "", ""},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := "hookend-" + string(rune('a'+i))
			ref, _ := reg.Push(t, name+":1", enginehost.Image{Files: map[string]string{"etc/passwd": "root:x:0:0::/:/bin/sh\nother:x:99:99::/:/bin/sh\n"}})
			host.Pull(t, ref, "")
			host.Run(t, name, object{"Image": ref, "Labels": object{lifecycle.LabelPreUpdate: tt.script}})
			snap, err := e.Inspect(t.Context(), name)
			require.NoError(t, err)
			hooks, problems := lifecycle.HooksOf(snap.Labels)
			require.Empty(t, problems)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			result := hooks.Run(ctx, e, snap, lifecycle.PreUpdate, lifecycle.HookUser{})
			require.ErrorIs(t, result.Verdict.Err, context.DeadlineExceeded)
			assert.NotContains(t, result.Verdict.Err.Error(), "may run on")
			assert.Equal(t, tt.output, result.Output, "what it wrote until then")
			left := host.Exec(t, name, "ps")
			assert.NotContains(t, left, "sleep 881")
			assert.Contains(t, left, "sleep 1000", "the container's own")
			assert.Equal(t, tt.still, host.Exec(t, name, "sh", "-c", "cat /tmp/up 2>/dev/null || true"))
			t.Logf("ended after %v: %v", result.Duration.Round(time.Millisecond), result.Verdict.Err)
		})
	}
}
