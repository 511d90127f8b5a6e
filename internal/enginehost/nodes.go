package enginehost

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A swarm of tests finds out sooner than others who is lost: these are its seconds, in
// parentheses an engine's own.
const (
	// nodeBeat is how often a node says that it is there (5); three that are missing
	// make it one that is down.
	nodeBeat = time.Second
	// electionTicks is how long managers wait for one that leads them (10).
	electionTicks = 3
)

// quick are the swarm's settings.
func quick() Object {
	return Object{
		"Dispatcher": Object{"HeartbeatPeriod": nodeBeat}, "Raft": Object{"ElectionTick": electionTicks, "HeartbeatTick": 1},
	}
}

// Reach lets the node of a swarm reach an address of the tests' loopback, such as a
// registry's, at the same address of its own: a reference is the same on every node.
func (h *Host) Reach(t testing.TB, address string) {
	t.Helper()
	n, ok := h.engine.(interface{ reach(address string) error })
	require.True(t, ok, "the engine is a node of StartSwarm")
	require.NoError(t, n.reach(address))
}

// NodeStates are the states of a swarm's nodes, such as "ready" and "down", by their host
// names; of a manager only.
func (h *Host) NodeStates(t testing.TB) map[string]string {
	t.Helper()
	var list []struct {
		Description struct{ Hostname string }
		Status      struct{ State string }
	}
	h.API(t, http.MethodGet, "/nodes", nil, &list)
	out := map[string]string{}
	for _, n := range list {
		out[n.Description.Hostname] = n.Status.State
	}
	return out
}

// AwaitNode returns once a node of the swarm is in the state.
func (h *Host) AwaitNode(t testing.TB, name, state string) {
	t.Helper()
	for deadline := time.Now().Add(tasksWithin); h.NodeStates(t)[name] != state; time.Sleep(50 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "the node %s is not %s: %v", name, state, h.NodeStates(t))
	}
}

// NodeID is what its swarm calls the engine.
func (h *Host) NodeID(t testing.TB) string {
	t.Helper()
	var info struct{ Swarm struct{ NodeID string } }
	h.API(t, http.MethodGet, "/info", nil, &info)
	return info.Swarm.NodeID
}
