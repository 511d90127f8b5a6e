package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func probe(t *testing.T, text string) lifecycle.Probe {
	t.Helper()
	p, err := lifecycle.ParseProbe(text)
	require.NoError(t, err)
	return p
}

// probed is a container on one network with these labels.
func probed(labels map[string]any) lifecycle.Spec {
	return lifecycle.Spec{
		Config:   lifecycle.Document{"Labels": labels},
		Networks: map[string]lifecycle.Document{"front": {}},
	}
}

// updateWith is update with options.
func (s scene) updateWith(ctx context.Context, opts ...lifecycle.RecreateOption) (lifecycle.Result, error) {
	return lifecycle.Recreate(s.Engine, opts...).Update(ctx, lifecycle.Target{Members: []lifecycle.Member{
		{Container: s.web, Reference: "app:1", ImageID: s.new},
	}})
}

func TestAnExecProbe(t *testing.T) {
	t.Parallel()
	labelled := map[string]any{lifecycle.LabelProbe: "exec:check"}
	within := func(timeout string) map[string]any {
		return map[string]any{lifecycle.LabelProbe: "exec:check", lifecycle.LabelProbeTimeout: timeout}
	}
	fails := enginetest.Exec{ExitCode: 1, Output: "no database\n"}
	tests := []struct {
		name   string
		labels map[string]any
		image  enginetest.Image
		want   string // in the error; empty: good
		probe  string // in the failure
		takes  time.Duration
	}{
		{"passes, and the stable time holds", labelled, enginetest.Image{}, "", "", 3 * time.Second},
		{"fails", labelled, enginetest.Image{Exec: fails}, "verify: probe exec:check: exit code 1: no database (tried for 1m0s)", "exit code 1: no database", time.Minute},
		{"fails in the time it has", within("90"), enginetest.Image{Exec: fails}, "(tried for 1m30s)", "exit code 1: no database", 90 * time.Second},
		{"passes at last", labelled, enginetest.Image{Exec: enginetest.Exec{ExitCode: 1, Until: 40 * time.Second}}, "", "", 40 * time.Second},
		{"passes too late", within("30s"), enginetest.Image{Exec: enginetest.Exec{ExitCode: 1, Until: 40 * time.Second}}, "exit code 1 (tried for 30s)", "exit code 1", 30 * time.Second},
		{"takes its time", labelled, enginetest.Image{Exec: enginetest.Exec{Takes: 20 * time.Second}}, "", "", 20 * time.Second},
		{"never ends", labelled, enginetest.Image{Exec: enginetest.Exec{Takes: time.Hour}}, "no answer (tried for 1m0s)", "no answer", time.Minute},
		{
			"ends again, but not in time", labelled,
			enginetest.Image{Exec: enginetest.Exec{ExitCode: 2, Takes: 25 * time.Second}},
			"exit code 2 (tried for 1m0s)", "exit code 2", time.Minute,
		},
		{"passes, but the container exits", labelled, enginetest.Image{Exits: true, ExitCode: 7, After: time.Second}, "exit code 7", "", time.Second},
		{
			"the container exits meanwhile", labelled,
			enginetest.Image{Exits: true, ExitCode: 7, After: 10 * time.Second, Exec: fails},
			"it is exited: exit code 7", "", 10 * time.Second,
		},
		{"a one-shot needs none", labelled, enginetest.Image{Exits: true, After: 10 * time.Second, Exec: fails}, "", "", 10 * time.Second},
		{"passes, but the container is unhealthy", labelled, enginetest.Image{Health: "unhealthy"}, "it is unhealthy", "", 0},
		{"passes, but nobody knows its health", labelled, enginetest.Image{Health: "starting"}, "health is still", "", 98 * time.Second},
		{"fails, although the container is healthy", labelled, enginetest.Image{Health: "healthy", Exec: fails}, "exit code 1", "exit code 1: no database", time.Minute},
		{"has longer than its health check", within("5m"), enginetest.Image{Health: "healthy", Exec: enginetest.Exec{ExitCode: 1, Until: 4 * time.Minute}}, "", "", 4 * time.Minute},
		{"its image says so", nil, enginetest.Image{Labels: map[string]string{lifecycle.LabelProbe: "exec:check"}, Exec: fails}, "exit code 1", "exit code 1: no database", time.Minute},
		{"none", nil, enginetest.Image{Exec: fails}, "", "", 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, probed(tt.labels), lifecycle.StateRunning, tt.image)
				start := time.Now()
				result, err := s.update(t.Context())
				assert.InDelta(t, tt.takes.Seconds(), time.Since(start).Seconds(), 2)
				if tt.want == "" {
					require.NoError(t, err)
					assert.Equal(t, s.new, s.only(t).ImageID)
					return
				}
				require.ErrorContains(t, err, tt.want)
				require.ErrorIs(t, err, errdefs.ErrAborted)
				assert.Equal(t, tt.probe, result.Members[0].Failure.Probe)
				assert.True(t, result.Members[0].ImageFailed)
				assert.Equal(t, s.web.ID, s.only(t).ID)
			})
		})
	}
}

func TestTheLabelWinsOverTheOption(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		labels map[string]any
		opt    lifecycle.RecreateOption
		want   string // in the error; empty: good
	}{
		{"the option is for those without a label", nil, lifecycle.WithProbe(probe(t, "exec:all"), 0), "probe exec:all: exit code 1 (tried for 1m0s)"},
		{"and so is its time", nil, lifecycle.WithProbe(probe(t, "exec:all"), 7*time.Second), "(tried for 7s)"},
		{"a label", map[string]any{lifecycle.LabelProbe: "exec:own"}, lifecycle.WithProbe(probe(t, "exec:all"), 7*time.Second), "probe exec:own: exit code 1 (tried for 7s)"},
		{"a label of the time", map[string]any{lifecycle.LabelProbeTimeout: "5s"}, lifecycle.WithProbe(probe(t, "exec:all"), 7*time.Second), "probe exec:all: exit code 1 (tried for 5s)"},
		{"an option of the time", map[string]any{lifecycle.LabelProbe: "exec:own"}, lifecycle.WithProbe(lifecycle.Probe{}, 7*time.Second), "probe exec:own: exit code 1 (tried for 7s)"},
		{"an empty label is none", map[string]any{lifecycle.LabelProbe: ""}, lifecycle.WithProbe(probe(t, "exec:all"), 0), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, probed(tt.labels), lifecycle.StateRunning, enginetest.Image{Exec: enginetest.Exec{ExitCode: 1}})
				_, err := s.updateWith(t.Context(), tt.opt)
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
}

// What does not run does not answer either.
func TestWhatIsNotRunningIsNotProbed(t *testing.T) {
	t.Parallel()
	for _, was := range []lifecycle.State{lifecycle.StatePaused, lifecycle.StateExited} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, probed(map[string]any{lifecycle.LabelProbe: "exec:check"}), was, enginetest.Image{Exec: enginetest.Exec{ExitCode: 1}})
			_, err := lifecycle.Recreate(mute{s.Engine}).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
				{Container: s.web, Reference: "app:1", ImageID: s.new},
			}})
			require.NoError(t, err, was)
			assert.Equal(t, s.new, s.only(t).ImageID)
		})
	}
}

// mute is an engine without the abilities that are found by type assertion.
type mute struct{ lifecycle.Engine }

func TestAProbeThatCannotBeMadeIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	network := func(mode string) lifecycle.Spec {
		return lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": mode}}
	}
	tests := []struct {
		name   string
		spec   lifecycle.Spec
		label  string
		engine func(lifecycle.Engine) lifecycle.Engine
		want   string
	}{
		{
			"nobody can read it",
			lifecycle.Spec{},
			"http://user:canary@localhost:80", nil,
			`update web: label com.centurylinklabs.watchtower.probe: "http://***@localhost:80": want exec:COMMAND, http://:PORT/PATH`,
		},
		{
			"no commands",
			lifecycle.Spec{},
			"exec:true", func(e lifecycle.Engine) lifecycle.Engine { return mute{e} },
			"update web: exec probe: this engine cannot run commands in containers",
		},
		{"no network", network("none"), "tcp://:80", nil, "update web: probe: it has no network: only an exec probe can ask it"},
		{"the host's network, elsewhere", network("host"), "http://:80/", nil, "update web: probe: it uses the host's network, which is not this process's"},
		{
			"the host's network, and nobody knows where", network("host"), "http://:80/",
			func(e lifecycle.Engine) lifecycle.Engine { return mute{e} }, "which is not this process's",
		},
		{"the network of one on the host's", network("container:host"), "tcp://:80", nil, "which is not this process's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Config = lifecycle.Document{"Labels": map[string]any{lifecycle.LabelProbe: tt.label}}
			s := newScene(t, lifecycle.Spec{Config: tt.spec.Config}, lifecycle.StateRunning, enginetest.Image{})
			s.Run("host", "app:1", network("host"))
			require.NoError(t, s.Remove(t.Context(), "web", lifecycle.RemoveOptions{Force: true}))
			s.Publish("app:0", enginetest.Image{})
			web := s.Run("web", "app:0", tt.spec)
			s.Calls()
			var engine lifecycle.Engine = s.Engine
			if tt.engine != nil {
				engine = tt.engine(engine)
			}
			_, err := lifecycle.Recreate(engine).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
				{Container: web, Reference: "app:1", ImageID: s.new},
			}})
			require.ErrorContains(t, err, tt.want)
			require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
			assert.NotContains(t, err.Error(), "canary")
			assert.Empty(t, s.changes())
		})
	}
	for _, bad := range []string{"", "0", "-1s", "soon"} {
		s := newScene(t, probed(map[string]any{lifecycle.LabelProbeTimeout: bad}), lifecycle.StateRunning, enginetest.Image{})
		_, err := s.update(t.Context())
		require.ErrorContains(t, err, "label com.centurylinklabs.watchtower.probe-timeout: \""+bad+"\": want seconds")
		assert.Empty(t, s.changes())
	}
}

// A label that only the new image has is read as early.
func TestABadLabelOfTheNewImageIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	for _, label := range []string{lifecycle.LabelProbe, lifecycle.LabelProbeTimeout, lifecycle.LabelStableTime} {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{Labels: map[string]string{label: "soon"}})
		_, err := s.update(t.Context())
		require.ErrorContains(t, err, "label "+label+`: "soon": want`)
		require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
		assert.Empty(t, s.changes())
	}
}

func TestAnEndedContextEndsAProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, probed(nil), lifecycle.StateRunning, enginetest.Image{Exec: enginetest.Exec{Takes: time.Hour}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		result, err := s.updateWith(ctx, lifecycle.WithProbe(probe(t, "exec:check"), 0))
		require.ErrorContains(t, err, "verification cut short")
		assert.InDelta(t, 10, time.Since(start).Seconds(), 1)
		assert.False(t, result.Members[0].ImageFailed, "it had no chance")
		assert.Equal(t, s.web.ID, s.only(t).ID)
	})
}

// The watcher dies once the successor is started; the one that repairs it judges as
// the swap would have.
func TestARecoveryProbesAsWell(t *testing.T) {
	t.Parallel()
	byLabel := map[string]any{lifecycle.LabelProbe: "exec:check"}
	tests := []struct {
		name   string
		labels map[string]any
		opt    lifecycle.RecreateOption
		exec   enginetest.Exec
		want   lifecycle.Outcome
	}{
		{"passes", byLabel, nil, enginetest.Exec{ExitCode: 1, Until: 40 * time.Second}, lifecycle.OutcomeUpdated},
		{"fails", byLabel, nil, enginetest.Exec{ExitCode: 1}, lifecycle.OutcomeRolledBack},
		{"passes, by option", nil, lifecycle.WithProbe(probe(t, "exec:check"), 0), enginetest.Exec{ExitCode: 1, Until: 40 * time.Second}, lifecycle.OutcomeUpdated},
		{"fails, by option", nil, lifecycle.WithProbe(probe(t, "exec:check"), 0), enginetest.Exec{ExitCode: 1}, lifecycle.OutcomeRolledBack},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, probed(tt.labels), lifecycle.StateRunning, enginetest.Image{Exec: tt.exec})
				dead := false
				s.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
					defer func() { dead = dead || c.Method == "Start" }()
					if dead {
						return enginetest.Before
					}
					return enginetest.None
				})
				updater := lifecycle.Recreate(s.Engine, tt.opt)
				result, err := updater.Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
					{Container: s.web, Reference: "app:1", ImageID: s.new},
				}})
				require.Error(t, err)
				require.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
				s.SetFault(nil)
				recovered, err := updater.(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
				require.NoError(t, err)
				require.Len(t, recovered, 1)
				assert.Equal(t, tt.want, recovered[0].Outcome)
				s.only(t)
			})
		})
	}
}

// Of two that move together, the one that did not pass has the answer.
func TestTheFailureIsThatOfTheMemberWhoseProbeFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, probed(nil), lifecycle.StateRunning, enginetest.Image{})
		s.Publish("app:0", enginetest.Image{})
		db := s.Run("db", "app:0", probed(map[string]any{lifecycle.LabelProbe: "exec:check"}))
		s.Publish("app:0", enginetest.Image{Exec: enginetest.Exec{ExitCode: 1, Output: "no disk"}})
		require.NoError(t, s.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:0"}))
		image, err := s.InspectImage(t.Context(), "app:0")
		require.NoError(t, err)
		result, err := lifecycle.Recreate(s.Engine).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
			{Container: s.web, Reference: "app:1", ImageID: s.new}, {Container: db, Reference: "app:0", ImageID: image.ID},
		}})
		require.ErrorContains(t, err, "verify: db: probe exec:check: exit code 1: no disk")
		assert.Empty(t, result.Members[0].Failure.Probe)
		assert.Equal(t, "exit code 1: no disk", result.Members[1].Failure.Probe)
	})
}

// recorder keeps what commands were run.
type recorder struct {
	*enginetest.Engine

	ran []lifecycle.ExecOptions
}

func (r *recorder) Exec(ctx context.Context, container string, opts lifecycle.ExecOptions) (lifecycle.ExecResult, error) {
	r.ran = append(r.ran, opts)
	return r.Engine.Exec(ctx, container, opts)
}

func TestTheCommandOfAnExecProbe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"exec: [ -f /ready ] && true": {"/bin/sh", "-c", "[ -f /ready ] && true"},
		`exec:["/app", "check it"]`:   {"/app", "check it"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, probed(nil), lifecycle.StateRunning, enginetest.Image{})
			r := &recorder{Engine: s.Engine}
			_, err := lifecycle.Recreate(r, lifecycle.WithProbe(probe(t, text), 0)).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
				{Container: s.web, Reference: "app:1", ImageID: s.new},
			}})
			require.NoError(t, err)
			assert.Equal(t, []lifecycle.ExecOptions{{Command: want}}, r.ran, "once is enough")
		})
	}
}
