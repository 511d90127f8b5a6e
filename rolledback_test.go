package watchtower_test

import (
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// A watcher that remembers nothing learns it of the swarm: another process, on another
// manager, or the next one.
func TestTheSwarmRemembersWhatItRolledBack(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	bad := s.Publish("app:1", second)
	s.SetBad("app:1@" + bad.String())
	r, err := ofSwarm(t, s, s).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusRolledBack, entry(t, update(t, ofSwarm(t, s, s)), "web").Status)
	s.Calls()

	another := ofSwarm(t, s, s)
	e := entry(t, update(t, another), "web")
	assert.Equal(t, watchtower.StatusSkipped, e.Status, "%v", e.Err)
	assert.Equal(t, "the swarm rolled this digest back: "+bad.String(), e.Reason)
	assert.True(t, e.OutOfDate)
	assert.Equal(t, 1, calls(s, "Tasks"))
	_, err = ofSwarm(t, s, s).Apply(t.Context(), r.Plan)
	require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
	require.ErrorContains(t, err, "web is left alone now: the swarm rolled this digest back")
	s.Calls()
	assert.Contains(t, entry(t, update(t, another), "web").Reason, "this digest failed on ", "it is its own by now")
	assert.Zero(t, calls(s, "Tasks"))
	require.Len(t, s.Posted(), 1)

	// A change of it by a person is another start.
	s.ChangeService("web", func(s *lifecycle.Service) { s.Rollout = lifecycle.RolloutNone })
	r, err = ofSwarm(t, s, s).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusStale, entry(t, r, "web").Status)
	s.ChangeService("web", func(s *lifecycle.Service) { s.Rollout = lifecycle.RolloutRollbackCompleted })
	s.Publish("app:1", enginetest.Image{Env: []string{"VERSION=3"}})
	assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, ofSwarm(t, s, s)), "web").Status)
}

func calls(s *enginetest.Swarm, method string) (n int) {
	for _, c := range s.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

// What a person rolled back is not brought again, either.
func TestAPersonsRollbackHolds(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	next := s.Publish("app:1", second)
	before := image(t, s)
	tw := ofSwarm(t, s, s)
	require.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), "web").Status)
	s.ChangeService("web", func(s *lifecycle.Service) {
		s.PreviousImage, s.Rollout = s.Image(), lifecycle.RolloutRollbackCompleted
		s.Spec.Object("TaskTemplate").Object("ContainerSpec")["Image"] = before
	})
	s.Calls()
	assert.Equal(t, "the swarm rolled this digest back: "+next.String(), entry(t, update(t, tw), "web").Reason)
	assert.Zero(t, calls(s, "Tasks"), "the service itself says so")
	require.Len(t, s.Posted(), 1)
}
