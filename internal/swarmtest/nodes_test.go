package swarmtest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// nodes are a swarm, and the registry that all of them reach.
type nodes struct {
	hosts []*enginehost.Host
	reg   *enginehost.Registry
	names map[string]string // the nodes', by ID
}

// startNodes starts three managers and so many workers.
func startNodes(t *testing.T, workers int) *nodes {
	t.Helper()
	n := &nodes{hosts: enginehost.StartSwarm(t, 3, workers), reg: enginehost.StartRegistry(t), names: map[string]string{}}
	for i, h := range n.hosts {
		h.Reach(t, n.reg.Addr)
		n.names[h.NodeID(t)] = fmt.Sprint("n", i+1)
	}
	return n
}

// serve creates a service of the image, and returns its ID and its image's name.
func (n *nodes) serve(t *testing.T, name string, image enginehost.Image, replicas int, change func(body object)) (id, ref string) {
	t.Helper()
	ref, first := n.reg.Push(t, name+":1", image)
	body := aServiceOf(name, ref+"@"+first, replicas)
	if change != nil {
		change(body)
	}
	return n.hosts[0].Serve(t, body), ref
}

// task is one of a service's, as the engine tells of it.
type task struct {
	ID, NodeID, DesiredState string
	Slot                     int
	CreatedAt                time.Time
	Status                   struct {
		State, Err string
		Timestamp  time.Time
	}
	Spec struct{ ContainerSpec struct{ Image string } }
}

// history are all tasks of a service that are remembered, by slot, the oldest first.
func history(t *testing.T, host *enginehost.Host, id string) map[int][]task {
	t.Helper()
	var list []task
	host.API(t, "GET", fmt.Sprintf("/tasks?filters={%q:[%q]}", "service", id), nil, &list)
	slices.SortFunc(list, func(a, b task) int { return a.CreatedAt.Compare(b.CreatedAt) })
	out := map[int][]task{}
	for _, one := range list {
		out[one.Slot] = append(out[one.Slot], one)
	}
	return out
}

// tell logs which task ran where, and when it came to the state it is in.
func (n *nodes) tell(t *testing.T, start time.Time, tasks map[int][]task) {
	t.Helper()
	at := func(when time.Time) string { return fmt.Sprintf("%.1f s", when.Sub(start).Seconds()) }
	for _, slot := range slices.Sorted(maps.Keys(tasks)) {
		for _, one := range tasks[slot] {
			image := one.Spec.ContainerSpec.Image
			t.Logf("slot %d  %s  …%s  made %s, %s at %s, wanted %s %s", slot, n.names[one.NodeID], image[len(image)-6:],
				at(one.CreatedAt), one.Status.State, at(one.Status.Timestamp), one.DesiredState, one.Status.Err)
		}
	}
}

// Services of several nodes are updated by watchers on several managers, side by side.
func TestManagersUpdateServicesOfAllNodes(t *testing.T) {
	t.Parallel()
	n := startNodes(t, 1)
	for name, test := range map[string]func(*testing.T, *nodes){
		"a client on the overlay": clientOnTheOverlay, "a bad image": badImage, "two watchers": twoWatchers, "another field": anotherField,
		"a worker": onAWorker,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, n)
		})
	}
}

// A client on one node asks tasks on all of them, while they are replaced two at a time.
func clientOnTheOverlay(t *testing.T, n *nodes) {
	t.Helper()
	follower, worker := n.hosts[1], n.hosts[3]
	follower.API(t, "POST", "/networks/create", object{"Name": "crowd", "Driver": "overlay", "Attachable": true}, nil)
	id, ref := n.serve(t, "crowd", serving("1"), 6, func(body object) { body["TaskTemplate"].(object)["Networks"] = []object{{"Target": "crowd"}} })
	asking, _ := n.reg.Push(t, "asking:1", enginehost.Image{})
	worker.Pull(t, asking, "")
	worker.Run(t, "asking", object{"Image": asking, "HostConfig": object{"NetworkMode": "crowd"}})
	before := follower.Service(t, id)["Spec"].(object)
	c := worker.StartClient(t, "asking", "http://crowd:8080/", pause)
	_, second := n.reg.Push(t, "crowd:1", serving("2"))
	start := time.Now()
	e := pass(t, tower(t, follower.Address, []string{"crowd"}, watchtower.WithObserver(&timeline{t, start})), "crowd")
	took := time.Since(start)
	saw := c.Stop(t)
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	tasks := history(t, follower, id)
	n.tell(t, start, tasks)
	t.Logf("%d requests in %v, %d of them needed a second try, %d lost, longest %v",
		saw.Requests, took.Round(time.Second), len(saw.First), len(saw.Lost), saw.Stall.Round(time.Millisecond))
	for _, f := range saw.First {
		t.Logf("  %5.1f s  %s", f.At.Sub(start).Seconds(), f.Error)
	}
	on := map[string]bool{}
	for _, slot := range tasks {
		require.Len(t, slot, 2, "one is replaced by one")
		on[slot[0].NodeID] = true
	}
	assert.Greater(t, len(on), 1, "they were on several nodes")
	require.NotEmpty(t, saw.Pages)
	assert.Equal(t, "1", saw.Pages[0])
	assert.Equal(t, "2", saw.Pages[len(saw.Pages)-1])
	before["TaskTemplate"].(object)["ContainerSpec"].(object)["Image"] = ref + "@" + second
	assert.Equal(t, before, follower.Service(t, id)["Spec"], "the image is all that differs")
}

// The swarm rolls a bad image back on all nodes, and it is not tried again.
func badImage(t *testing.T, n *nodes) {
	t.Helper()
	host := n.hosts[2]
	id, _ := n.serve(t, "bad", version(1), 3, func(body object) { body["UpdateConfig"].(object)["Monitor"] = 5 * time.Second })
	before := imageOf(t, host, id)
	n.reg.Push(t, "bad:1", enginehost.Image{Cmd: []string{"false"}})
	tw := tower(t, host.Address, []string{"bad"}, watchtower.WithObserver(&timeline{t, time.Now()}))
	e := pass(t, tw, "bad")
	require.Equal(t, watchtower.StatusRolledBack, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, before, imageOf(t, host, id))
	then := history(t, host, id)
	e = pass(t, tw, "bad")
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Equal(t, then, history(t, host, id), "it is not tried again")
	host.AwaitTasks(t, id)
}

// Two watchers of two managers find the same service stale: one updates it, and the
// other one says that somebody has.
func twoWatchers(t *testing.T, n *nodes) {
	t.Helper()
	id, ref := n.serve(t, "twice", version(1), 2, nil)
	before := imageOf(t, n.hosts[0], id)
	_, second := n.reg.Push(t, "twice:1", version(2))
	var judged, both sync.WaitGroup
	judged.Add(2)
	meet := func(context.Context, watchtower.HookCall) watchtower.HookVerdict {
		judged.Done()
		judged.Wait()
		return watchtower.HookVerdict{}
	}
	var told [2]watchtower.Entry
	for i := range told {
		tw := tower(t, n.hosts[i].Address, []string{"twice"}, watchtower.WithHook(lifecycle.PreUpdate, meet))
		both.Go(func() {
			r, err := tw.Update(t.Context())
			if assert.NoError(t, err) {
				told[i] = r.Entries[slices.IndexFunc(r.Entries, func(e watchtower.Entry) bool { return e.Container.Name == "twice" })]
			}
		})
	}
	both.Wait()
	for _, e := range told {
		t.Logf("%s %s", e.Status, e.Reason)
		require.NoError(t, e.Err)
		if e.Status != watchtower.StatusUpdated {
			assert.Equal(t, watchtower.StatusSkipped, e.Status)
			assert.Contains(t, e.Reason, "somebody else has given it this image meanwhile: "+ref+"@"+second)
		}
	}
	assert.NotEqual(t, told[0].Status, told[1].Status, "one of them did it")
	for slot, tasks := range history(t, n.hosts[2], id) {
		require.Len(t, tasks, 2, "slot %d was replaced once", slot)
	}
	was := n.hosts[2].Service(t, id)["PreviousSpec"].(object)["TaskTemplate"].(object)["ContainerSpec"].(object)["Image"]
	assert.Equal(t, before, was, "it had one specification more")
}

// What somebody changes at another manager between the look and the update is kept.
func anotherField(t *testing.T, n *nodes) {
	t.Helper()
	id, ref := n.serve(t, "field", version(1), 2, nil)
	_, second := n.reg.Push(t, "field:1", version(2))
	asked := 0
	scale := func(context.Context, watchtower.HookCall) watchtower.HookVerdict {
		asked++
		now := n.hosts[2].Service(t, id)
		spec := now["Spec"].(object)
		spec["Mode"].(object)["Replicated"].(object)["Replicas"] = 3
		spec["Labels"].(object)["tier"] = "back"
		n.hosts[2].API(t, "POST", fmt.Sprintf("/services/%s/update?version=%.0f", id, now["Version"].(object)["Index"]), spec, nil)
		return watchtower.HookVerdict{}
	}
	front := enginehost.NewFront(t, n.hosts[0].Address, nil)
	e := pass(t, tower(t, front.Address, []string{"field"}, watchtower.WithHook(lifecycle.PreUpdate, scale)), "field")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, 1, asked)
	posts := slices.DeleteFunc(front.Requests(), func(request string) bool { return request != "POST /services/"+id+"/update" })
	assert.Len(t, posts, 2, "the first is refused")
	spec := n.hosts[1].Service(t, id)["Spec"].(object)
	assert.InDelta(t, 3, spec["Mode"].(object)["Replicated"].(object)["Replicas"], 0)
	assert.Equal(t, object{"tier": "back"}, spec["Labels"])
	assert.Equal(t, ref+"@"+second, imageOf(t, n.hosts[1], id))
	assert.Len(t, n.hosts[1].Tasks(t, id), 3)
}

// A worker's watcher says once who updates services, and leaves their tasks alone.
func onAWorker(t *testing.T, n *nodes) {
	t.Helper()
	worker := n.hosts[3]
	n.serve(t, "there", version(1), 1, func(body object) {
		body["TaskTemplate"].(object)["Placement"] = object{"Constraints": []string{"node.role==worker"}}
	})
	n.reg.Push(t, "there:1", version(2))
	var said bytes.Buffer
	tw := tower(t, worker.Address, []string{"there.*"}, watchtower.WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
	for range 2 {
		r, err := tw.Update(t.Context())
		require.NoError(t, err)
		i := slices.IndexFunc(r.Entries, func(e watchtower.Entry) bool { return strings.HasPrefix(e.Container.Name, "there.") })
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, "a task of the service there, which the swarm replaces by itself", r.Entries[i].Reason)
	}
	const line = "this engine is a worker of a swarm: its services are updated by a watchtower on a manager, its own containers here"
	assert.Equal(t, 1, strings.Count(said.String(), line), said.String())
	_, err := tower(t, worker.Address, []string{"there"}, watchtower.WithServices(watchtower.ServicesOnly)).Update(t.Context())
	require.ErrorContains(t, err, "services only, and this engine is no manager of a swarm")
}
