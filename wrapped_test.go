package watchtower_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// wrapping is an updater with one method, as people write them, around another.
func wrapping(next watchtower.Updater) lifecycle.UpdaterFunc {
	return func(ctx context.Context, t lifecycle.Target) (lifecycle.Result, error) { return next.Update(ctx, t) }
}

// An updater that wraps Recreate and knows nothing of a recovery has one, wherever the
// process before ended: from some call on the engine was out of its reach.
func TestWhatACrashLeftOfAWrappedUpdaterIsPutInOrder(t *testing.T) {
	t.Parallel()
	recovered := 0
	for k, hit := 1, true; hit; k++ {
		synctest.Test(t, func(t *testing.T) {
			e := enginetest.New()
			e.Publish("app:1", enginetest.Image{})
			e.Run("web", "app:1", lifecycle.Spec{})
			e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
			hit = false
			e.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
				if n < k {
					return enginetest.None
				}
				hit = true
				return enginetest.Before
			})
			_, err := memory(t, e, watchtower.WithUpdater(wrapping(lifecycle.Recreate(e)))).Update(t.Context())
			require.NoError(t, err)
			e.SetFault(nil)

			r, err := memory(t, e, watchtower.WithUpdater(wrapping(lifecycle.Recreate(e)))).Update(t.Context())
			require.NoError(t, err)
			for _, rec := range r.Recovered {
				require.NoError(t, rec.Err, "call %d", k)
			}
			recovered += len(r.Recovered)
			list, err := e.Containers(t.Context())
			require.NoError(t, err)
			require.Len(t, list, 1, "call %d", k)
			assert.Equal(t, "web", list[0].Name, "call %d", k)
			assert.Equal(t, lifecycle.StateRunning, list[0].State, "call %d", k)
			status := entry(t, r, "web").Status
			assert.True(t, status == watchtower.StatusUpdated || status == watchtower.StatusFresh, "call %d: %s", k, status)
		})
		require.False(t, t.Failed())
	}
	assert.Greater(t, recovered, 3)
}
