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

func TestWhatIsOnlyMonitored(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]struct {
		spec lifecycle.Spec
		opts []watchtower.Option
	}{
		"by label":  {labelled(watchtower.MonitorOnlyLabel, "true"), nil},
		"by option": {lifecycle.Spec{}, []watchtower.Option{watchtower.WithMonitorOnly(true)}},
		"and nothing is pulled": {
			labelled(watchtower.MonitorOnlyLabel, "true"), []watchtower.Option{watchtower.WithNoPull(true), watchtower.WithCleanup(true)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.New()
			e.Publish("app:1", version(1))
			old := e.Run("web", "app:1", opts.spec)
			// It needs web and would be restarted with it.
			e.Publish("fresh:1", version(1))
			e.Run("child", "fresh:1", labelled(watchtower.DependsOnLabel, "web"))
			e.Publish("app:1", version(2))
			if len(opts.opts) > 1 {
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
			}
			e.Calls()
			found := 0
			tw := memory(t, e, append(opts.opts, watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				if _, ok := e.(watchtower.UpdateFound); ok {
					found++
				}
			})))...)
			for range 2 {
				r := update(t, tw)
				got := entry(t, r, "web")
				assert.Equal(t, watchtower.StatusStale, got.Status)
				assert.Contains(t, got.Reason, "only monitored: its reference ")
				assert.NotEmpty(t, got.Latest)
				assert.Empty(t, r.Plan.Groups)
				assert.Equal(t, watchtower.StatusFresh, entry(t, r, "child").Status)
				assert.Equal(t, "scanned=2 updated=0 failed=0 skipped=0 rolled_back=0 stale=1", r.Summary())
			}
			assert.Equal(t, 2, found, "it is told of in each pass")
			for _, c := range e.Calls() {
				assert.False(t, c.Changes, "%v", c)
			}
			assert.Equal(t, old.ID, running(t, e, "web").ID)
		})
	}
}

func TestWhatIsFoundIsToldByName(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", version(1))
	for _, name := range []string{"web-a", "web-c"} {
		e.Run(name, "app:1", labelled(watchtower.MonitorOnlyLabel, "true"))
	}
	e.Run("web-b", "app:1", lifecycle.Spec{})
	e.Publish("app:1", version(2))
	var found []string
	_, err := memory(t, e, watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if e, ok := e.(watchtower.UpdateFound); ok {
			found = append(found, e.Entry.Container.Name)
		}
	}))).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"web-a", "web-b", "web-c"}, found)
}

func TestWhatIsOnlyMonitoredFollowsOnItsOwnImage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", version(1))
		old := e.Run("web", "app:1", labelled(watchtower.MonitorOnlyLabel, "true", watchtower.DependsOnLabel, "db"))
		e.Run("db", "app:1", lifecycle.Spec{})
		e.Publish("app:1", version(2))
		tw := memory(t, e)
		r := update(t, tw)
		require.NoError(t, r.Err())
		assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "db").Status)
		assert.Equal(t, watchtower.StatusRestarted, entry(t, r, "web").Status)
		now := running(t, e, "web")
		assert.NotEqual(t, old.ID, now.ID)
		assert.Equal(t, old.ImageID, now.ImageID)
		got := entry(t, update(t, tw), "web")
		assert.Equal(t, "app:1", got.Container.Image)
		assert.Equal(t, watchtower.StatusStale, got.Status, "%s", got.Reason)
	})
}
