package lifecycle_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestASwapInHandIsNotTakenForACrashedOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		done := make(chan error)
		go func() {
			slow := lifecycle.Recreate(s.Engine, lifecycle.WithStableTime(2*time.Minute))
			_, err := slow.Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
				{Container: s.web, Reference: "app:1", ImageID: s.new},
			}})
			done <- err
		}()
		other := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer)
		for range 3 {
			time.Sleep(3 * time.Second) //nolint:forbidigo // the bubble's time
			recovered, err := other.Recover(t.Context(), lifecycle.RecoverOptions{})
			require.NoError(t, err)
			require.Len(t, recovered, 1)
			assert.Equal(t, lifecycle.OutcomeUnfinished, recovered[0].Outcome)
			require.ErrorContains(t, recovered[0].Err, "another watcher has it in hand")
			assert.True(t, errdefs.IsConflict(recovered[0].Err))
		}
		require.NoError(t, <-done)
		assert.Equal(t, s.new, s.only(t).ImageID)
	})
}

func TestASilentHoldersSwapIsTakenOverAfterTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
			if n > 4 { // created, renamed, renamed, stopped
				return enginetest.Before
			}
			return enginetest.None
		})
		_, err := s.update(t.Context())
		require.Error(t, err)
		s.SetFault(nil)
		start := time.Now()
		recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
		require.NoError(t, err)
		assert.Equal(t, []lifecycle.Recovery{{Name: "web", Outcome: lifecycle.OutcomeRolledBack, ID: s.web.ID}}, recovered)
		assert.InDelta(t, 20, time.Since(start).Seconds(), 2)
		assert.Equal(t, lifecycle.StateRunning, s.only(t).State)
	})
}

func TestAHolderThatWasTakenForDeadTouchesNothingMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		var during []string
		s.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
			during = append(during, c.Method)
			return enginetest.None
		})
		done := make(chan error)
		go func() {
			slow := lifecycle.Recreate(s.Engine, lifecycle.WithStableTime(30*time.Second))
			_, err := slow.Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
				{Container: s.web, Reference: "app:1", ImageID: s.new},
			}})
			done <- err
		}()
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
		parked := s.named(t, ".wt-old-")
		require.NoError(t, s.Rename(t.Context(), parked.ID, parked.Name[:len(parked.Name)-1]+"7"))
		s.SetFault(func(int, enginetest.Call) enginetest.Fault { during = append(during, "late"); return enginetest.None })
		err := <-done
		require.ErrorContains(t, err, "another watcher has taken over")
		assert.True(t, errdefs.IsConflict(err))
		assert.Equal(t, 1, count(during, "late"), "one beat, which is refused")
		assert.Equal(t, parked.ID, s.named(t, ".wt-old-").ID)
	})
}

func TestWhatThisVeryWatcherLeftIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		updater := lifecycle.Recreate(s.Engine)
		s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
			if n > 4 {
				return enginetest.Before
			}
			return enginetest.None
		})
		result, err := updater.Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
			{Container: s.web, Reference: "app:1", ImageID: s.new},
		}})
		require.Error(t, err)
		assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
		s.SetFault(nil)
		start := time.Now()
		_, err = updater.(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
		require.NoError(t, err)
		assert.Zero(t, time.Since(start))
		assert.Equal(t, s.web.ID, s.only(t).ID)
	})
}

func TestAStrangersContainerUnderTheNameIsAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
			if n > 2 { // created, parked
				return enginetest.Before
			}
			return enginetest.None
		})
		_, err := s.update(t.Context())
		require.Error(t, err)
		s.SetFault(nil)
		stranger := s.Run("web", "app:1", lifecycle.Spec{})
		for range 2 {
			recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
			require.NoError(t, err)
			require.Len(t, recovered, 1)
			require.ErrorContains(t, recovered[0].Err, "not ours has the name")
			assert.Equal(t, stranger.ID, recovered[0].ID)
			assert.Equal(t, s.web.ID, s.named(t, ".wt-old-").ID)
		}
	})
}
