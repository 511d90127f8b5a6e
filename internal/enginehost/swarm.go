package enginehost

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// swarmAddress is what the engine advertises: of a network that nobody else is in.
	swarmAddress = "10.99.0.1"
	// tasksWithin is how long a service's tasks may take to run.
	tasksWithin = time.Minute
)

// Swarm makes the engine the manager of a swarm of its own until the test ends. The
// engine has to be this test binary's, in whose network it gets an address to
// advertise. Kernels may lack IPVS: a service must have EndpointSpec{Mode: dnsrr}, and
// ports in host mode only.
func (h *Host) Swarm(t testing.TB) {
	t.Helper()
	if h.engine == nil {
		unproven(t, "the engine is not the tests' own, and is put in no swarm")
	}
	for _, args := range [][]string{
		{"link", "add", "swarm0", "type", "veth", "peer", "name", "swarm1"},
		{"address", "add", swarmAddress + "/24", "dev", "swarm0"},
		{"link", "set", "swarm0", "up"},
		{"link", "set", "swarm1", "up"},
	} {
		out, err := exec.CommandContext(context.Background(), "ip", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), "ip", "link", "delete", "swarm0").Run() // with its peer
	})
	h.API(t, http.MethodPost, "/swarm/init", Object{
		"ListenAddr": swarmAddress + ":2377", "AdvertiseAddr": swarmAddress, "DataPathAddr": swarmAddress,
	}, nil)
	t.Cleanup(func() { h.Status(t, http.MethodPost, "/swarm/leave?force=1", nil) })
}

// Serve creates a service from the body of the engine's create call, and returns once
// its tasks run.
func (h *Host) Serve(t testing.TB, body Object) (id string) {
	t.Helper()
	var out struct{ ID string }
	h.API(t, http.MethodPost, "/services/create", body, &out)
	t.Cleanup(func() {
		// A manager that was lost answers no more.
		_, _ = h.call(context.Background(), http.MethodDelete, "/services/"+out.ID, nil, nil)
	})
	h.AwaitTasks(t, out.ID)
	return out.ID
}

// AwaitTasks returns once all tasks run that the service is to have.
func (h *Host) AwaitTasks(t testing.TB, service string) {
	t.Helper()
	for deadline := time.Now().Add(tasksWithin); ; time.Sleep(100 * time.Millisecond) {
		var list []struct {
			ServiceStatus struct{ RunningTasks, DesiredTasks int }
		}
		h.API(t, http.MethodGet, fmt.Sprintf("/services?status=1&filters={%q:[%q]}", "id", service), nil, &list)
		if len(list) == 1 {
			if s := list[0].ServiceStatus; s.DesiredTasks > 0 && s.RunningTasks == s.DesiredTasks {
				return
			}
		}
		require.True(t, time.Now().Before(deadline), "the tasks do not run: %+v", list)
	}
}

// Service returns the engine's inspect of a service.
func (h *Host) Service(t testing.TB, service string) Object {
	t.Helper()
	var out Object
	h.API(t, http.MethodGet, "/services/"+service, nil, &out)
	return out
}

// Tasks returns the IDs of the service's tasks that are to run, with their images.
func (h *Host) Tasks(t testing.TB, service string) map[string]string {
	t.Helper()
	var list []struct {
		ID   string
		Spec struct{ ContainerSpec struct{ Image string } }
	}
	h.API(t, http.MethodGet, fmt.Sprintf("/tasks?filters={%q:[%q],%q:[%q]}", "service", service, "desired-state", "running"), nil, &list)
	out := map[string]string{}
	for _, task := range list {
		out[task.ID] = task.Spec.ContainerSpec.Image
	}
	return out
}
