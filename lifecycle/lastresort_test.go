package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// wedged is a predecessor that the engine does not start again. Its stop was done,
// and the watcher was not told; or it was the watcher's last call.
func wedged(c lifecycle.Container, last bool) func(int, enginetest.Call) enginetest.Fault {
	stopped := false
	return func(_ int, call enginetest.Call) enginetest.Fault {
		switch {
		case call.Method == "Stop" && strings.HasPrefix(call.Subject, c.Name+".wt-old-"):
			stopped = true
			return enginetest.After
		case stopped && (last || call.Method == "Start" && call.Subject == c.ID):
			return enginetest.Before
		}
		return enginetest.None
	}
}

// The successor serves, if it is good; else all is kept for an engine that starts
// the predecessor.
func TestAPredecessorThatDoesNotStartAgain(t *testing.T) {
	t.Parallel()
	images := map[string]enginetest.Image{"good": {}, "exits": {Exits: true, ExitCode: 1, After: time.Second}, "unhealthy": {Health: "unhealthy"}}
	for name, image := range images {
		for _, was := range []lifecycle.State{lifecycle.StateRunning, lifecycle.StatePaused} {
			for _, last := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, the watcher dies: %v", name, was, last), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := newScene(t, lifecycle.Spec{}, was, image)
						s.SetFault(wedged(s.web, last))
						result, err := s.update(t.Context())
						outcome := result.Members[0].Outcome
						if last {
							s.SetFault(refused(s.web))
							outcome, err = s.recover(t)
						}
						if name == "good" {
							require.NoError(t, err)
							assert.Equal(t, lifecycle.OutcomeUpdated, outcome)
							c := s.only(t)
							assert.Equal(t, s.new, c.ImageID)
							assert.Equal(t, was, c.State)
							return
						}
						assert.Equal(t, lifecycle.OutcomeUnfinished, outcome)
						assert.True(t, errdefs.IsUnavailable(err), "%v", err)
						next, err := s.Inspect(t.Context(), "web")
						require.NoError(t, err)
						assert.False(t, next.State.Up(), "what is not good does not stay up")
						s.SetFault(nil)
						outcome, err = s.recover(t)
						require.NoError(t, err)
						assert.Equal(t, lifecycle.OutcomeRolledBack, outcome)
						c := s.only(t)
						assert.Equal(t, s.web.ID, c.ID)
						assert.Equal(t, was, c.State)
					})
				})
			}
		}
	}
}

// The watcher dies at any call, the engine with all that is up, and then does not
// start the predecessor: what was between two containers is served by the new one.
func TestASuccessorServesAfterTheDeathOfItsEngine(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]lifecycle.Spec{"plain": {}, "start-first": besideSpec()} {
		served := 0
		for k, hit := 1, true; hit && !t.Failed(); k++ {
			hit = false
			synctest.Test(t, func(t *testing.T) {
				name := fmt.Sprintf("%s, call %d", name, k)
				s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{})
				before, err := s.Inspect(t.Context(), "web")
				require.NoError(t, err)
				s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
					hit = hit || n == k
					if n > k {
						return enginetest.Before
					}
					return enginetest.None
				})
				_, _ = s.update(t.Context())
				s.SetFault(refused(s.web))
				parked := false
				list, err := s.Containers(t.Context())
				require.NoError(t, err)
				for _, c := range list {
					parked = parked || strings.Contains(c.Name, ".wt-old-")
					require.NoError(t, s.Stop(t.Context(), c.ID, lifecycle.StopOptions{}))
				}
				_, err = lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
				require.NoError(t, err)
				c := s.only(t)
				if !parked {
					return // it is as its engine left it
				}
				served++
				assert.Equal(t, s.new, c.ImageID, name)
				assert.Equal(t, lifecycle.StateRunning, c.State, name)
				after, err := s.Inspect(t.Context(), "web")
				require.NoError(t, err)
				assert.Equal(t, aliases(before), aliases(after), name)
			})
		}
		assert.Greater(t, served, 2, name)
	}
}

// refused lets every start of the container fail.
func refused(c lifecycle.Container) func(int, enginetest.Call) enginetest.Fault {
	return func(_ int, call enginetest.Call) enginetest.Fault {
		if call.Method == "Start" && call.Subject == c.ID {
			return enginetest.Before
		}
		return enginetest.None
	}
}

// recover is the next pass's repair.
func (s scene) recover(t *testing.T) (lifecycle.Outcome, error) {
	t.Helper()
	recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
	require.NoError(t, err)
	require.Len(t, recovered, 1)
	return recovered[0].Outcome, recovered[0].Err
}

func TestAFamilyOfWhichOneDoesNotStartAgain(t *testing.T) {
	t.Parallel()
	for _, member := range family {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHousehold(t, enginetest.Image{Env: []string{"VERSION=2"}})
				h.SetFault(wedged(h.was[member].Container, false))
				_, err := h.update(t.Context())
				require.NoError(t, err)
				assert.True(t, h.check(t, member))
			})
		})
	}
}
