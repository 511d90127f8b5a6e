package watchtower_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// deniedTasks is a manager behind a proxy that shows no tasks.
type deniedTasks struct{ *enginetest.Swarm }

func (deniedTasks) Tasks(context.Context, string) ([]lifecycle.Task, error) {
	return nil, errdefs.ErrPermissionDenied
}

func TestAServiceWhoseTasksAreNotShownIsNotUpdated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := aSwarm(t, nil, second)
		begun := time.Now()
		e := entry(t, update(t, ofSwarm(t, deniedTasks{s}, s)), "web")
		assert.Equal(t, watchtower.StatusFailed, e.Status)
		require.ErrorIs(t, e.Err, errdefs.ErrPermissionDenied)
		require.ErrorContains(t, e.Err, "watchtower: update web: its tasks are not shown: ")
		assert.Less(t, time.Since(begun), time.Second, "it is said at once")
		assert.Empty(t, s.Posted())
	})
}

// One at a time, and what fails on the first of them is not tried on the next.
func TestRollingStopsAtTheFirstServiceThatFails(t *testing.T) {
	t.Parallel()
	for action, status := range map[string]watchtower.Status{
		"rollback": watchtower.StatusRolledBack, "pause": watchtower.StatusFailed,
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := enginetest.NewSwarm()
				old := "app:1@" + s.Publish("app:1", enginetest.Image{}).String()
				for _, name := range []string{"a", "b"} {
					spec := serviceSpec(name, old)
					spec.Object("UpdateConfig")["FailureAction"] = action
					s.CreateService(spec)
				}
				s.SetBad("app:1@" + s.Publish("app:1", second).String())
				r := update(t, ofSwarm(t, s, s, watchtower.WithRolling(true)))
				assert.Equal(t, status, entry(t, r, "a").Status)
				assert.Equal(t, watchtower.StatusSkipped, entry(t, r, "b").Status)
				assert.Equal(t, "its image failed on another service of this pass", entry(t, r, "b").Reason)
				require.Len(t, s.Posted(), 1)
			})
		})
	}
}

// mended is a manager whose tasks run all the same, from some time on.
type mended struct {
	*enginetest.Swarm
	yes *bool
}

func (m mended) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	list, err := m.Swarm.Tasks(ctx, service)
	for i := range list {
		if *m.yes {
			list[i].State = "running"
		}
	}
	return list, err
}

// A cluster that goes on in spite of failures leaves a service on its newest image, which
// is no good news.
func TestAServiceOfWhichNothingRunsIsNotFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := aSwarm(t, func(spec lifecycle.Document) { spec.Object("UpdateConfig")["FailureAction"] = "continue" })
		s.SetBad("app:1@" + s.Publish("app:1", second).String())
		now, over := mended{s, new(bool)}, 0
		tw := ofSwarm(t, now, s, watchtower.WithObserver(onlyOnce(t, watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if _, ok := e.(watchtower.FailureEnded); ok {
				over++
			}
		}))))
		assert.Equal(t, watchtower.StatusFailed, entry(t, update(t, tw), "web").Status)
		e := entry(t, update(t, tw), "web")
		assert.Equal(t, watchtower.StatusSkipped, e.Status)
		assert.Contains(t, e.Reason, "the service is on it, and no task runs")
		assert.Zero(t, over)

		*now.yes = true
		assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
		assert.Equal(t, 1, over, "it is over")
		s.Calls()
		update(t, tw)
		assert.Zero(t, calls(s, "Tasks"), "it is a service as any other")
		require.Len(t, s.Posted(), 1)
	})
}

func onlyOnce(t *testing.T, o watchtower.Observer) watchtower.Observer {
	t.Helper()
	once, err := watchtower.Once(t.TempDir(), o, func(err error) { assert.NoError(t, err) })
	require.NoError(t, err)
	return once
}

// lost is a manager that cannot be asked now and then.
type lost struct {
	*enginetest.Swarm
	now *bool
}

func (l lost) Cluster(ctx context.Context) (lifecycle.Cluster, error) {
	if *l.now {
		return lifecycle.Cluster{}, errdefs.ErrUnavailable
	}
	return l.Swarm.Cluster(ctx)
}

func TestServicesThatAreNotSeenAnyMoreAreToldOfEachTime(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	var log bytes.Buffer
	engine := lost{s, new(bool)}
	tw := ofSwarm(t, engine, s, watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	*engine.now = true
	update(t, tw)
	assert.NotContains(t, log.String(), "not seen", "whether there are any nobody knows")
	for i := range 2 {
		*engine.now = false
		assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
		*engine.now = true
		update(t, tw)
		update(t, tw)
		assert.Equal(t, i+1, strings.Count(log.String(), "the services of the swarm are not seen"))
	}
}

// crowded is a manager that has no node for a second task of a service, for a while.
type crowded struct {
	*enginetest.Swarm
	now *bool
}

func (f crowded) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	list, err := f.Swarm.Tasks(ctx, service)
	if *f.now {
		list = append(list, lifecycle.Task{ID: "second", Image: list[0].Image, Wanted: "running", State: "pending", Err: "no suitable node"})
	}
	return list, err
}

// The cluster would wait for that task, and the pass for the cluster.
func TestAServiceThatFindsNoNodeIsNotUpdated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := aSwarm(t, nil, second)
		engine := crowded{s, new(bool)}
		tw := ofSwarm(t, engine, s)
		stored, err := tw.Check(t.Context())
		require.NoError(t, err)
		*engine.now = true
		for name, pass := range map[string]func(context.Context) (*watchtower.Report, error){"check": tw.Check, "update": tw.Update} {
			r, err := pass(t.Context())
			require.NoError(t, err)
			e := entry(t, r, "web")
			assert.Equal(t, watchtower.StatusSkipped, e.Status, name)
			assert.Equal(t, "the swarm has no node for one of its tasks, and would wait for it: no suitable node", e.Reason)
			assert.Empty(t, r.Plan.Groups)
		}
		_, err = tw.Apply(t.Context(), stored.Plan)
		require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
		require.ErrorContains(t, err, "the swarm has no node for one of its tasks")
		assert.Empty(t, s.Posted())

		*engine.now = false
		assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), "web").Status)
	})
}

// As many as are swapped at once are updated at once, to their ends.
func TestServicesAreUpdatedSoManyAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := enginetest.NewSwarm()
		old := "app:1@" + s.Publish("app:1", enginetest.Image{}).String()
		for i := range 9 {
			s.CreateService(serviceSpec(fmt.Sprint("web", i), old))
		}
		s.Publish("app:1", second)
		var mu sync.Mutex
		now, most := map[string]bool{}, 0
		r := update(t, ofSwarm(t, s, s, watchtower.WithConcurrency(2), watchtower.WithObserver(watchtower.ObserverFunc(
			func(_ context.Context, e watchtower.Event) {
				mu.Lock()
				defer mu.Unlock()
				switch e := e.(type) {
				case watchtower.StepStarted:
					now[e.Step.Container] = true
				case watchtower.UpdateEnded:
					delete(now, e.Entry.Container.Name)
				}
				most = max(most, len(now))
			}))))
		assert.Equal(t, 9, r.Count(watchtower.StatusUpdated))
		assert.Equal(t, 2, most)
	})
}
