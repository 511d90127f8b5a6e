package swarmtest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// changeService updates a service as a person's client does.
func changeService(t *testing.T, host *enginehost.Host, id, query string, change func(spec object)) {
	t.Helper()
	now := host.Service(t, id)
	spec := now["Spec"].(object)
	change(spec)
	host.API(t, "POST", fmt.Sprintf("/services/%s/update?version=%d%s", id, uint64(now["Version"].(object)["Index"].(float64)), query), spec, nil)
}

func awaitRollout(t *testing.T, host *enginehost.Host, id, state string) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, _ := host.Service(t, id)["UpdateStatus"].(object)
		return status["State"] == state
	}, time.Minute, 50*time.Millisecond, state)
}

// What the swarm keeps of its tasks is enough for a watcher that was not there, or left
// before the end.
func takenBack(t *testing.T, host *enginehost.Host) {
	t.Helper()
	reg := enginehost.StartRegistry(t)
	ref, first := reg.Push(t, "undone:1", enginehost.Image{Env: []string{"VERSION=1"}})
	body := aServiceOf("undone", ref+"@"+first, 2)
	body["UpdateConfig"].(object)["Parallelism"] = 1
	id := host.Serve(t, body)
	version := func() any { return host.Service(t, id)["Version"] }
	look := func() watchtower.Entry {
		t.Helper()
		return pass(t, tower(t, host.Address, []string{"undone"}), "undone") // another process, without a state
	}
	leftAlone := func(digest string) {
		t.Helper()
		before := version()
		e := look()
		assert.Equal(t, watchtower.StatusSkipped, e.Status, "%v", e.Err)
		assert.Equal(t, "the swarm rolled this digest back: "+digest, e.Reason)
		assert.Equal(t, before, version(), "it is not tried again")
	}
	for name, command := range map[string]string{"one that fails": "false", "one that ends well": "true"} {
		_, bad := reg.Push(t, "undone:1", enginehost.Image{Cmd: []string{command}})
		ctx, cancel := context.WithCancel(t.Context())
		tw := tower(t, host.Address, []string{"undone"}, watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if s, ok := e.(watchtower.StepStarted); ok && s.Step.Action == "verify" {
				cancel()
			}
		})))
		r, err := tw.Update(ctx)
		require.NoError(t, err)
		e := entry(t, r, "undone")
		require.ErrorIs(t, e.Err, errdefs.ErrUnavailable, "%s: its wait is cut short", name)
		assert.Contains(t, look().Reason, "the swarm has a change of it in hand")
		awaitRollout(t, host, id, "rollback_completed")
		leftAlone(bad)
	}

	// Whoever changes the service has it tried again; so has a newer image.
	changeService(t, host, id, "", func(spec object) { spec["Labels"].(object)["deployed"] = "again" })
	r, err := tower(t, host.Address, []string{"undone"}).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusStale, entry(t, r, "undone").Status)
	_, bad := reg.Push(t, "undone:1", enginehost.Image{Cmd: []string{"/nothing"}})
	assert.Equal(t, watchtower.StatusRolledBack, look().Status)
	leftAlone(bad)
	_, good := reg.Push(t, "undone:1", enginehost.Image{Env: []string{"VERSION=2"}})
	e := look()
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)

	changeService(t, host, id, "&rollback=previous", func(object) {})
	awaitRollout(t, host, id, "rollback_completed")
	leftAlone(good)
}
