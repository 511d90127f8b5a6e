package watchtower_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// ownTask is the container of a task of the service, in which a watcher runs.
func ownTask(t *testing.T, s *enginetest.Swarm, task string) lifecycle.Container {
	t.Helper()
	list, err := s.Services(t.Context())
	require.NoError(t, err)
	return s.Run("web.1."+task, "tower:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{
		lifecycle.LabelServiceID: list[0].ID, lifecycle.LabelTaskID: task, lifecycle.LabelServiceName: "web", lifecycle.LabelInstance: "true",
	}}})
}

// told keeps what is told of the watchtower's own update.
type told struct {
	mu     sync.Mutex
	events []watchtower.Event
}

func (o *told) Observe(_ context.Context, e watchtower.Event) {
	switch e.(type) {
	case watchtower.SelfUpdateStarted, watchtower.SelfUpdateEnded:
		o.mu.Lock()
		defer o.mu.Unlock()
		o.events = append(o.events, e)
	}
}

func (o *told) take() []watchtower.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.events
	o.events = nil
	return out
}

// asTask is a watcher that runs in the container of the task.
func asTask(t *testing.T, s *enginetest.Swarm, self string, opts ...watchtower.Option) (*watchtower.Tower, *told) {
	t.Helper()
	o := &told{}
	return ofSwarm(t, s, s, append([]watchtower.Option{
		watchtower.WithSelf(self), watchtower.WithSelfUpdate("/watchtower", "self-swap"), watchtower.WithObserver(o),
	}, opts...)...), o
}

func TestItsOwnServiceComesLastAndIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, func(spec lifecycle.Document) {
		spec.Object("TaskTemplate").Object("ContainerSpec").Object("Labels")[lifecycle.LabelInstance] = "true"
	})
	s.Publish("tower:1", enginetest.Image{})
	s.CreateService(serviceSpec("zz", image(t, s)))
	self := ownTask(t, s, "before")
	next := s.Publish("app:1", second)
	tw, o := asTask(t, s, self.ID)
	r := update(t, tw)
	e := entry(t, r, "web")
	assert.Equal(t, watchtower.StatusStale, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, "the swarm replaces its tasks, and this watchtower with them", e.Reason)
	assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "zz").Status)
	posted := s.Posted()
	require.Len(t, posted, 2)
	assert.Equal(t, e.Container.ID, posted[1].Service, "it comes last")
	events := o.take()
	require.Len(t, events, 1)
	started := events[0].(watchtower.SelfUpdateStarted)
	assert.Equal(t, next.String(), started.Entry.Latest)
	assert.Empty(t, started.Helper)
	for _, c := range s.Calls() {
		assert.NotContains(t, []string{"Create", "Start", "Stop", "Rename"}, c.Method, "no helper of it: %s", c)
	}

	// The old one may be there yet when the new one is.
	assert.Contains(t, entry(t, update(t, tw), "web").Reason, "the swarm has a change of it in hand")
	require.Len(t, s.Posted(), 2)
}

func TestHowTheUpdateOfItsOwnServiceEndedIsToldByWhoIsThere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		action   string
		bad      bool
		survives bool // the process that began it
		status   watchtower.Status
	}{
		"the successor":                  {"rollback", false, false, watchtower.StatusUpdated},
		"the predecessor's next":         {"rollback", true, false, watchtower.StatusRolledBack},
		"the predecessor, start-first":   {"rollback", true, true, watchtower.StatusRolledBack},
		"the predecessor, when it waits": {"pause", true, true, watchtower.StatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := aSwarm(t, func(spec lifecycle.Document) { spec.Object("UpdateConfig")["FailureAction"] = tt.action })
				s.Publish("tower:1", enginetest.Image{})
				next := s.Publish("app:1", second)
				if tt.bad {
					s.SetBad("app:1@" + next.String())
				}
				services, err := s.Services(t.Context())
				require.NoError(t, err)
				before := "before"
				if tt.survives {
					before = services[0].ID + "task"
				}
				first, began := asTask(t, s, ownTask(t, s, before).ID)
				o := began
				update(t, first)
				require.Len(t, o.take(), 1)
				tw := first
				if !tt.survives {
					_, err := s.Service(t.Context(), "web") // which begins
					require.NoError(t, err)
					services, err = s.Services(t.Context())
					require.NoError(t, err)
					require.Equal(t, lifecycle.RolloutUpdating, services[0].Rollout)
					tw, o = asTask(t, s, ownTask(t, s, services[0].ID+"task").ID)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				require.NoError(t, tw.Run(ctx))
				events := o.take()
				require.Len(t, events, 1)
				end := events[0].(watchtower.SelfUpdateEnded).Entry
				assert.Equal(t, tt.status, end.Status)
				assert.Equal(t, next.String(), end.Latest)
				assert.Equal(t, "web", end.Container.Name)
				if tt.bad {
					require.ErrorContains(t, end.Err, "task: non-zero exit (3)")
				} else {
					require.NoError(t, end.Err)
				}
				update(t, tw)
				if !tt.survives {
					update(t, first)
					assert.Empty(t, began.take(), "who is to be stopped leaves it to who stays")
				}
				third, o := asTask(t, s, ownTask(t, s, "later").ID)
				update(t, third)
				assert.Empty(t, o.take(), "a task that came later tells nothing of it")
				require.Len(t, s.Posted(), 1, "and nobody tries again")
			})
		})
	}
}

// A task has no helper, and nothing of other programs' helpers, if services are none of
// its business either.
func TestATaskThatLeavesServicesAloneAsksOnlyWhatItIs(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil, second)
	s.Publish("tower:1", enginetest.Image{})
	tw, o := asTask(t, s, ownTask(t, s, "one").ID, watchtower.WithServices(watchtower.ServicesOff))
	s.Calls()
	update(t, tw)
	assert.Empty(t, o.take())
	for _, c := range s.Calls() {
		assert.NotContains(t, []string{"Service", "Services", "Tasks", "Inspect"}, c.Method, "%s", c)
	}
}

// A swarm that keeps no history does not say what was rolled back. To try again would be
// to do so for ever: no process outlives it.
func TestItsOwnServiceIsNotTriedAgainOnceNobodyKnowsWhatFailed(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	s.Publish("tower:1", enginetest.Image{})
	s.Publish("app:1", second)
	s.ChangeService("web", func(s *lifecycle.Service) { s.Rollout = lifecycle.RolloutRollbackCompleted })
	tw, _ := asTask(t, s, ownTask(t, s, "later").ID)
	assert.Contains(t, entry(t, update(t, tw), "web").Reason, "the swarm rolled this watchtower back and keeps no history")
	assert.Empty(t, s.Posted())
	assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, ofSwarm(t, s, s)), "web").Status, "to another watchtower it is a service")
}

// Replicas of it, or two of them on two managers, see the same at the same time.
func TestReplicasOfAWatcherUpdateTheirServiceOnce(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	s.Publish("tower:1", enginetest.Image{})
	next := s.Publish("app:1", second)
	var group sync.WaitGroup
	for _, task := range []string{"one", "two"} {
		self := ownTask(t, s, task)
		group.Go(func() {
			tw, _ := asTask(t, s, self.ID)
			for range 3 {
				_, err := tw.Update(t.Context())
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	require.Len(t, s.Posted(), 1)
	assert.Equal(t, "app:1@"+next.String(), image(t, s))
}

// A swarm that says no to it, and one that does not answer.
func TestAnUpdateOfItsOwnServiceThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	s.Publish("tower:1", enginetest.Image{})
	s.Publish("app:1", second)
	var log bytes.Buffer
	hook := func(context.Context, watchtower.HookCall) watchtower.HookVerdict {
		return watchtower.HookVerdict{Skip: "not today"}
	}
	tw, o := asTask(t, s, ownTask(t, s, "before").ID, watchtower.WithHook(lifecycle.PreUpdate, hook),
		watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	assert.Contains(t, entry(t, update(t, tw), "web").Reason, "not today")
	assert.Empty(t, o.take())
	assert.Empty(t, s.Posted())
}
