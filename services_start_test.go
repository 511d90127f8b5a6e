package watchtower_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// The first pass may be a day away. That the engine has no services is said at once, and
// once; it may have some by then.
func TestServicesOnlyOfNoManagerIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := aSwarm(t, nil, second)
		s.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleWorker})
		var failed []watchtower.PassFailed
		tw := ofSwarm(t, s, s, watchtower.WithServices(watchtower.ServicesOnly), watchtower.WithPassAtStart(false),
			watchtower.WithSchedule(watchtower.Every(24*time.Hour)),
			watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				if f, ok := e.(watchtower.PassFailed); ok {
					failed = append(failed, f)
				}
			})))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- tw.Run(ctx) }()
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		synctest.Wait()
		require.Len(t, failed, 1)
		require.ErrorIs(t, failed[0].Err, errdefs.ErrFailedPrecondition)
		require.ErrorContains(t, failed[0].Err, "services only, and this engine is no manager of a swarm")
		s.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleManager, Platforms: []string{enginetest.Platform}})
		time.Sleep(25 * time.Hour) //nolint:forbidigo // in a bubble
		synctest.Wait()
		assert.Len(t, failed, 1)
		assert.Len(t, s.Posted(), 1)
		cancel()
		require.NoError(t, <-ended)
	})
}
