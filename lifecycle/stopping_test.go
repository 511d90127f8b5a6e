package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// stops notes how each stop was to be made.
type stops struct {
	*enginetest.Engine

	seen []lifecycle.StopOptions
}

func (s *stops) Stop(ctx context.Context, ref string, opts lifecycle.StopOptions) error {
	s.seen = append(s.seen, opts)
	return s.Engine.Stop(ctx, ref, opts)
}

func TestHowAContainerIsStopped(t *testing.T) {
	t.Parallel()
	seconds := func(n int) *time.Duration {
		d := time.Duration(n) * time.Second
		return &d
	}
	for name, tt := range map[string]struct {
		signal, timeout string
		given           *time.Duration
		want            lifecycle.StopOptions
	}{
		"nobody says":           {"", "", nil, lifecycle.StopOptions{}},
		"the target says":       {"", "", seconds(3), lifecycle.StopOptions{Timeout: seconds(3)}},
		"the label says":        {"SIGINT", "20", nil, lifecycle.StopOptions{Signal: "SIGINT", Timeout: seconds(20)}},
		"the label wins":        {"2", "1m", seconds(3), lifecycle.StopOptions{Signal: "2", Timeout: seconds(60)}},
		"at once":               {"RTMIN+3", "0", nil, lifecycle.StopOptions{Signal: "RTMIN+3", Timeout: seconds(0)}},
		"what nobody can use":   {"SIGFOO", "-1", seconds(3), lifecycle.StopOptions{Timeout: seconds(3)}},
		"what nobody can use 2": {"65", "soon", nil, lifecycle.StopOptions{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labels := map[string]any{}
			if tt.signal != "" {
				labels[lifecycle.LabelStopSignal] = tt.signal
			}
			if tt.timeout != "" {
				labels[lifecycle.LabelStopTimeout] = tt.timeout
			}
			synctest.Test(t, func(t *testing.T) {
				spec := lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}}
				bad := enginetest.Image{Exits: true, ExitCode: 1, After: time.Minute, Health: "unhealthy"}
				s := newScene(t, spec, lifecycle.StateRunning, bad)
				e := &stops{Engine: s.Engine}
				_, err := lifecycle.Recreate(e).Update(t.Context(), lifecycle.Target{
					StopTimeout: tt.given, Members: []lifecycle.Member{{Container: s.web, Reference: "app:1", ImageID: s.new}},
				})
				require.Error(t, err)
				assert.Equal(t, []lifecycle.StopOptions{tt.want, tt.want}, e.seen, "the old one, and the new one for the rollback")
			})
			// A stranger that undoes what was cut short stops the same way.
			synctest.Test(t, func(t *testing.T) {
				spec := lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}}
				s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{Health: "unhealthy"})
				s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
					if n > 5 { // it has started the successor
						return enginetest.Before
					}
					return enginetest.None
				})
				_, err := s.update(t.Context())
				require.Error(t, err)
				s.SetFault(nil)
				e := &stops{Engine: s.Engine}
				_, err = lifecycle.Recreate(e).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{StopTimeout: tt.given})
				require.NoError(t, err)
				assert.Equal(t, []lifecycle.StopOptions{tt.want}, e.seen)
				assert.Equal(t, s.web.ID, s.only(t).ID)
			})
		})
	}
}

func TestWhatLabelsAccept(t *testing.T) {
	t.Parallel()
	for label, values := range map[string]struct{ good, bad []string }{
		lifecycle.LabelStopSignal:   {[]string{"TERM", "sigterm", "9", "64", "RTMAX-14", "SIGRTMIN+15"}, []string{"", "0", "65", "-9", "RTMIN+16", "KILL TERM"}},
		lifecycle.LabelStopTimeout:  {[]string{"0", "90", "1m30s", "500ms"}, []string{"", "-1", "-1s", "soon", "99999999999"}},
		lifecycle.LabelStableTime:   {[]string{"3", "1m"}, []string{"0", "0s", "x"}},
		lifecycle.LabelProbeTimeout: {[]string{"3"}, []string{"0"}},
		lifecycle.LabelUpdateOrder:  {[]string{"stop-first", "start-first"}, []string{"", "both"}},
		lifecycle.LabelProbe:        {[]string{"", "tcp://:80", "exec:true"}, []string{"tcp://host:80", "what"}},
	} {
		for _, v := range values.good {
			_, ok := lifecycle.LabelAccepts(label, v)
			assert.True(t, ok, "%s: %q", label, v)
		}
		for _, v := range values.bad {
			accepted, ok := lifecycle.LabelAccepts(label, v)
			assert.False(t, ok, "%s: %q", label, v)
			assert.NotEmpty(t, accepted)
		}
	}
	accepted, ok := lifecycle.LabelAccepts("theirs", "anything")
	assert.True(t, ok && accepted == "")
}
