package watchtower_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// namesakes are a service and a container of one name, on images of their own, each with
// the labels.
func namesakes(t *testing.T, ofService, ofContainer map[string]any) *enginetest.Swarm {
	t.Helper()
	s := aSwarm(t, func(spec lifecycle.Document) {
		spec.Object("TaskTemplate").Object("ContainerSpec")["Labels"] = ofService
	})
	s.Publish("alone:1", enginetest.Image{})
	s.Run("web", "alone:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": ofContainer}})
	return s
}

// kinds are the entries of one name.
func kinds(t *testing.T, r *watchtower.Report) (service, container watchtower.Entry) {
	t.Helper()
	require.Len(t, r.Entries, 2)
	service, container = r.Entries[0], r.Entries[1]
	if service.Container.Service == nil {
		service, container = container, service
	}
	require.NotNil(t, service.Container.Service)
	require.Nil(t, container.Container.Service)
	return service, container
}

func TestAReportTellsServicesFromContainers(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil)
	s.ChangeService("web", func(s *lifecycle.Service) { s.Rollout, s.Mode = lifecycle.RolloutPaused, "" })
	s.Run("web", "app:1", lifecycle.Spec{})
	s.Run("web.1.x", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{
		lifecycle.LabelTaskID: "x", lifecycle.LabelServiceName: "web",
	}}})
	r, err := ofSwarm(t, s, s).Check(t.Context())
	require.NoError(t, err)
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var written struct{ Containers []map[string]any }
	require.NoError(t, json.Unmarshal(data, &written))
	var said []map[string]any
	for _, c := range written.Containers {
		one := map[string]any{}
		for _, field := range []string{"name", "service", "rollout", "task_of"} {
			if value, ok := c[field]; ok {
				one[field] = value
			}
		}
		said = append(said, one)
	}
	assert.ElementsMatch(t, []map[string]any{
		{"name": "web"}, {"name": "web", "service": "replicated", "rollout": "paused"}, {"name": "web.1.x", "task_of": "web"},
	}, said)

	var read watchtower.Report
	require.NoError(t, json.Unmarshal(data, &read))
	again, err := json.Marshal(&read)
	require.NoError(t, err)
	assert.JSONEq(t, string(data), string(again))
}

// What is told of the one is not told of the other, nor over with it.
func TestAFactIsOfAServiceOrOfAContainer(t *testing.T) {
	t.Parallel()
	service := watchtower.Container{Name: "web", ID: "1", Service: &lifecycle.Service{Name: "web"}}
	container := watchtower.Container{Name: "web", ID: "2"}
	found := func(c watchtower.Container) watchtower.Event {
		return watchtower.UpdateFound{Entry: watchtower.Entry{Container: c, Latest: "sha256:1"}}
	}
	assert.NotEqual(t, watchtower.EventID(found(service)), watchtower.EventID(found(container)))
	ended := func(c watchtower.Container, s watchtower.Status) watchtower.Entry {
		e := watchtower.Entry{Container: c, Status: s, Latest: "sha256:1", Err: errdefs.ErrAborted}
		if s == watchtower.StatusFresh {
			e.Err = nil
		}
		return e
	}
	dir := t.TempDir()
	var told []watchtower.FailureEnded
	var events int
	observer := watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		events++
		if e, ok := e.(watchtower.FailureEnded); ok {
			told = append(told, e)
		}
	})
	pass := func(said []watchtower.Event, entries ...watchtower.Entry) {
		o, err := watchtower.Once(dir, observer, func(err error) { t.Error(err) }) // each in a process of its own
		require.NoError(t, err)
		o.Observe(t.Context(), watchtower.PassStarted{})
		for _, e := range said {
			o.Observe(t.Context(), e)
		}
		o.Observe(t.Context(), watchtower.PassEnded{Report: &watchtower.Report{Entries: entries}})
	}
	const back, fresh = watchtower.StatusRolledBack, watchtower.StatusFresh
	said := []watchtower.Event{
		watchtower.UpdateEnded{Entry: ended(service, back)},
		watchtower.UpdateEnded{Entry: ended(container, back)},
		watchtower.CheckFailed{Reference: "of:service", Services: []string{"web"}},
		watchtower.CheckFailed{Reference: "of:container", Containers: []string{"web"}},
	}
	pass(said, ended(service, back), ended(container, back))
	assert.Equal(t, 2+4, events)
	events = 0
	pass(said, ended(service, back), ended(container, back))
	assert.Equal(t, 2, events, "the pass's own")
	require.Empty(t, told)

	unasked := watchtower.Entry{Container: container, Status: watchtower.StatusSkipped}
	pass(nil, ended(service, fresh), unasked)
	require.Len(t, told, 2)
	for _, e := range told {
		assert.Equal(t, []string{"web"}, e.Services, e.What)
		assert.Empty(t, e.Containers, e.What)
	}
	assert.ElementsMatch(t, []string{"of:service", ""}, []string{told[0].Reference, told[1].Reference})
	told = nil
	pass(nil, ended(service, fresh), ended(container, fresh))
	require.Len(t, told, 2)
	for _, e := range told {
		assert.Equal(t, []string{"web"}, e.Containers, e.What)
		assert.Empty(t, e.Services, e.What)
	}
}

func TestNamesakesAreToldOfApart(t *testing.T) {
	t.Parallel()
	s := namesakes(t, map[string]any{watchtower.NoPullLabel: "no"}, map[string]any{watchtower.NoPullLabel: "yes"})
	var labels []string
	var failed []watchtower.CheckFailed
	var audit, log bytes.Buffer
	tw := ofSwarm(t, s, s, watchtower.WithStableTime(time.Millisecond), watchtower.WithObserver(watchtower.Audit(&audit, nil)),
		watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			switch e := e.(type) {
			case watchtower.LabelInvalid:
				labels = append(labels, e.Value)
			case watchtower.CheckFailed:
				failed = append(failed, e)
			}
		})))
	for range 2 {
		_, err := tw.Check(t.Context())
		require.NoError(t, err)
	}
	assert.ElementsMatch(t, []string{"no", "yes"}, labels, "each once")

	s.Publish("app:1", second)
	s.Publish("alone:1", second)
	r := update(t, tw)
	service, container := kinds(t, r)
	planned := []lifecycle.ServiceMode{}
	for _, g := range r.Plan.Groups {
		planned = append(planned, g.Members[0].Service)
	}
	assert.ElementsMatch(t, []lifecycle.ServiceMode{"", lifecycle.ModeReplicated}, planned)
	assert.Equal(t, watchtower.StatusUpdated, service.Status, "%v", service.Err)
	assert.Equal(t, watchtower.StatusUpdated, container.Status, "%v", container.Err)
	modes := map[string][]any{} // by event
	for line := range strings.Lines(audit.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		event := l["event"].(string)
		if event == "step" {
			event += " " + l["action"].(string)
		}
		if event == "updated" || event == "step update" || event == "step create" {
			modes[event] = append(modes[event], l["service"])
			assert.Equal(t, event == "updated" && l["service"] != nil, l["service"] != nil && l["took_ms"] != nil, "%s", line)
		}
	}
	assert.Equal(t, []any{"replicated"}, modes["step update"])
	assert.Equal(t, []any{nil}, modes["step create"])
	assert.ElementsMatch(t, []any{"replicated", nil}, modes["updated"])
	assert.Equal(t, 1, strings.Count(log.String(), "msg=updated container=web image=app:1 service=replicated"), "%s", log.String())
	assert.Equal(t, 1, strings.Count(log.String(), "msg=updated container=web image=alone:1 id="), "%s", log.String())

	down := &downtime{checker: s.Checker(), registryDown: true}
	_, err := ofSwarm(t, s, s, watchtower.WithChecker(down), watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if e, ok := e.(watchtower.CheckFailed); ok {
			failed = append(failed, e)
		}
	}))).Check(t.Context())
	require.NoError(t, err)
	require.Len(t, failed, 2)
	for _, e := range failed {
		if strings.Contains(e.Reference, "app") {
			assert.Equal(t, []string{"web"}, e.Services)
			assert.Empty(t, e.Containers)
		} else {
			assert.Equal(t, []string{"web"}, e.Containers)
			assert.Empty(t, e.Services)
		}
	}
}

// A pass that is made for the one is none for the other.
func TestTheHourOfAServiceIsNotItsNamesakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := namesakes(t, map[string]any{gate.WindowLabel: "02:00-04:00 UTC"}, nil)
		s.Publish("app:1", second)
		var said []string
		tw := ofSwarm(t, s, s, watchtower.WithStableTime(time.Millisecond), watchtower.WithSchedule(watchtower.Every(24*time.Hour)),
			watchtower.WithGate(gate.WithinByLabel(nil)),
			watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				end, ok := e.(watchtower.PassEnded)
				if !ok {
					return
				}
				service, container := kinds(t, end.Report)
				said = append(said, string(service.Status)+" "+string(container.Status)+" "+container.Reason)
				s.Publish("alone:1", second)
			})))
		ctx, cancel := context.WithTimeout(t.Context(), 27*time.Hour) // after two o'clock of the second day
		defer cancel()
		require.NoError(t, tw.Run(ctx))
		synctest.Wait()
		assert.Equal(t, []string{"held fresh ", "updated held found between two scheduled passes"}, said)
	})
}
