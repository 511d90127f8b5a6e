package lifecycle_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// household is a parent, on an image that has moved, a child in its network, and
// a grandchild in the child's process space with its volumes.
type household struct {
	*enginetest.Engine

	target lifecycle.Target
	was    map[string]lifecycle.Snapshot
}

var family = []string{"vpn", "app", "job"}

func newHousehold(t *testing.T, next enginetest.Image) household {
	t.Helper()
	h := household{Engine: enginetest.New(), was: map[string]lifecycle.Snapshot{}}
	h.Publish("vpn:1", enginetest.Image{Env: []string{"VERSION=1"}})
	h.Publish("app:1", enginetest.Image{Volumes: []string{"/data"}})
	vpn := h.Run("vpn", "vpn:1", lifecycle.Spec{})
	app := h.Run("app", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:" + vpn.ID}})
	job := h.Run("job", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{
		"PidMode": "container:" + app.ID, "VolumesFrom": []any{app.ID + ":ro"},
	}})
	h.Publish("vpn:1", next)
	require.NoError(t, h.Pull(t.Context(), lifecycle.PullOptions{Reference: "vpn:1"}))
	image, err := h.InspectImage(t.Context(), "vpn:1")
	require.NoError(t, err)
	h.target.Members = []lifecycle.Member{
		{Container: vpn, Reference: "vpn:1", ImageID: image.ID},
		{Container: app, Reference: "app:1", ImageID: app.ImageID},
		{Container: job, Reference: "app:1", ImageID: job.ImageID},
	}
	for _, name := range family {
		h.was[name], err = h.Inspect(t.Context(), name)
		require.NoError(t, err)
	}
	h.Calls()
	return h
}

func (h household) update(ctx context.Context) (lifecycle.Result, error) {
	return lifecycle.Recreate(h.Engine).Update(ctx, h.target)
}

// check sees that the family is together, and returns whether it is the new one.
func (h household) check(t *testing.T, name string) (updated bool) {
	t.Helper()
	list, err := h.Containers(t.Context())
	require.NoError(t, err)
	require.Len(t, list, len(family), name)
	now := map[string]lifecycle.Snapshot{}
	for _, member := range family {
		now[member], err = h.Inspect(t.Context(), member)
		require.NoError(t, err, name)
		assert.Equal(t, lifecycle.StateRunning, now[member].State, "%s: %s", name, member)
	}
	assert.Equal(t, "container:"+now["vpn"].ID, now["app"].HostConfig.Text("NetworkMode"), name)
	assert.Equal(t, "container:"+now["app"].ID, now["job"].HostConfig.Text("PidMode"), name)
	assert.Equal(t, []string{now["app"].ID + ":ro"}, now["job"].HostConfig.Texts("VolumesFrom"), name)
	assert.Equal(t, h.was["app"].Mounts[0].Name, now["app"].Mounts[0].Name, name)
	assert.Equal(t, h.was["app"].ImageID, now["app"].ImageID, name)
	updated = now["vpn"].ImageID != h.was["vpn"].ImageID
	for _, member := range family {
		assert.Equal(t, updated, now[member].ID != h.was[member].ID, "%s: %s", name, member)
	}
	return updated
}

func TestAFamilyMovesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHousehold(t, enginetest.Image{Env: []string{"VERSION=2"}})
		result, err := h.update(t.Context())
		require.NoError(t, err)
		assert.True(t, h.check(t, ""))
		for i, name := range family {
			assert.Equal(t, name, result.Members[i].Name)
			assert.Equal(t, lifecycle.OutcomeUpdated, result.Members[i].Outcome)
		}
		changes := 0
		for _, c := range h.Calls() {
			if c.Changes {
				changes++
			}
		}
		assert.Equal(t, 6*len(family), changes, "six calls for each")
	})
}

func TestAFamilyWithABadParentStaysAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHousehold(t, enginetest.Image{Exits: true, ExitCode: 1, After: time.Second})
		_, err := h.update(t.Context())
		require.ErrorContains(t, err, "exit code 1")
		assert.False(t, h.check(t, ""))
	})
}

func TestAFamilyIsStartedOneByOneWhereItMustBeReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHousehold(t, enginetest.Image{Env: []string{"VERSION=2"}})
		h.target.Members[1].NeedsReady = true
		var steps []string
		h.target.OnStep = func(s lifecycle.Step) {
			if s.Action == "start" || s.Action == "verify" {
				steps = append(steps, s.Action+" "+s.Detail)
			}
		}
		_, err := h.update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"start ", "verify ", "start app", "start job", "verify app", "verify job"}, steps)
	})
}

func TestAFaultAtAnyCallKeepsAFamilyTogether(t *testing.T) {
	t.Parallel()
	runs := 0
	for imageName, image := range map[string]enginetest.Image{
		"good": {Env: []string{"VERSION=2"}}, "bad": {Exits: true, ExitCode: 1, After: time.Second}, "start fails": {StartError: "no such file"},
	} {
		for _, f := range faults() {
			for k := 1; ; k++ {
				hit := false
				synctest.Test(t, func(t *testing.T) {
					name := fmt.Sprintf("%s, %s, call %d", imageName, f.name, k)
					h := newHousehold(t, image)
					h.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
						hit = hit || n == k
						return f.at(k, n)
					})
					_, err := h.update(t.Context())
					h.SetFault(nil)
					if f.killed {
						recovered, err := lifecycle.Recreate(h.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
						require.NoError(t, err)
						for _, r := range recovered {
							require.NoError(t, r.Err, name)
						}
						h.check(t, name)
						return
					}
					assert.Equal(t, err == nil, h.check(t, name), "%s: %v", name, err)
				})
				if !hit || t.Failed() {
					runs += k - 1
					break
				}
			}
		}
	}
	t.Logf("%d faults", runs)
	assert.Greater(t, runs, 200)
}
