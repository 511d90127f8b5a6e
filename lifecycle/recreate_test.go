package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
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

// scene is an engine with the container web on app:1, and a newer app:1 pulled.
type scene struct {
	*enginetest.Engine

	web lifecycle.Container
	new string // the newer image's ID
}

func newScene(t *testing.T, spec lifecycle.Spec, was lifecycle.State, next enginetest.Image) scene {
	t.Helper()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=1"}, Volumes: []string{"/data"}})
	s := scene{Engine: e, web: e.Run("web", "app:1", spec)}
	ctx := t.Context()
	switch was {
	case lifecycle.StatePaused:
		require.NoError(t, e.Pause(ctx, "web"))
	case lifecycle.StateExited:
		require.NoError(t, e.Stop(ctx, "web", lifecycle.StopOptions{}))
	default:
	}
	next.Env, next.Volumes = []string{"VERSION=2"}, []string{"/data"}
	e.Publish("app:1", next)
	require.NoError(t, e.Pull(ctx, lifecycle.PullOptions{Reference: "app:1"}))
	image, err := e.InspectImage(ctx, "app:1")
	require.NoError(t, err)
	s.new = image.ID
	s.web.State = was
	e.Calls()
	return s
}

func (s scene) update(ctx context.Context) (lifecycle.Result, error) {
	return lifecycle.Recreate(s.Engine).Update(ctx, lifecycle.Target{Members: []lifecycle.Member{
		{Container: s.web, Reference: "app:1", ImageID: s.new},
	}})
}

// changes are the calls that changed something, without the IDs in them.
func (s scene) changes() []string {
	var out []string
	for _, c := range s.Calls() {
		if c.Changes {
			subject := strings.NewReplacer(s.web.ID, "<old>", s.web.ID[:12], "<old>").Replace(c.Subject)
			if len(subject) == 64 {
				subject = "<id>"
			}
			out = append(out, c.Method+" "+subject)
		}
	}
	return out
}

func (s scene) only(t *testing.T) lifecycle.Container {
	t.Helper()
	list, err := s.Containers(t.Context())
	require.NoError(t, err)
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.Name
	}
	require.Equal(t, []string{"web"}, names, "one container, under its name")
	return list[0]
}

// named is the one container whose name has the text in it.
func (s scene) named(t *testing.T, text string) lifecycle.Container {
	t.Helper()
	list, err := s.Containers(t.Context())
	require.NoError(t, err)
	list = slices.DeleteFunc(list, func(c lifecycle.Container) bool { return !strings.Contains(c.Name, text) })
	require.Len(t, list, 1)
	return list[0]
}

func count(list []string, text string) (n int) {
	for _, item := range list {
		if item == text {
			n++
		}
	}
	return n
}

func TestASwapMakesTheseCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		spec lifecycle.Spec
		was  lifecycle.State
		want []string
	}{
		{"running", lifecycle.Spec{}, lifecycle.StateRunning, []string{
			"Create web.wt-new-<old>-<old>", "Rename <old>", "Rename web.wt-new-<old>-<old>",
			"Stop web.wt-old-r-<old>-<old>-0", "Start <id>", "Remove web.wt-old-r-<old>-<old>-0",
		}},
		{"paused", lifecycle.Spec{}, lifecycle.StatePaused, []string{
			"Create web.wt-new-<old>-<old>", "Rename <old>", "Rename web.wt-new-<old>-<old>",
			"Stop web.wt-old-p-<old>-<old>-0", "Start <id>", "Pause <id>", "Remove web.wt-old-p-<old>-<old>-0",
		}},
		{"stopped", lifecycle.Spec{}, lifecycle.StateExited, []string{
			"Create web.wt-new-<old>-<old>", "Rename <old>", "Rename web.wt-new-<old>-<old>", "Remove web.wt-old-s-<old>-<old>-0",
		}},
		{"removes itself", lifecycle.Spec{HostConfig: lifecycle.Document{"AutoRemove": true}}, lifecycle.StateRunning, []string{
			"Create web.wt-new-<old>-<old>", "Create web.wt-spare-r-<old>-<old>-0", "Rename <old>", "Rename web.wt-new-<old>-<old>",
			"Stop web.wt-old-r-<old>-<old>-0", "Start <id>", "Remove web.wt-spare-r-<old>-<old>-0",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, tt.spec, tt.was, enginetest.Image{})
				result, err := s.update(t.Context())
				require.NoError(t, err)
				assert.Equal(t, tt.want, s.changes())
				assert.Equal(t, lifecycle.OutcomeUpdated, result.Members[0].Outcome)
				assert.Equal(t, s.new, s.only(t).ImageID)
			})
		})
	}
}

func TestWhatIsNotWhatWasJudgedIsNotTouched(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, s *scene){
		"renamed": func(t *testing.T, s *scene) {
			t.Helper()
			require.NoError(t, s.Rename(t.Context(), "web", "web2"))
		},
		"the tag moved on": func(t *testing.T, s *scene) {
			t.Helper()
			s.Publish("app:1", enginetest.Image{Env: []string{"VERSION=3"}})
			require.NoError(t, s.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
		},
		"ended": func(t *testing.T, s *scene) {
			t.Helper()
			require.NoError(t, s.Stop(t.Context(), "web", lifecycle.StopOptions{}))
		},
		"another image was judged": func(_ *testing.T, s *scene) { s.web.ImageID = "sha256:other" },
	}
	for name, meddle := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
			meddle(t, &s)
			s.Calls()
			result, err := s.update(t.Context())
			require.Error(t, err)
			assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
			assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
			assert.Empty(t, s.changes())
		})
	}
}

func TestALockThatSomebodyHoldsIsRespected(t *testing.T) {
	t.Parallel()
	s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
	lock := fmt.Sprintf("web.wt-new-%s-%s", s.web.ID[:12], s.web.ID[:12])
	s.Run(lock, "app:1", lifecycle.Spec{})
	s.Calls()
	_, err := s.update(t.Context())
	require.ErrorContains(t, err, "another watcher has it in hand")
	assert.True(t, errdefs.IsConflict(err))
	assert.Equal(t, []string{"Create web.wt-new-<old>-<old>"}, s.changes())
}

func TestAnEndedContextUndoesWhatIsNotVerified(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		ctx, cancel := context.WithTimeout(t.Context(), lifecycle.DefaultStableTime/2)
		defer cancel()
		result, err := s.update(ctx)
		require.ErrorContains(t, err, "verification cut short")
		assert.True(t, errdefs.IsAborted(err))
		assert.Equal(t, lifecycle.OutcomeRolledBack, result.Members[0].Outcome)
		assert.False(t, result.Members[0].ImageFailed, "it had no chance")
		assert.Equal(t, s.web.ID, s.only(t).ID)
		assert.Equal(t, lifecycle.StateRunning, s.only(t).State)

		cancel()
		s.Calls()
		_, err = s.update(ctx)
		require.Error(t, err)
		changed := s.changes()
		assert.False(t, slices.ContainsFunc(changed, func(c string) bool { return strings.HasPrefix(c, "Stop") }), "%v", changed)
		assert.Equal(t, s.web.ID, s.only(t).ID)
	})
}

func TestTheStableTimeOfOneContainer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, label string
		image       enginetest.Image
		want        string // in the error; empty: good
		takes       time.Duration
	}{
		{"long enough to see it fail", "10", enginetest.Image{Exits: true, ExitCode: 2, After: 5 * time.Second}, "exit code 2", 5 * time.Second},
		{"too short", "4s", enginetest.Image{Exits: true, ExitCode: 2, After: 5 * time.Second}, "", 4 * time.Second},
		{"beside a health check", "1m", enginetest.Image{Health: "healthy"}, "", time.Minute},
		{"a one-shot need not stay", "1m", enginetest.Image{Exits: true, After: time.Second}, "", time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelStableTime: tt.label}}},
					lifecycle.StateRunning, tt.image)
				start := time.Now()
				_, err := s.update(t.Context())
				assert.InDelta(t, tt.takes.Seconds(), time.Since(start).Seconds(), 1)
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
	for _, bad := range []string{"", "0", "-1s", "soon"} {
		s := newScene(t, lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelStableTime: bad}}},
			lifecycle.StateRunning, enginetest.Image{})
		_, err := s.update(t.Context())
		require.ErrorContains(t, err, fmt.Sprintf("label com.centurylinklabs.watchtower.stable-time: %q: want seconds", bad))
		assert.True(t, errdefs.IsFailedPrecondition(err))
		assert.Empty(t, s.changes())
	}
}

func TestVerification(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		image  enginetest.Image
		policy string
		want   string // in the error; empty: good
	}{
		{"stays up", enginetest.Image{}, "no", ""},
		{"is healthy", enginetest.Image{Health: "healthy"}, "no", ""},
		{"is unhealthy", enginetest.Image{Health: "unhealthy"}, "no", "it is unhealthy"},
		{"never says how it is", enginetest.Image{Health: "starting"}, "no", `health is still "starting"`},
		{"exits with 0: a one-shot", enginetest.Image{Exits: true}, "no", ""},
		{"exits with 2 after a second", enginetest.Image{Exits: true, ExitCode: 2, After: time.Second}, "no", "exit code 2"},
		{"is restarted", enginetest.Image{Exits: true, ExitCode: 2, After: time.Second}, "always", "it restarts: exit code 2"},
		{"ends once it was good", enginetest.Image{Exits: true, ExitCode: 2, After: time.Minute}, "no", ""},
		{"cannot start", enginetest.Image{StartError: "no such file"}, "no", "start: enginetest: no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.image.Log = "last words"
				s := newScene(t, lifecycle.Spec{HostConfig: lifecycle.Document{"RestartPolicy": map[string]any{"Name": tt.policy}}},
					lifecycle.StateRunning, tt.image)
				result, err := s.update(t.Context())
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.want)
				assert.True(t, errdefs.IsAborted(err))
				assert.Equal(t, "last words", result.Members[0].Failure.Log)
				assert.True(t, result.Members[0].ImageFailed)
				assert.Equal(t, s.web.ID, s.only(t).ID)
			})
		})
	}
}
