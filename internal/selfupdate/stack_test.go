package selfupdate_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// The stack of the examples, but for names and for how long it waits, updates a service
// and itself.
func TestTheStackOfTheExamplesUpdatesItsServices(t *testing.T) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		enginehost.Unproven(t, "NO CLIENT", err.Error())
	}
	w := newWorld(t)
	w.host.Swarm(t)
	own, _ := w.pushed(t, "stack", "0", nil)
	w.reg.Push(t, "web:1", enginehost.Image{})
	web := w.outside + "/web:1"
	data, err := os.ReadFile("../../examples/swarm/stack.yml")
	require.NoError(t, err)
	text := string(data)
	for _, change := range [][2]string{
		{`WATCHTOWER_SCHEDULE: "0 4 * * *"`, "WATCHTOWER_POLL_INTERVAL: 1s"},
		{"- /var/run/docker.sock:", "- " + w.socket + ":"},
		{"image: nginx:1.27", "image: " + web},
		{"watchtower.cooldown-delay: 24h", "watchtower.cooldown-delay: 1s"},
		{"monitor: 30s", "monitor: 2s"},
	} {
		require.Contains(t, text, change[0])
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	file := filepath.Join(t.TempDir(), "stack.yml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	stack := func(ctx context.Context, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, docker, append([]string{"--host", w.host.Address, "stack"}, args...)...)
		cmd.Env = append(os.Environ(), "IMAGE="+own)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := stack(t.Context(), "deploy", "--compose-file", file, "example")
	require.NoError(t, err, out)
	t.Cleanup(func() { _, _ = stack(context.WithoutCancel(t.Context()), "rm", "example") })
	t.Log(out)
	id := func(name string) string {
		var list []struct{ ID string }
		w.host.API(t, "GET", `/services?filters={"name":["`+name+`"]}`, nil, &list)
		require.Len(t, list, 1)
		w.host.AwaitTasks(t, list[0].ID)
		return list[0].ID
	}
	served := &service{w, id("example_web"), map[string]string{}}
	s := &service{w, id("example_watchtower"), map[string]string{}}
	s.says(t, "msg=watching", 1)

	begin := time.Now()
	_, second := w.reg.Push(t, "web:1", enginehost.Image{Env: []string{"VERSION=2"}})
	served.runs(t, web+"@"+second, 1)
	s.says(t, "msg=updated", 1)
	t.Logf("web: %v", time.Since(begin).Round(100*time.Millisecond))
	begin = time.Now()
	_, next := w.pushed(t, "stack", "1", nil)
	s.runs(t, own+"@"+next, 1)
	s.says(t, "updated this watchtower itself", 1)
	t.Logf("itself: %v", time.Since(begin).Round(100*time.Millisecond))
	t.Log("\n" + strings.Join(s.lines(t, "msg="), "\n"))
}
