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
	pause bool // alone is denied
	asked *[]lifecycle.Needs
}

func (g filtered) Preflight(_ context.Context, needs lifecycle.Needs) error {
	*g.asked = append(*g.asked, needs)
	if g.pause && !needs.Paused {
		return nil
	}
	return g.err
}

func TestWhatWouldBeDeniedIsNotBegun(t *testing.T) {
	denied := fmt.Errorf("start: 403 Forbidden: %w", errdefs.ErrPermissionDenied)
	for name, tt := range map[string]struct {
		err    error
		paused bool
		stale  bool
		asked  []lifecycle.Needs
		want   watchtower.Status
	}{
		"nothing to do": {err: denied, want: watchtower.StatusFresh},
		"allowed":       {stale: true, asked: []lifecycle.Needs{{}}, want: watchtower.StatusUpdated},
		"denied":        {err: denied, stale: true, asked: []lifecycle.Needs{{}}, want: watchtower.StatusFailed},
		"a paused one":  {err: denied, paused: true, stale: true, asked: []lifecycle.Needs{{}}, want: watchtower.StatusFailed},
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
			var asked []lifecycle.Needs
			tw := memory(t, e, watchtower.WithEngine(filtered{e, tt.err, false, &asked}), quick(),
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
			assert.Equal(t, old.ID, running(t, e, "web").ID)
		})
	}
}

// Only those that are paused need a pause.
func TestADeniedPauseKeepsNobodyElseBack(t *testing.T) {
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	old := e.Run("paused", "app:1", lifecycle.Spec{})
	require.NoError(t, e.Pause(t.Context(), "paused"))
	e.Run("web", "app:1", lifecycle.Spec{})
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	var asked []lifecycle.Needs
	denied := fmt.Errorf("pause: 403 Forbidden: %w", errdefs.ErrPermissionDenied)
	tw := memory(t, e, watchtower.WithEngine(filtered{e, denied, true, &asked}), quick(),
		watchtower.WithStates(lifecycle.StateRunning, lifecycle.StatePaused))
	r := update(t, tw)
	assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "web").Status)
	paused := entry(t, r, "paused")
	assert.Equal(t, watchtower.StatusFailed, paused.Status)
	require.EqualError(t, paused.Err, "watchtower: update paused: pause: "+denied.Error())
	now := running(t, e, "paused")
	assert.Equal(t, []any{old.ID, lifecycle.StatePaused}, []any{now.ID, now.State})
	assert.Equal(t, []lifecycle.Needs{{}, {Paused: true}}, asked)
}
