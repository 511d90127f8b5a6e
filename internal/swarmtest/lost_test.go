package swarmtest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// within bounds what a swarm takes to find itself again.
const within = 90 * time.Second

// patience is a watcher's in these tests.
const patience = 3 * time.Second

// midway is an observer that does something once, when the first tasks of a service's
// update run.
func midway(t *testing.T, start time.Time, service string, do func()) watchtower.Observer {
	t.Helper()
	once, line := sync.OnceFunc(do), &timeline{t, start}
	return watchtower.ObserverFunc(func(ctx context.Context, e watchtower.Event) {
		line.Observe(ctx, e)
		if s, ok := e.(watchtower.StepStarted); ok && s.Step.Container == service &&
			strings.HasPrefix(s.Step.Detail, "updating: ") && !strings.HasPrefix(s.Step.Detail, "updating: 0 ") {
			once()
		}
	})
}

// lost kills a node, and says when.
func lost(t *testing.T, start time.Time, host *enginehost.Host) {
	t.Helper()
	assert.NoError(t, host.Kill())
	t.Logf("%5.1f s  it is killed", time.Since(start).Seconds())
}

// seen waits until a watcher on a manager finds the service fresh, and tells what it
// found before.
func seen(t *testing.T, start time.Time, host *enginehost.Host, name string) {
	t.Helper()
	tw := tower(t, host.Address, []string{name}, watchtower.WithServices(watchtower.ServicesOnly))
	told := ""
	require.Eventually(t, func() bool {
		r, err := tw.Update(t.Context())
		text := ""
		var status watchtower.Status
		if err != nil {
			text = err.Error()
		} else {
			e := entry(t, r, name)
			status = e.Status
			text = string(status) + " " + e.Reason
		}
		if text != told {
			t.Logf("%5.1f s  the watcher on another manager: %s", time.Since(start).Seconds(), text)
		}
		told = text
		require.NotContains(t, []watchtower.Status{watchtower.StatusUpdated, watchtower.StatusFailed, watchtower.StatusRolledBack}, status, text)
		return status == watchtower.StatusFresh
	}, within, 200*time.Millisecond)
}

// holdUp is an observer that lets no node have the image of a service once its update
// begins, until it is called off.
func (n *nodes) holdUp(t *testing.T, service, digest string) (observer watchtower.Observer, release func()) {
	t.Helper()
	open := make(chan struct{})
	release = sync.OnceFunc(func() { close(open) })
	t.Cleanup(release) // before the registry ends
	return watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if s, ok := e.(watchtower.StepStarted); !ok || s.Step.Container != service || s.Step.Action != "update" {
			return
		}
		n.reg.Break(func(_ http.ResponseWriter, req *http.Request) bool {
			if strings.HasSuffix(req.URL.Path, digest) {
				<-open
			}
			return false
		})
	}), release
}

// runs waits until so many tasks run the image, and no others, on nodes that are there.
func (n *nodes) runs(t *testing.T, host *enginehost.Host, id, image string, tasks int, gone ...string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		running := 0
		for _, slot := range history(t, host, id) {
			for _, one := range slot {
				if one.DesiredState == "running" {
					running++
					assert.Equal(c, "running", one.Status.State)
					assert.Equal(c, image, one.Spec.ContainerSpec.Image)
					assert.NotContains(c, gone, n.names[one.NodeID])
				}
			}
		}
		assert.Equal(c, tasks, running)
	}, within, 100*time.Millisecond)
}

// A node that is lost in the middle of an update is done without, and so is the manager
// that the watcher talks to, which leads the others.
func TestNodesAreLostInTheMiddleOfAnUpdate(t *testing.T) {
	t.Parallel()
	n := startNodes(t, 1)
	first, other := n.hosts[0], n.hosts[1]
	id, ref := n.serve(t, "lost", version(1), 6, nil)
	// Of this one the node that is lost has a task on its way.
	global, globalRef := n.serve(t, "everywhere", version(1), 1, func(body object) {
		body["Mode"] = object{"Global": object{}}
		body["UpdateConfig"].(object)["Parallelism"] = 4
	})

	_, second := n.reg.Push(t, "lost:1", version(2))
	_, globalSecond := n.reg.Push(t, "everywhere:1", version(20)) // by another digest than that of the other service
	held, release := n.holdUp(t, "everywhere", globalSecond)
	start := time.Now()
	watch := midway(t, start, "lost", func() {
		assert.Eventually(t, func() bool {
			return slices.ContainsFunc(history(t, other, global)[0], func(one task) bool {
				return n.names[one.NodeID] == "n4" && one.Status.State == "preparing"
			})
		}, within, 20*time.Millisecond)
		lost(t, start, n.hosts[3])
		release()
	})
	both := []watchtower.Option{watchtower.WithObserver(held, watch)}
	r, err := tower(t, first.Address, []string{"lost", "everywhere"}, both...).Update(t.Context())
	require.NoError(t, err)
	for _, name := range []string{"lost", "everywhere"} {
		e := entry(t, r, name)
		t.Logf("%5.1f s  %s %s %v %v", time.Since(start).Seconds(), name, e.Status, e.Warnings, e.Err)
		require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	}
	n.tell(t, start, history(t, first, id))
	n.tell(t, start, history(t, first, global))
	n.runs(t, first, id, ref+"@"+second, 6, "n4")
	n.runs(t, first, global, globalRef+"@"+globalSecond, 3, "n4")
	assert.Contains(t, strings.Join(entry(t, r, "everywhere").Warnings, "\n"), "all 3 tasks run, and the cluster waits for more")
	assert.Equal(t, "updating", first.Service(t, global)["UpdateStatus"].(object)["State"], "which it does for good")
	// Any change ends that, and replaces nothing.
	now, before := first.Service(t, global), history(t, first, global)
	spec := now["Spec"].(object)
	spec["Labels"].(object)["touched"] = "yes"
	first.API(t, "POST", fmt.Sprintf("/services/%s/update?version=%.0f", global, now["Version"].(object)["Index"]), spec, nil)
	assert.Empty(t, first.Service(t, global)["UpdateStatus"])
	assert.Equal(t, watchtower.StatusFresh, pass(t, tower(t, other.Address, []string{"everywhere"}), "everywhere").Status)
	assert.Equal(t, before, history(t, first, global))

	id, ref = n.serve(t, "led", version(1), 6, nil)
	_, second = n.reg.Push(t, "led:1", version(2))
	start = time.Now()
	watch = midway(t, start, "led", func() { lost(t, start, first) })
	waited, err := n.rollOut(t, first, id, ref, second, watch)
	require.ErrorIs(t, err, errdefs.ErrUnavailable)
	require.ErrorContains(t, err, "the cluster goes on by itself: nobody answers: ")
	require.ErrorContains(t, err, "no such socket")
	assert.Less(t, waited, within)
	seen(t, start, other, "led")
	n.runs(t, other, id, ref+"@"+second, 6, "n1", "n4")
	t.Logf("%5.1f s  all tasks run", time.Since(start).Seconds())
	n.tell(t, start, history(t, other, id))
}

// rollOut updates a service, of which the end is not seen, and returns how long nobody
// answered, and how it ended.
func (n *nodes) rollOut(t *testing.T, host *enginehost.Host, id, ref, digest string, watch watchtower.Observer) (time.Duration, error) {
	t.Helper()
	engine, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	judged, err := engine.Service(t.Context(), id)
	require.NoError(t, err)
	last := time.Now()
	result, err := lifecycle.RollOut(engine, lifecycle.WithRolloutPatience(patience)).Update(t.Context(), lifecycle.Target{
		Members: []lifecycle.Member{{Container: judged.Container(), Reference: ref, ImageID: digest}},
		OnStep: func(s lifecycle.Step) {
			last = time.Now()
			watch.Observe(t.Context(), watchtower.StepStarted{Step: s})
		},
	})
	waited := time.Since(last)
	t.Logf("%.1f s after the last answer: %v", waited.Seconds(), err)
	assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
	assert.False(t, result.Members[0].ImageFailed)
	return waited, err
}

// Managers without a majority tell nothing and change nothing, until the others are back;
// nothing of the update is lost.
func TestTheMajorityIsLostInTheMiddleOfAnUpdate(t *testing.T) {
	t.Parallel()
	n := startNodes(t, 0)
	id, ref := n.serve(t, "quorum", version(1), 3, nil)
	_, second := n.reg.Push(t, "quorum:1", version(2))
	start := time.Now()
	watch := midway(t, start, "quorum", func() { lost(t, start, n.hosts[1]); lost(t, start, n.hosts[2]) })
	_, err := n.rollOut(t, n.hosts[0], id, ref, second, watch)
	require.ErrorIs(t, err, errdefs.ErrUnavailable)
	require.ErrorContains(t, err, "the cluster goes on by itself: nobody answers: ")
	tw := tower(t, n.hosts[0].Address, []string{"quorum"}, watchtower.WithServices(watchtower.ServicesOnly))
	require.Eventually(t, func() bool {
		_, err := tw.Update(t.Context())
		t.Logf("%5.1f s  the next pass: %v", time.Since(start).Seconds(), err)
		return err != nil && strings.Contains(err.Error(), "The swarm does not have a leader")
	}, within, 200*time.Millisecond)

	var back sync.WaitGroup
	for _, h := range n.hosts[1:3] {
		back.Go(func() { assert.NoError(t, h.Start()) })
	}
	back.Wait()
	t.Logf("%5.1f s  they are back", time.Since(start).Seconds())
	seen(t, start, n.hosts[2], "quorum")
	n.runs(t, n.hosts[2], id, ref+"@"+second, 3)
	t.Logf("%5.1f s  all tasks run", time.Since(start).Seconds())
	n.tell(t, start, history(t, n.hosts[2], id))
}
