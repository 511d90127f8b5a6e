package watchtower_test

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

// silentManager does not return from its n-th question about services until the caller
// gives up.
type silentManager struct {
	*enginetest.Swarm

	calls, at int // 0: never
}

func whileItSpeaks[T any](ctx context.Context, m *silentManager, call func() (T, error)) (T, error) {
	if m.calls++; m.calls == m.at {
		<-ctx.Done()
		var zero T
		return zero, context.Cause(ctx)
	}
	return call()
}

func (m *silentManager) Cluster(ctx context.Context) (lifecycle.Cluster, error) {
	return whileItSpeaks(ctx, m, func() (lifecycle.Cluster, error) { return m.Swarm.Cluster(ctx) })
}

func (m *silentManager) Services(ctx context.Context) ([]lifecycle.Service, error) {
	return whileItSpeaks(ctx, m, func() ([]lifecycle.Service, error) { return m.Swarm.Services(ctx) })
}

func (m *silentManager) Service(ctx context.Context, service string) (lifecycle.Service, error) {
	return whileItSpeaks(ctx, m, func() (lifecycle.Service, error) { return m.Swarm.Service(ctx, service) })
}

func (m *silentManager) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	return whileItSpeaks(ctx, m, func() ([]lifecycle.Task, error) { return m.Swarm.Tasks(ctx, service) })
}

func (m *silentManager) UpdateService(ctx context.Context, opts lifecycle.ServiceOptions) ([]string, error) {
	return whileItSpeaks(ctx, m, func() ([]string, error) { return m.Swarm.UpdateService(ctx, opts) })
}

// Whichever question it is, the pass ends, and the next one does what it left.
func TestAManagerThatHangsHoldsNoPassForEver(t *testing.T) {
	t.Parallel()
	calls := 1 // found out by the first, which does not hang
	for n := 0; n <= calls; n++ {
		synctest.Test(t, func(t *testing.T) {
			s := aSwarm(t, nil, second)
			before := image(t, s)
			m := &silentManager{Swarm: s, at: n}
			tw := ofSwarm(t, m, s)
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Hour)
			defer cancel()
			begun := time.Now()
			_, err := tw.Update(ctx)
			require.NoError(t, err)
			assert.Less(t, time.Since(begun), 10*time.Minute, "call %d", n)
			if n == 0 {
				calls = m.calls
			}
			update(t, tw)
			assert.NotEqual(t, before, image(t, s))
			require.Len(t, s.Posted(), 1, "call %d", n)
		})
	}
	assert.Greater(t, calls, 4)
}
