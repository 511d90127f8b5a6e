package dockerengine_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestWhatPodmanRefusesHasItsClass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status  int
		message string
		is      func(error) bool
	}{
		"a name that is taken": {500, "container create: creating container storage: the container name \\\"web\\\" is already in use by 1: " +
			"that name is already in use", errdefs.IsConflict},
		"a name that is none": {500, "container create: running container create option: names must match " +
			"[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument", errdefs.IsInvalidArgument},
		"a state that does not do":        {500, "container 1 must be in Created or Stopped state to be started: container state improper", errdefs.IsConflict},
		"an image with two tags":          {500, "unable to delete image 1 by ID with more than one tag ([a b]): please force removal", errdefs.IsConflict},
		"no such layer":                   {500, "nobody not found: layer not known", errdefs.IsNotFound},
		"trouble of Docker's own":         {500, "mount /x: invalid argument", errdefs.IsInternal},
		"what has a class of Docker's is": {404, "No such container: container state improper", errdefs.IsNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fakeEngine(t, func() string { return "1.41" }, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, `{"message":"`+tt.message+`"}`)
			})
			for _, err := range []error{
				e.Start(t.Context(), "web"), // a typed call
				func() error { _, err := e.Create(t.Context(), lifecycle.CreateOptions{Name: "web"}); return err }(), // our own
			} {
				require.Error(t, err)
				classes := 0
				for _, is := range []func(error) bool{errdefs.IsConflict, errdefs.IsInvalidArgument, errdefs.IsNotFound, errdefs.IsInternal} {
					if is(err) {
						classes++
					}
				}
				assert.True(t, tt.is(err), "%v", err)
				assert.Equal(t, 1, classes, "%v", err)
			}
		})
	}
}

func TestPodmanIsAskedAgainAboutWhatEndedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fails int // as often, before it knows
		asked int32
		want  lifecycle.State
	}{
		"once":   {1, 2, lifecycle.StateExited},
		"always": {1000, 10, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			e := fakeEngine(t, func() string { return "1.41" }, func(w http.ResponseWriter, _ *http.Request, _ string) {
				if int(asked.Add(1)) <= tt.fails {
					w.WriteHeader(http.StatusInternalServerError)
					_, _ = io.WriteString(w, `{"message":"read /proc/1415/cgroup: no such process"}`)
					return
				}
				_, _ = io.WriteString(w, `{"Id":"1","State":{"Status":"exited"}}`)
			})
			got, err := e.Inspect(t.Context(), "web")
			assert.Equal(t, tt.want, got.State)
			assert.Equal(t, tt.want == "", errdefs.IsInternal(err), "%v", err)
			assert.Equal(t, tt.asked, asked.Load())
		})
	}
}

func TestWhatPodmanCallsOtherwise(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]lifecycle.State{
		"configured": lifecycle.StateCreated, "initialized": lifecycle.StateCreated, "stopping": lifecycle.StateRunning,
		"stopped": lifecycle.StateExited, "paused": lifecycle.StatePaused, "dead": lifecycle.StateDead,
	} {
		e := fakeEngine(t, func() string { return "1.41" }, func(w http.ResponseWriter, _ *http.Request, path string) {
			body := `{"State":{"Status":"` + word + `"}}`
			if path == "/containers/json" {
				body = `[{"State":"` + word + `"}]`
			}
			_, _ = io.WriteString(w, body)
		})
		list, err := e.Containers(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, list[0].State, word)
		snap, err := e.Inspect(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, want, snap.State, word)
	}
	for body, want := range map[string]string{
		`{"Platform":{"Name":"linux/amd64/debian-12"},"Components":[{"Name":"Podman Engine"}]}`: "Podman Engine",
		`{"Platform":{"Name":"Docker Engine - Community"},"Components":[{"Name":"Engine"}]}`:    "Docker Engine - Community",
		`{"Components":[{"Name":"Engine"}]}`:                                                    "Docker Engine",
	} {
		e := fakeEngine(t, func() string { return "1.41" }, func(w http.ResponseWriter, _ *http.Request, _ string) {
			_, _ = io.WriteString(w, body)
		})
		info, err := e.Describe(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, info.Name)
	}
}
