package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// as updates the scene's container with what the member says besides.
func (s scene) as(ctx context.Context, m lifecycle.Member) (lifecycle.Result, error) {
	m.Container, m.Reference, m.ImageID = s.web, "app:1", s.new
	return lifecycle.Recreate(s.Engine).Update(ctx, lifecycle.Target{Members: []lifecycle.Member{m}})
}

func TestASuccessorThatIsNotStarted(t *testing.T) {
	t.Parallel()
	for _, was := range []lifecycle.State{lifecycle.StateRunning, lifecycle.StatePaused, lifecycle.StateExited} {
		t.Run(string(was), func(t *testing.T) {
			t.Parallel()
			// It is never started, so that nobody notices how bad it is.
			s := newScene(t, lifecycle.Spec{}, was, enginetest.Image{StartError: "no such file"})
			result, err := s.as(t.Context(), lifecycle.Member{Start: lifecycle.StartNever})
			require.NoError(t, err)
			calls := []string{"Create web.wt-new-<old>-<old>", "Rename <old>", "Rename web.wt-new-<old>-<old>"}
			letter := "s"
			if was != lifecycle.StateExited {
				letter = map[lifecycle.State]string{lifecycle.StateRunning: "r", lifecycle.StatePaused: "p"}[was]
				calls = append(calls, "Stop web.wt-old-"+letter+"-<old>-<old>-0")
			}
			assert.Equal(t, append(calls, "Remove web.wt-old-"+letter+"-<old>-<old>-0"), s.changes())
			c := s.only(t)
			assert.Equal(t, lifecycle.StateCreated, c.State)
			assert.Equal(t, s.new, c.ImageID)
			assert.Equal(t, lifecycle.OutcomeUpdated, result.Members[0].Outcome)
			assert.Zero(t, result.Members[0].Downtime)
		})
	}
}

func TestWhatCannotBeSwappedIsNotStoppedEither(t *testing.T) {
	t.Parallel()
	s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
	s.new = "sha256:other"
	_, err := s.as(t.Context(), lifecycle.Member{Start: lifecycle.StartNever})
	require.ErrorContains(t, err, "not to the judged")
	assert.Empty(t, s.changes())
	_, err = lifecycle.Recreate(s.Engine).Update(t.Context(), lifecycle.Target{
		Order: lifecycle.StartFirst, Members: []lifecycle.Member{{Container: s.only(t), Start: lifecycle.StartNever}},
	})
	require.ErrorContains(t, err, "start-first: its successor is not to be started")
	assert.Equal(t, lifecycle.StateRunning, s.only(t).State)
}

func TestAStoppedContainerIsRevived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateExited, enginetest.Image{})
		_, err := s.as(t.Context(), lifecycle.Member{Start: lifecycle.StartAlways})
		require.NoError(t, err)
		assert.Equal(t, lifecycle.StateRunning, s.only(t).State)
		assert.Equal(t, s.new, s.only(t).ImageID)

		bad := newScene(t, lifecycle.Spec{}, lifecycle.StateExited, enginetest.Image{Exits: true, ExitCode: 1, After: time.Second})
		result, err := bad.as(t.Context(), lifecycle.Member{Start: lifecycle.StartAlways})
		require.Error(t, err)
		assert.Equal(t, lifecycle.OutcomeRolledBack, result.Members[0].Outcome)
		assert.Equal(t, bad.web.ID, bad.only(t).ID)
		assert.Equal(t, lifecycle.StateExited, bad.only(t).State, "the old one is left as it was")
	})
}

// Every call fails or is the watcher's last: the container ends as it was, or as its
// successor was to end, never between the two, and never on a bad image that was
// started.
func TestAFaultAtAnyCallEndsInOneStateOrTheOther(t *testing.T) {
	t.Parallel()
	targets := map[string]lifecycle.Member{
		"never":         {Start: lifecycle.StartNever},
		"always":        {Start: lifecycle.StartAlways},
		"fresh volumes": {FreshVolumes: true},
		"never, fresh":  {Start: lifecycle.StartNever, FreshVolumes: true},
	}
	specs := map[string]lifecycle.Spec{
		"plain": {}, "removes itself": {HostConfig: lifecycle.Document{"AutoRemove": true}},
		"always": {HostConfig: lifecycle.Document{"RestartPolicy": map[string]any{"Name": "always"}}},
	}
	images := map[string]enginetest.Image{"good": {}, "exits": {Exits: true, ExitCode: 1, After: time.Second}, "start fails": {StartError: "no such file"}}
	runs := 0
	for targetName, target := range targets {
		for specName, spec := range specs {
			for imageName, image := range images {
				for _, was := range []lifecycle.State{lifecycle.StateRunning, lifecycle.StatePaused, lifecycle.StateExited} {
					if !spec.HostConfig.Flag("AutoRemove") || was != lifecycle.StateExited { // there is no such container
						runs += startSweep(t, fmt.Sprintf("%s, %s, %s, %s", targetName, specName, imageName, was), spec, was, image, target)
					}
				}
			}
		}
	}
	t.Logf("%d faults", runs)
	assert.Greater(t, runs, 1000)
}

// startSweep puts each fault at each call there is, and returns how many there are.
func startSweep(t *testing.T, name string, spec lifecycle.Spec, was lifecycle.State, image enginetest.Image, target lifecycle.Member) (runs int) {
	t.Helper()
	for _, f := range faults() {
		for k, hit := 1, true; hit && !t.Failed(); k++ {
			synctest.Test(t, func(t *testing.T) {
				hit = startFaultAt(t, fmt.Sprintf("%s, %s, call %d", name, f.name, k), newScene(t, spec, was, image), target, image, f, k)
			})
			runs++
		}
	}
	return runs
}

func startFaultAt(t *testing.T, name string, s scene, target lifecycle.Member, image enginetest.Image, f fault, k int) (hit bool) {
	t.Helper()
	was, volumes := s.web.State, s.Volumes()
	s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
		hit = hit || n == k
		return f.at(k, n)
	})
	_, err := s.as(t.Context(), target)
	s.SetFault(nil)
	if f.killed {
		recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
		require.NoError(t, err)
		for _, r := range recovered {
			require.NoError(t, r.Err, name)
		}
	}
	c := s.only(t)
	updated := c.ImageID == s.new
	if !f.killed {
		assert.Equal(t, err == nil, updated, "%s: %v", name, err)
	}
	if !updated {
		assert.Equal(t, was, c.State, "%s: %v", name, err)
		snap, err := s.Inspect(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, volumes[0], snap.Mounts[0].Name, "%s: its volume", name)
		assert.Contains(t, s.Volumes(), volumes[0], name)
		return hit
	}
	end := was
	switch {
	case target.Start == lifecycle.StartNever, was == lifecycle.StateExited && target.Start == lifecycle.StartAsFound:
		end = lifecycle.StateCreated
	case was == lifecycle.StateExited:
		end = lifecycle.StateRunning
	}
	assert.Equal(t, end, c.State, "%s: %v", name, err)
	if end != lifecycle.StateCreated {
		assert.True(t, image.StartError == "" && !image.Exits, "%s: a bad image was taken for good", name)
	}
	return hit
}

func TestAnonymousVolumesAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mine := fmt.Sprintf("%064d", 7) // named like an anonymous one
		s := newScene(t, lifecycle.Spec{HostConfig: lifecycle.Document{"Binds": []any{"named:/named", mine + ":/mine"}}}, lifecycle.StateRunning, enginetest.Image{})
		volume := func(path string) string {
			snap, err := s.Inspect(t.Context(), "web")
			require.NoError(t, err)
			for _, m := range snap.Mounts {
				if m.Destination == path {
					return m.Name
				}
			}
			return ""
		}
		first := volume("/data")
		// The first update carries it on, for which it has to be named.
		_, err := s.as(t.Context(), lifecycle.Member{})
		require.NoError(t, err)
		assert.Equal(t, first, volume("/data"))
		s.web = s.only(t)

		// It is anonymous all the same.
		result, err := s.as(t.Context(), lifecycle.Member{FreshVolumes: true})
		require.NoError(t, err)
		assert.Empty(t, result.Members[0].Warnings)
		second := volume("/data")
		assert.NotEqual(t, first, second)
		assert.Equal(t, "named", volume("/named"))
		assert.Equal(t, mine, volume("/mine"))
		assert.ElementsMatch(t, []string{second, "named", mine}, s.Volumes())
		s.web = s.only(t)

		// One that another container uses stays.
		s.Run("reader", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{"Binds": []any{second + ":/theirs"}}})
		result, err = s.as(t.Context(), lifecycle.Member{FreshVolumes: true})
		require.NoError(t, err)
		require.Len(t, result.Members[0].Warnings, 1)
		assert.Contains(t, result.Members[0].Warnings[0], "in use")
		assert.Contains(t, s.Volumes(), second)
	})
}

func TestWhoHasAnothersVolumesGetsItsFreshOnes(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"ID", "name"} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
			ref := map[string]string{"ID": s.web.ID, "name": "web"}[by]
			s.Publish("plain:1", enginetest.Image{})
			child := s.Run("child", "plain:1", lifecycle.Spec{HostConfig: lifecycle.Document{"VolumesFrom": []any{ref}}})
			_, err := lifecycle.Recreate(s.Engine).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
				{Container: s.web, Reference: "app:1", ImageID: s.new, FreshVolumes: true},
				{Container: child, Reference: "plain:1", ImageID: child.ImageID},
			}})
			require.NoError(t, err)
			var names []string
			for _, name := range []string{"web", "child"} {
				snap, err := s.Inspect(t.Context(), name)
				require.NoError(t, err)
				require.Len(t, snap.Mounts, 1)
				names = append(names, snap.Mounts[0].Name)
			}
			assert.Equal(t, names[0], names[1], "by %s", by)
			assert.Equal(t, []string{names[0]}, s.Volumes(), "by %s", by)
		})
	}
}

// A successor that does not come to serve takes the volumes along that it began with.
func TestRenewedVolumesGoWithASuccessorThatFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		image enginetest.Image
		ready error // what is said before the swap
	}{
		"does not start": {enginetest.Image{StartError: "no such file"}, nil},
		"is put off":     {enginetest.Image{}, errors.New("not now")},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, lifecycle.Spec{HostConfig: lifecycle.Document{"Binds": []any{"named:/named"}}}, lifecycle.StateRunning, tt.image)
			before := s.Volumes()
			for range 2 {
				result, err := lifecycle.Recreate(s.Engine).Update(t.Context(), lifecycle.Target{
					Members:    []lifecycle.Member{{Container: s.web, Reference: "app:1", ImageID: s.new, FreshVolumes: true}},
					BeforeSwap: func(context.Context) error { return tt.ready },
				})
				require.Error(t, err, name)
				assert.Empty(t, result.Members[0].Warnings, name)
				assert.ElementsMatch(t, before, s.Volumes(), name)
			}
			assert.Equal(t, s.web.ID, s.only(t).ID, name)
		})
	}
}

func TestWhoFollowsKeepsItsVolumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		s.Publish("own:1", enginetest.Image{Volumes: []string{"/own"}})
		child := s.Run("child", "own:1", lifecycle.Spec{})
		before, err := s.Inspect(t.Context(), "child")
		require.NoError(t, err)
		result, err := lifecycle.Recreate(s.Engine).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
			{Container: s.web, Reference: "app:1", ImageID: s.new, FreshVolumes: true},
			{Container: child, Reference: "own:1", ImageID: child.ImageID},
		}})
		require.NoError(t, err)
		assert.Empty(t, result.Members[1].Warnings, "nobody tried to remove it")
		after, err := s.Inspect(t.Context(), "child")
		require.NoError(t, err)
		require.Len(t, after.Mounts, 1)
		assert.Equal(t, before.Mounts[0].Name, after.Mounts[0].Name)
		assert.Len(t, s.Volumes(), 2)
	})
}

func TestVolumesAreNotRenewedWhereNobodyCanRemoveThem(t *testing.T) {
	t.Parallel()
	s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
	s2 := struct{ lifecycle.Engine }{s.Engine} // none of its abilities
	_, err := lifecycle.Recreate(s2).Update(t.Context(), lifecycle.Target{
		Members: []lifecycle.Member{{Container: s.web, Reference: "app:1", ImageID: s.new, FreshVolumes: true}},
	})
	require.ErrorContains(t, err, "cannot remove its anonymous volumes")
	assert.Empty(t, s.changes())
}

// A family whose successors are not started, and whose volumes are renewed, ends whole:
// as it was, or in all members' successors.
func TestAFaultAtAnyCallLeavesAFamilyWholeThatIsNotStarted(t *testing.T) {
	t.Parallel()
	runs := 0
	for _, f := range faults() {
		for k, hit := 1, true; hit && !t.Failed(); k++ {
			synctest.Test(t, func(t *testing.T) {
				name := fmt.Sprintf("%s, call %d", f.name, k)
				h := newHousehold(t, enginetest.Image{StartError: "no such file"})
				for i := range h.target.Members {
					h.target.Members[i].Start, h.target.Members[i].FreshVolumes = lifecycle.StartNever, true
				}
				hit = false
				h.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
					hit = hit || n == k
					return f.at(k, n)
				})
				_, failed := h.update(t.Context())
				h.SetFault(nil)
				if f.killed {
					_, err := lifecycle.Recreate(h.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
					require.NoError(t, err, name)
				}
				updated := h.whole(t, name)
				assert.True(t, f.killed || updated == (failed == nil), "%s: %v", name, failed)
				runs++
			})
		}
	}
	t.Logf("%d faults", runs)
	assert.Greater(t, runs, 50)
}

// whole sees that the family is as it was, or made of successors that were not started
// and have the volumes of their own, and returns which.
func (h household) whole(t *testing.T, name string) (updated bool) {
	t.Helper()
	now := map[string]lifecycle.Snapshot{}
	for _, member := range family {
		var err error
		now[member], err = h.Inspect(t.Context(), member)
		require.NoError(t, err, name)
	}
	updated = now["vpn"].ID != h.was["vpn"].ID
	want := lifecycle.StateRunning
	if updated {
		want = lifecycle.StateCreated
	}
	for _, member := range family {
		assert.Equal(t, want, now[member].State, "%s: %s", name, member)
		assert.Equal(t, updated, now[member].ID != h.was[member].ID, "%s: %s", name, member)
	}
	list, err := h.Containers(t.Context())
	require.NoError(t, err)
	assert.Len(t, list, len(family), name)
	assert.Equal(t, updated, now["app"].Mounts[0].Name != h.was["app"].Mounts[0].Name, name)
	assert.Equal(t, now["app"].Mounts[0].Name, now["job"].Mounts[0].Name, name)
	assert.Contains(t, h.Volumes(), now["app"].Mounts[0].Name, name)
	return updated
}
