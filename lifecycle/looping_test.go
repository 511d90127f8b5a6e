package lifecycle_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// newLoopingScene is a container that its policy restarts for ever. The engine
// does not rename it while it is between two lives.
// It ends after each time that long.
func newLoopingScene(t *testing.T, after time.Duration, next enginetest.Image) scene {
	t.Helper()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{Exits: true, ExitCode: 2, After: after})
	s := scene{Engine: e, web: e.Run("web", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{"RestartPolicy": map[string]any{"Name": "always"}}})}
	next.Env = []string{"VERSION=2"}
	e.Publish("app:1", next)
	require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
	image, err := e.InspectImage(t.Context(), "app:1")
	require.NoError(t, err)
	s.new = image.ID
	snap, err := s.Inspect(t.Context(), "web")
	require.NoError(t, err)
	require.Equal(t, after == 0, snap.State == lifecycle.StateRestarting)
	s.web = snap.Container
	s.Calls()
	return s
}

// looksRight sees one container: the new one up, or the old one being restarted.
func (s scene) looksRight(t *testing.T, name string) (updated bool) {
	t.Helper()
	c := s.only(t)
	if c.ID != s.web.ID {
		assert.Equal(t, s.new, c.ImageID, name)
		assert.Equal(t, lifecycle.StateRunning, c.State, name)
		return true
	}
	assert.Equal(t, lifecycle.StateRestarting, c.State, name)
	return false
}

func TestAContainerThatIsRestartedForEver(t *testing.T) {
	t.Parallel()
	for imageName, image := range map[string]enginetest.Image{
		"good": {}, "bad": {Exits: true, ExitCode: 1}, "start fails": {StartError: "no such file"},
	} {
		for i, f := range append(faults(), faults()...) {
			after := time.Duration(i/len(faults())) * 5 * time.Second
			for k, hit := 1, true; hit && !t.Failed(); k++ {
				hit = false
				synctest.Test(t, func(t *testing.T) {
					name := fmt.Sprintf("%s, %s, call %d, ends after %v", imageName, f.name, k, after)
					s := newLoopingScene(t, after, image)
					s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
						hit = hit || n == k
						return f.at(k, n)
					})
					_, err := s.update(t.Context())
					s.SetFault(nil)
					time.Sleep(10 * time.Second) //nolint:forbidigo // the bubble's time
					if f.killed {
						recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
						require.NoError(t, err)
						for _, r := range recovered {
							require.NoError(t, r.Err, name)
						}
						time.Sleep(10 * time.Second) //nolint:forbidigo // the bubble's time
						s.looksRight(t, name)
						return
					}
					assert.Equal(t, err == nil, s.looksRight(t, name), "%s: %v", name, err)
				})
			}
		}
	}
}

func TestADeathInTheRepairOfALoopingContainer(t *testing.T) {
	t.Parallel()
	dies := func(k int, hit *bool) func(int, enginetest.Call) enginetest.Fault {
		return func(n int, _ enginetest.Call) enginetest.Fault {
			*hit = *hit || n >= k
			if n >= k {
				return enginetest.Before
			}
			return enginetest.None
		}
	}
	runs := 0
	for k, hit := 1, true; hit && !t.Failed(); k++ {
		hit = false
		for j, again := 1, true; again && !t.Failed(); j++ {
			again = false
			synctest.Test(t, func(t *testing.T) {
				s := newLoopingScene(t, 0, enginetest.Image{Exits: true, ExitCode: 1})
				s.SetFault(dies(k, &hit))
				_, _ = s.update(t.Context())
				for _, fault := range []func(int, enginetest.Call) enginetest.Fault{dies(j, &again), nil} {
					s.SetFault(fault)
					_, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
					require.NoError(t, err)
				}
				time.Sleep(10 * time.Second) //nolint:forbidigo // the bubble's time
				assert.False(t, s.looksRight(t, fmt.Sprintf("killed at call %d, then at call %d of the repair", k, j)))
				runs++
			})
		}
	}
	assert.Greater(t, runs, 20)
}
