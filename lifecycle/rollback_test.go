package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// shortLived shows one that is restarted for ever as up, for so many looks: an
// engine tells nothing then of what the last life ended with.
type shortLived struct {
	*enginetest.Engine

	looks int
}

func (e *shortLived) Inspect(ctx context.Context, ref string) (lifecycle.Snapshot, error) {
	snap, err := e.Engine.Inspect(ctx, ref)
	if snap.State == lifecycle.StateRestarting && e.looks > 0 {
		e.looks--
		snap.State, snap.Status.ExitCode = lifecycle.StateRunning, 0
	}
	return snap, err
}

func TestTheExitCodeOfACrashLoop(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ looks, want int }{
		"between two lives":   {0, 7},
		"in a short life":     {5, 7},
		"in one that goes on": {1000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				always := lifecycle.Spec{HostConfig: lifecycle.Document{"RestartPolicy": map[string]any{"Name": "always"}}}
				s := newScene(t, always, lifecycle.StateRunning, enginetest.Image{Exits: true, ExitCode: 7})
				result, err := lifecycle.Recreate(&shortLived{s.Engine, tt.looks}).Update(t.Context(), lifecycle.Target{
					Members: []lifecycle.Member{{Container: s.web, Reference: "app:1", ImageID: s.new}},
				})
				require.ErrorContains(t, err, "it restarts")
				assert.Equal(t, lifecycle.OutcomeRolledBack, result.Members[0].Outcome)
				assert.Equal(t, tt.want, result.Members[0].Failure.ExitCode)
			})
		})
	}
}
