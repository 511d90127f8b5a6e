package lifecycle_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

var errDenied = fmt.Errorf("forbidden by the proxy: %w", errdefs.ErrPermissionDenied)

// denying is an engine behind a proxy that lets no command pass, and no question
// what the engine is.
type denying struct{ *enginetest.Engine }

func (denying) Exec(context.Context, string, lifecycle.ExecOptions) (lifecycle.ExecResult, error) {
	return lifecycle.ExecResult{}, errDenied
}

func (denying) Describe(context.Context) (lifecycle.EngineInfo, error) {
	return lifecycle.EngineInfo{Address: "unix:///var/run/docker.sock"}, errDenied
}

// telling can be asked for that beforehand.
type telling struct{ denying }

func (telling) Preflight(_ context.Context, needs lifecycle.Needs) error {
	if needs.Exec {
		return errDenied
	}
	return nil
}

func TestADeniedProbeIsNoFaultOfTheImages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		engine  func(*enginetest.Engine) lifecycle.Engine
		probe   string
		network string
		want    string
		outcome lifecycle.Outcome
		class   error
	}{
		"seen beforehand": {
			func(e *enginetest.Engine) lifecycle.Engine { return telling{denying{e}} }, "exec:true", "",
			"update web: exec probe: forbidden by the proxy", lifecycle.OutcomeUntouched, errdefs.ErrPermissionDenied,
		},
		"seen when it is made": {
			func(e *enginetest.Engine) lifecycle.Engine { return denying{e} }, "exec:true", "",
			"verify: probe exec:true: forbidden by the proxy", lifecycle.OutcomeRolledBack, errdefs.ErrPermissionDenied,
		},
		"where the engine is": {
			func(e *enginetest.Engine) lifecycle.Engine { return denying{e} }, "tcp://:80", "host",
			"and whether that is this process's the engine does not tell: forbidden by the proxy", lifecycle.OutcomeUntouched, errdefs.ErrFailedPrecondition,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				spec := lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelProbe: tt.probe}}}
				if tt.network != "" {
					spec.HostConfig = lifecycle.Document{"NetworkMode": tt.network}
				}
				s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{})
				s.Calls()
				start := time.Now()
				result, err := lifecycle.Recreate(tt.engine(s.Engine)).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
					{Container: s.web, Reference: "app:1", ImageID: s.new},
				}})
				require.ErrorContains(t, err, tt.want)
				require.ErrorIs(t, err, tt.class)
				assert.Equal(t, tt.outcome, result.Members[0].Outcome)
				assert.False(t, result.Members[0].ImageFailed)
				assert.Less(t, time.Since(start), 10*time.Second, "it is not asked again and again")
				assert.Equal(t, s.web.ID, s.only(t).ID)
				if tt.outcome == lifecycle.OutcomeUntouched {
					assert.Empty(t, s.changes())
				}
			})
		})
	}
}
