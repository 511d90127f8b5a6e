package lifecycle_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// fault is what befalls a swap from its k-th change on.
type fault struct {
	name   string
	at     func(k, n int) enginetest.Fault
	killed bool // nobody is left to undo it: the next pass has to
}

func faults() []fault {
	once := func(f enginetest.Fault) func(k, n int) enginetest.Fault {
		return func(k, n int) enginetest.Fault {
			if n == k {
				return f
			}
			return enginetest.None
		}
	}
	from := func(f enginetest.Fault) func(k, n int) enginetest.Fault {
		return func(k, n int) enginetest.Fault {
			switch {
			case n < k:
				return enginetest.None
			case n == k:
				return f
			default:
				return enginetest.Before
			}
		}
	}
	return []fault{
		{"not done", once(enginetest.Before), false},
		{"done, but reported failed", once(enginetest.After), false},
		{"killed before", from(enginetest.Before), true},
		{"killed after", from(enginetest.None), true},
	}
}

// Every call that changes something fails, before it was done or after, or is
// the watcher's last, on good images and bad: one container is left under the
// name, in its state, on the new image only if the swap says so, and its volume
// is there.
func TestAFaultAtAnyCallLosesNothing(t *testing.T) {
	t.Parallel()
	specs := map[string]lifecycle.Spec{
		"plain":          {},
		"published port": {HostConfig: lifecycle.Document{"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostPort": "8080"}}}}},
		"always":         {HostConfig: lifecycle.Document{"RestartPolicy": map[string]any{"Name": "always"}}},
		"removes itself": {HostConfig: lifecycle.Document{"AutoRemove": true}},
		"start-first":    besideSpec(),
	}
	images := map[string]enginetest.Image{
		"good": {}, "start fails": {StartError: "no such file"}, "exits": {Exits: true, ExitCode: 1, After: time.Second},
		"unhealthy": {Health: "unhealthy"},
	}
	states := []lifecycle.State{lifecycle.StateRunning, lifecycle.StatePaused, lifecycle.StateExited}
	runs := 0
	for specName, spec := range specs {
		for imageName, image := range images {
			for _, was := range states {
				if spec.HostConfig.Flag("AutoRemove") && was == lifecycle.StateExited {
					continue // there is no such container
				}
				for _, f := range faults() {
					runs += sweep(t, fmt.Sprintf("%s, %s, %s, %s", specName, imageName, was, f.name), spec, was, image, f)
				}
			}
		}
	}
	t.Logf("%d faults", runs)
	assert.Greater(t, runs, 1000)
}

// sweep puts the fault at each call there is, and returns how many there are.
func sweep(t *testing.T, name string, spec lifecycle.Spec, was lifecycle.State, image enginetest.Image, f fault) int {
	t.Helper()
	for k := 1; ; k++ {
		hit := false
		synctest.Test(t, func(t *testing.T) {
			hit = faultAt(t, fmt.Sprintf("%s, call %d", name, k), spec, was, image, f, k)
		})
		if !hit || t.Failed() {
			return k - 1
		}
	}
}

func faultAt(t *testing.T, name string, spec lifecycle.Spec, was lifecycle.State, image enginetest.Image, f fault, k int) (hit bool) {
	t.Helper()
	s := newScene(t, spec, was, image)
	before, err := s.Inspect(t.Context(), "web")
	require.NoError(t, err)
	s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
		hit = hit || n == k
		return f.at(k, n)
	})
	result, err := s.update(t.Context())
	s.SetFault(nil)
	updated := err == nil
	if f.killed {
		recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
		require.NoError(t, err)
		for _, r := range recovered {
			require.NoError(t, r.Err, name)
		}
	}
	c := s.only(t)
	if f.killed {
		updated = c.ImageID == s.new
	}
	assert.Equal(t, updated, c.ImageID == s.new, "%s: %v: on %s", name, err, c.ImageID)
	switch {
	case was != lifecycle.StateExited:
		assert.Equal(t, was, c.State, "%s: %v", name, err)
	case updated:
		assert.Equal(t, lifecycle.StateCreated, c.State, name)
	default:
		assert.Equal(t, lifecycle.StateExited, c.State, name)
	}
	if updated {
		assert.True(t, f.killed || result.Members[0].Outcome == lifecycle.OutcomeUpdated, name)
		assert.True(t, was == lifecycle.StateExited || image.StartError == "" && !image.Exits && image.Health == "", "%s: a bad image was taken for good", name)
	}
	after, err := s.Inspect(t.Context(), "web")
	require.NoError(t, err)
	assert.Equal(t, before.Mounts[0].Name, after.Mounts[0].Name, "%s: its volume", name)
	assert.Equal(t, aliases(before), aliases(after), "%s: %v: its network aliases", name, err)
	assert.Contains(t, s.Volumes(), before.Mounts[0].Name, "%s: its volume's data", name)
	if !spec.HostConfig.Flag("AutoRemove") && !updated {
		assert.Equal(t, s.web.ID, after.ID, name)
	}
	return hit
}

// The watcher dies at any call, and the one that repairs it dies at any call of
// its own: the third finds its way all the same.
func TestADeathInTheRepairOfADeathLosesNothing(t *testing.T) {
	t.Parallel()
	type world struct {
		*enginetest.Engine

		update func(context.Context)
		check  func(t *testing.T, name string)
	}
	single := func(spec lifecycle.Spec, was lifecycle.State, image enginetest.Image) func(*testing.T) world {
		return func(t *testing.T) world {
			t.Helper()
			s := newScene(t, spec, was, image)
			return world{s.Engine, func(ctx context.Context) { _, _ = s.update(ctx) }, func(t *testing.T, name string) {
				t.Helper()
				assert.Equal(t, was, s.only(t).State, name)
				after, err := s.Inspect(t.Context(), "web")
				require.NoError(t, err)
				assert.Equal(t, aliases(lifecycle.Snapshot{Networks: spec.Networks}), aliases(after), name)
			}}
		}
	}
	family := func(image enginetest.Image) func(*testing.T) world {
		return func(t *testing.T) world {
			t.Helper()
			h := newHousehold(t, image)
			return world{h.Engine, func(ctx context.Context) { _, _ = h.update(ctx) }, func(t *testing.T, name string) {
				t.Helper()
				h.check(t, name)
			}}
		}
	}
	bad := enginetest.Image{Exits: true, ExitCode: 1, After: time.Second}
	rm := lifecycle.Spec{HostConfig: lifecycle.Document{"AutoRemove": true}}
	always := lifecycle.Spec{HostConfig: lifecycle.Document{"RestartPolicy": map[string]any{"Name": "always"}}}
	worlds := map[string]func(*testing.T) world{
		"plain": single(lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{}), "plain, bad": single(lifecycle.Spec{}, lifecycle.StateRunning, bad),
		"start-first": single(besideSpec(), lifecycle.StateRunning, enginetest.Image{}), "start-first, bad": single(besideSpec(), lifecycle.StateRunning, bad),
		"always, bad":    single(always, lifecycle.StateRunning, bad),
		"paused":         single(lifecycle.Spec{}, lifecycle.StatePaused, enginetest.Image{}),
		"paused, bad":    single(lifecycle.Spec{}, lifecycle.StatePaused, bad),
		"removes itself": single(rm, lifecycle.StateRunning, enginetest.Image{}), "removes itself, bad": single(rm, lifecycle.StateRunning, bad),
		"family": family(enginetest.Image{Env: []string{"VERSION=2"}}), "family, bad": family(bad),
	}
	runs := 0
	for worldName, makeWorld := range worlds {
		for k, hit := 1, true; hit && !t.Failed(); k++ {
			hit = false
			for j, again := 1, true; again && !t.Failed(); j++ {
				again = false
				synctest.Test(t, func(t *testing.T) {
					name := fmt.Sprintf("%s, killed at call %d, then at call %d of the repair", worldName, k, j)
					w := makeWorld(t)
					diesAt := func(k int, hit *bool) func(int, enginetest.Call) enginetest.Fault {
						return func(n int, _ enginetest.Call) enginetest.Fault {
							*hit = *hit || n >= k
							if n >= k {
								return enginetest.Before
							}
							return enginetest.None
						}
					}
					w.SetFault(diesAt(k, &hit))
					w.update(t.Context())
					for _, fault := range []func(int, enginetest.Call) enginetest.Fault{diesAt(j, &again), nil} {
						w.SetFault(fault)
						_, err := lifecycle.Recreate(w.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
						require.NoError(t, err, name)
					}
					w.check(t, name)
					runs++
				})
			}
		}
	}
	t.Logf("%d pairs of deaths", runs)
	assert.Greater(t, runs, 200)
}
