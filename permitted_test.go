package watchtower_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// filtered is an engine behind something that may deny calls.
type filtered struct {
	*enginetest.Engine

	err   error
	asked *[]bool // whether for a paused one
}

func (g filtered) Preflight(_ context.Context, needs lifecycle.Needs) error {
	*g.asked = append(*g.asked, needs.Paused)
	return g.err
}

func TestWhatWouldBeDeniedIsNotBegun(t *testing.T) {
	denied := fmt.Errorf("start: 403 Forbidden: %w", errdefs.ErrPermissionDenied)
	for name, tt := range map[string]struct {
		err    error
		paused bool
		stale  bool
		asked  []bool
		want   watchtower.Status
	}{
		"nothing to do": {err: denied, want: watchtower.StatusFresh},
		"allowed":       {stale: true, asked: []bool{false}, want: watchtower.StatusUpdated},
		"denied":        {err: denied, stale: true, asked: []bool{false}, want: watchtower.StatusFailed},
		"a paused one":  {err: denied, paused: true, stale: true, asked: []bool{true}, want: watchtower.StatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			e := enginetest.New()
			e.Publish("app:1", enginetest.Image{})
			old := e.Run("web", "app:1", lifecycle.Spec{})
			if tt.paused {
				require.NoError(t, e.Pause(t.Context(), "web"))
			}
			if tt.stale {
				e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
			}
			e.Calls()
			var asked []bool
			tw := memory(t, e, watchtower.WithEngine(filtered{e, tt.err, &asked}), quick(),
				watchtower.WithStates(lifecycle.StateRunning, lifecycle.StatePaused))
			got := entry(t, update(t, tw), "web")
			assert.Equal(t, tt.want, got.Status, "%v", got.Err)
			assert.Equal(t, tt.asked, asked)
			if tt.want != watchtower.StatusFailed {
				return
			}
			require.ErrorIs(t, got.Err, errdefs.ErrPermissionDenied)
			require.EqualError(t, got.Err, "watchtower: update web: not begun, since it could not be finished: "+denied.Error())
			assert.False(t, slices.ContainsFunc(e.Calls(), func(c enginetest.Call) bool { return c.Changes }), "not even a pull")
			now, err := e.Inspect(t.Context(), "web")
			require.NoError(t, err)
			assert.Equal(t, old.ID, now.ID)
		})
	}
}
