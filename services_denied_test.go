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

// deniedTasks is a manager behind a proxy that shows no tasks.
type deniedTasks struct{ *enginetest.Swarm }

func (deniedTasks) Tasks(context.Context, string) ([]lifecycle.Task, error) {
	return nil, errdefs.ErrPermissionDenied
}

func TestAServiceWhoseTasksAreNotShownIsNotUpdated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := aSwarm(t, nil, second)
		begun := time.Now()
		e := entry(t, update(t, ofSwarm(t, deniedTasks{s}, s)), "web")
		assert.Equal(t, watchtower.StatusFailed, e.Status)
		require.ErrorIs(t, e.Err, errdefs.ErrPermissionDenied)
		require.ErrorContains(t, e.Err, "its tasks are not shown")
		assert.Less(t, time.Since(begun), time.Second, "it is said at once")
		assert.Empty(t, s.Posted())
	})
}
