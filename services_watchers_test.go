package watchtower_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// Two watchers of two managers see the same, and one of them is too late.
func TestTwoWatchersMakeOneUpdateOfAService(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil, second)
	both := make(chan struct{}, 2)
	wait := func(context.Context, watchtower.HookCall) watchtower.HookVerdict {
		both <- struct{}{}
		for len(both) < 2 { // until the other one has judged, too
			runtime.Gosched()
		}
		return watchtower.HookVerdict{}
	}
	var told [2]watchtower.Entry
	var group sync.WaitGroup
	for i := range told {
		group.Go(func() {
			r, err := ofSwarm(t, s, s, watchtower.WithHook(lifecycle.PreUpdate, wait)).Update(t.Context())
			if assert.NoError(t, err) {
				told[i] = r.Entries[0]
			}
		})
	}
	group.Wait()
	assert.ElementsMatch(t, []watchtower.Status{watchtower.StatusUpdated, watchtower.StatusSkipped}, []watchtower.Status{told[0].Status, told[1].Status})
	for _, e := range told {
		require.NoError(t, e.Err)
		assert.Equal(t, e.Status == watchtower.StatusSkipped, strings.Contains(e.Reason, "somebody else has given it this image meanwhile"), e.Reason)
	}
	require.Len(t, s.Posted(), 1)
}
