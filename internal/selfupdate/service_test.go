package selfupdate_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// service is a watcher that runs as one, and what its tasks said, the containers that the
// swarm has removed since among them.
type service struct {
	*world

	id   string
	said map[string]string
}

// serve runs a watcher as a service of its own scope.
func (w *world) serve(t *testing.T, name, image, order string, replicas int) *service {
	t.Helper()
	s := &service{w, "", map[string]string{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(s.lines(t, ""), "\n"))
		}
	})
	s.id = w.host.Serve(t, object{
		"Name": name, "Labels": object{"com.centurylinklabs.watchtower.scope": name}, "EndpointSpec": object{"Mode": "dnsrr"},
		"TaskTemplate": object{
			"ContainerSpec": object{
				"Image": image, "User": user, "Groups": []string{strconv.Itoa(socketGroup)}, "ReadOnly": true,
				"Env":    []string{"WATCHTOWER_SCOPE=" + name, "WATCHTOWER_POLL_INTERVAL=1s", "WATCHTOWER_LOG_FORMAT=logfmt"},
				"Mounts": []object{{"Type": "bind", "Source": w.socket, "Target": "/var/run/docker.sock"}},
			},
			"RestartPolicy": object{"Condition": "any", "Delay": 200 * time.Millisecond},
			"Placement":     object{"Constraints": []string{"node.role==manager"}},
		},
		"Mode":           object{"Replicated": object{"Replicas": replicas}},
		"UpdateConfig":   object{"Parallelism": 1, "FailureAction": "rollback", "Monitor": 3 * time.Second, "Order": order},
		"RollbackConfig": object{"Parallelism": 1, "Monitor": time.Second, "Order": order},
	})
	return s
}

// lines are those that have the text, of all tasks' logs.
func (s *service) lines(t *testing.T, text string) (out []string) {
	t.Helper()
	var list []struct{ ID string }
	s.host.API(t, "GET", fmt.Sprintf("/containers/json?all=1&filters={%q:[%q]}", "label", "com.docker.swarm.service.id="+s.id), nil, &list)
	for _, c := range list {
		if said := s.host.Logs(t, c.ID); said != "" {
			s.said[c.ID] = said
		}
	}
	for id, said := range s.said {
		for _, line := range strings.Split(said, "\n") {
			if i := strings.Index(line, "time="); i >= 0 && strings.Contains(line, text) {
				out = append(out, line[i:]+" # "+id[:12])
			}
		}
	}
	slices.Sort(out)
	return out
}

// says waits until the text was said so many times.
func (s *service) says(t *testing.T, text string, times int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.lines(t, text)) >= times }, within, 100*time.Millisecond, text)
	require.Len(t, s.lines(t, text), times)
}

// runs waits until nothing is in hand and all tasks run the image.
func (s *service) runs(t *testing.T, image string, tasks int) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, _ := s.host.Service(t, s.id)["UpdateStatus"].(object)
		state, _ := status["State"].(string)
		now := s.host.Tasks(t, s.id)
		for _, has := range now {
			if has != image {
				return false
			}
		}
		return strings.HasSuffix(state, "completed") && len(now) == tasks
	}, within, 100*time.Millisecond, "all tasks run %s", image)
}

// leftAlone counts the passes that were made without trying a digest again.
func (s *service) leftAlone(t *testing.T) int {
	t.Helper()
	return len(s.lines(t, "the swarm rolled this digest back")) + len(s.lines(t, "this digest failed on"))
}

// As a service it gives its own service the new image, and the swarm does the rest: the
// process that is there in the end says how it went.
func TestAsAServiceItReplacesItself(t *testing.T) {
	w := newWorld(t)
	w.host.Swarm(t)
	t.Run("at the same time", func(t *testing.T) {
		for _, order := range []string{"stop-first", "start-first"} {
			t.Run(order, func(t *testing.T) {
				t.Parallel()
				goodAndBad(t, w, order)
			})
		}
		t.Run("two of it", func(t *testing.T) {
			t.Parallel()
			twoOfIt(t, w)
		})
	})
	assert.Zero(t, helpers(w.proxy.Calls()), "a task has no helper")
}

// goodAndBad replaces one by a good image, by two that do not work, and by a good one.
func goodAndBad(t *testing.T, w *world, order string) {
	t.Helper()
	name := "svc-" + order
	ref, first := w.pushed(t, name, "0", nil)
	s := w.serve(t, name, ref+"@"+first, order, 1)
	begin := time.Now()
	_, second := w.pushed(t, name, "1", nil)
	s.runs(t, ref+"@"+second, 1)
	s.says(t, "updated this watchtower itself", 1)
	t.Logf("%s, a good one: told after %v", order, time.Since(begin).Round(100*time.Millisecond))

	for i, program := range [][]string{{"/watchtower", "--frobnicate"}, {"/nothing"}} {
		begin = time.Now()
		w.pushed(t, name, "bad"+strconv.Itoa(i), func(img *enginehost.Image) { img.Entrypoint = program })
		s.says(t, "this watchtower itself: rolled back", 1+i)
		s.runs(t, ref+"@"+second, 1)
		t.Logf("%s, %v: told after %v", order, program, time.Since(begin).Round(100*time.Millisecond))
		version, passes := w.host.Service(t, s.id)["Version"], s.leftAlone(t)
		require.Eventually(t, func() bool { return s.leftAlone(t) >= passes+3 }, within, 100*time.Millisecond)
		assert.Equal(t, version, w.host.Service(t, s.id)["Version"], "three passes later it has not been tried again")
		s.says(t, "replacing this watchtower itself", 2+i)
	}

	_, third := w.pushed(t, name, "2", nil)
	s.runs(t, ref+"@"+third, 1)
	s.says(t, "updated this watchtower itself", 2)
	t.Log("\n" + strings.Join(slices.Concat(s.lines(t, "this watchtower itself"), s.lines(t, "rolled this digest back")), "\n"))
}

// twoOfIt see the same at the same time: one is too late, or is replaced by then.
func twoOfIt(t *testing.T, w *world) {
	t.Helper()
	ref, first := w.pushed(t, "svc-two", "0", nil)
	s := w.serve(t, "svc-two", ref+"@"+first, "stop-first", 2)
	_, second := w.pushed(t, "svc-two", "1", nil)
	begin := time.Now()
	s.runs(t, ref+"@"+second, 2)
	s.says(t, "updated this watchtower itself", 2)
	t.Logf("told by both after %v", time.Since(begin).Round(100*time.Millisecond))
	assert.Len(t, s.lines(t, "replacing this watchtower itself"), 1)
}
