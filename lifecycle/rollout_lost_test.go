package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// losingManager loses the others when it is to change something.
type losingManager struct {
	*enginetest.Swarm
	lost *bool
}

var errNoLeader = errors.New("the swarm does not have a leader")

func (l losingManager) Service(ctx context.Context, ref string) (lifecycle.Service, error) {
	if *l.lost {
		return lifecycle.Service{}, errNoLeader
	}
	return l.Swarm.Service(ctx, ref)
}

func (l losingManager) UpdateService(context.Context, lifecycle.ServiceOptions) ([]string, error) {
	*l.lost = true
	return nil, errors.New("node lost leader status")
}

func TestAnUpdateOfWhichNobodyKnowsIsUnfinished(t *testing.T) {
	t.Parallel()
	s, judged := aService(t, "")
	result, err := lifecycle.RollOut(losingManager{s, new(bool)}).Update(t.Context(), lifecycle.Target{
		Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
	})
	require.ErrorIs(t, err, errNoLeader)
	require.EqualError(t, err, "update web: node lost leader status; and nobody says whether it was done: the swarm does not have a leader")
	assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
	assert.False(t, result.Members[0].ImageFailed)
}

// hangingManager says no more once it is to change something, until the call is given up.
type hangingManager struct {
	*enginetest.Swarm
	lost *bool
}

func (h hangingManager) Service(ctx context.Context, ref string) (lifecycle.Service, error) {
	if *h.lost {
		<-ctx.Done()
		return lifecycle.Service{}, ctx.Err()
	}
	return h.Swarm.Service(ctx, ref)
}

func (h hangingManager) UpdateService(ctx context.Context, _ lifecycle.ServiceOptions) ([]string, error) {
	*h.lost = true
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAnUpdateThatAManagerNeverAnswersIsUnfinished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, judged := aService(t, "")
		begun := time.Now()
		result, err := lifecycle.RollOut(hangingManager{s, new(bool)}).Update(t.Context(), lifecycle.Target{
			Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
		})
		require.ErrorContains(t, err, "and nobody says whether it was done: no answer within 1m0s")
		assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
		assert.Equal(t, 2*time.Minute, time.Since(begun), "a minute for each of the two calls")
	})
}

// lostManager answers again after a while.
type lostManager struct {
	*enginetest.Swarm
	until time.Time
}

func (l lostManager) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	if time.Now().Before(l.until) {
		return nil, errdefs.ErrUnavailable
	}
	return l.Swarm.Tasks(ctx, service)
}

func TestAnUpdateOutlivesItsManager(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lost     time.Duration
		patience time.Duration
		waited   time.Duration
		says     string
	}{
		"for half a minute":            {30 * time.Second, 0, 30 * time.Second, ""},
		"for too long":                 {time.Hour, 0, lifecycle.DefaultRolloutPatience, "the cluster goes on by itself: nobody answers: unavailable"},
		"for longer than somebody has": {time.Hour, time.Second, time.Second, "nobody answers: unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, "")
				updater := lifecycle.RollOut(lostManager{s, time.Now().Add(tt.lost)}, lifecycle.WithRolloutPatience(tt.patience))
				var steps []string
				begun := time.Now()
				result, err := updater.Update(t.Context(), lifecycle.Target{
					Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
					OnStep:  func(s lifecycle.Step) { steps = append(steps, strings.TrimSpace(s.Action+" "+s.Detail)) },
				})
				assert.Equal(t, tt.waited, time.Since(begun))
				if tt.says != "" {
					require.ErrorIs(t, err, errdefs.ErrUnavailable)
					require.ErrorContains(t, err, tt.says)
					assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
					assert.False(t, result.Members[0].ImageFailed, "nobody knows")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, []string{"update app:1@" + pinnedNew, "verify", "verify completed: 1 of 1 tasks run it"}, steps)
			})
		})
	}
}

// aTask is one that is to run.
func aTask(digest, state string) lifecycle.Task {
	return lifecycle.Task{Image: "app:1@" + digest, Wanted: "running", State: state}
}

// silentManager takes calls and never answers.
type silentManager struct{ *enginetest.Swarm }

func (silentManager) Tasks(ctx context.Context, _ string) ([]lifecycle.Task, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// busyManager tells of an update that never ends, and of tasks; one more is on a node that
// was lost.
type busyManager struct {
	*enginetest.Swarm
	tasks []lifecycle.Task
}

func (b busyManager) Tasks(context.Context, string) ([]lifecycle.Task, error) {
	return append(b.tasks, lifecycle.Task{Image: "app:1@" + pinnedNew, Wanted: "shutdown", State: "preparing"}), nil
}

func (b busyManager) Service(ctx context.Context, ref string) (lifecycle.Service, error) {
	s, err := b.Swarm.Service(ctx, ref)
	if s.Image() == "app:1@"+pinnedNew {
		s.Rollout = lifecycle.RolloutUpdating
	}
	return s, err
}

// However a cluster hangs, who watches it does not hang with it.
func TestAnUpdateIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	old, ready := aTask(pinnedOld, "running"), aTask(pinnedNew, "running")
	busy := func(tasks ...lifecycle.Task) func(*enginetest.Swarm) lifecycle.ServiceUpdater {
		return func(s *enginetest.Swarm) lifecycle.ServiceUpdater { return busyManager{s, tasks} }
	}
	for name, tt := range map[string]struct {
		engine func(*enginetest.Swarm) lifecycle.ServiceUpdater
		waited time.Duration
		says   string
	}{
		"a manager is silent":  {func(s *enginetest.Swarm) lifecycle.ServiceUpdater { return silentManager{s} }, lifecycle.DefaultRolloutPatience, "nobody answers: no answer within 1m0s"},
		"a task is on its way": {busy(ready, aTask(pinnedNew, "preparing")), lifecycle.DefaultRolloutTimeout, "goes on by itself: it takes too long"},
		"a task finds no node": {
			busy(ready, lifecycle.Task{Image: ready.Image, Wanted: "running", State: "pending", Err: "no suitable node"}),
			5 * time.Minute, "goes on by itself: it has no node for a task: no suitable node",
		},
		"a task is yet to be replaced": {busy(ready, old), lifecycle.DefaultRolloutTimeout, "goes on by itself: it takes too long"},
		"no task is wanted":            {busy(), lifecycle.DefaultRolloutTimeout, "goes on by itself: it takes too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, "")
				begun := time.Now()
				result, err := lifecycle.RollOut(tt.engine(s)).Update(t.Context(), lifecycle.Target{
					Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
				})
				require.ErrorIs(t, err, errdefs.ErrUnavailable)
				require.ErrorContains(t, err, tt.says)
				assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
				assert.Equal(t, tt.waited, time.Since(begun))
			})
		})
	}
}

// A cluster waits for ever for a task on a node that was lost, though another runs in its
// place.
func TestAnUpdateIsDoneWhenAllTasksRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		settings map[string]any
		waited   time.Duration
	}{
		"watched as usual":   {map[string]any{}, 15 * time.Second},
		"watched for longer": {map[string]any{"Monitor": 60e9, "Delay": 30e9}, 100 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, "")
				s.ChangeService("web", func(s *lifecycle.Service) { s.Spec["UpdateConfig"] = tt.settings })
				begun := time.Now()
				result, err := lifecycle.RollOut(busyManager{s, []lifecycle.Task{aTask(pinnedNew, "running")}}).Update(t.Context(), lifecycle.Target{
					Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
				})
				require.NoError(t, err)
				assert.Equal(t, lifecycle.OutcomeUpdated, result.Members[0].Outcome)
				assert.Equal(t, tt.waited, time.Since(begun))
				require.Len(t, result.Members[0].Warnings, 1)
				assert.Contains(t, result.Members[0].Warnings[0], "all 1 tasks run, and the cluster waits for more")
			})
		})
	}
}
