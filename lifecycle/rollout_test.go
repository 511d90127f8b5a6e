package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// Two digests of one tag.
const (
	pinnedOld = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	pinnedNew = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// webService is a specification with fields that nobody here knows.
func webService(image, failureAction string) lifecycle.Document {
	return lifecycle.Document{
		"Name": "web", "Labels": map[string]any{"com.docker.stack.image": "app:1", "both": "service's"}, "Later": map[string]any{"than": "we"},
		"TaskTemplate": map[string]any{
			"ContainerSpec": map[string]any{"Image": image, "Labels": map[string]any{"own": "container's", "both": "container's"}, "Secrets": []any{"s"}},
			"ForceUpdate":   "0",
		},
		"UpdateConfig": map[string]any{"FailureAction": failureAction},
	}
}

// rolledOut is an update of the service to the new digest.
func rolledOut(t *testing.T, s *enginetest.Swarm, judged lifecycle.Service, opts ...lifecycle.RollOutOption) (lifecycle.MemberResult, error) {
	t.Helper()
	result, err := lifecycle.RollOut(s, opts...).Update(t.Context(), lifecycle.Target{
		Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
	})
	require.Len(t, result.Members, 1)
	return result.Members[0], err
}

func aService(t *testing.T, failureAction string) (*enginetest.Swarm, lifecycle.Service) {
	t.Helper()
	s := enginetest.NewSwarm()
	s.CreateService(webService("app:1@"+pinnedOld, failureAction))
	judged, err := s.Service(t.Context(), "web")
	require.NoError(t, err)
	return s, judged
}

func TestAServiceIsSeenAsAContainer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ image, stack, want, pin string }{
		"the digest that the client adds":    {"app:1@" + pinnedOld, "app:1", "app:1", pinnedOld},
		"none":                               {"app:1", "", "app:1", ""},
		"a registry with a port":             {"127.0.0.1:5000/app:1@" + pinnedOld, "", "127.0.0.1:5000/app:1", pinnedOld},
		"a digest that stands alone":         {"127.0.0.1:5000/app@" + pinnedOld, "", "127.0.0.1:5000/app@" + pinnedOld, pinnedOld},
		"a digest that is in a stack's file": {"app:1@" + pinnedOld, "app:1@" + pinnedOld, "app:1@" + pinnedOld, pinnedOld},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := webService(tt.image, "")
			spec.Object("Labels")["com.docker.stack.image"] = tt.stack
			c := lifecycle.Service{ID: "1", Name: "web", Spec: spec}.Container()
			assert.Equal(t, tt.want, c.Image)
			assert.Equal(t, tt.pin, c.ImageID)
			assert.Equal(t, "service's", c.Labels["both"], "of the service before those of its containers")
			assert.Equal(t, "container's", c.Labels["own"])
			require.NotNil(t, c.Service)
			_, task := lifecycle.TaskOf(c)
			assert.False(t, task)
		})
	}
}

// The specification goes back as it came, but for the image.
func TestOnlyTheImageOfAServiceIsChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, judged := aService(t, "rollback")
		login := credentials.Credential{Username: "me", Password: credentials.NewSecret("x")}
		m, err := rolledOut(t, s, judged, lifecycle.WithServiceLogin(func(context.Context, string) (credentials.Credential, error) { return login, nil }))
		require.NoError(t, err)
		assert.Equal(t, lifecycle.OutcomeUpdated, m.Outcome)
		require.Len(t, s.Posted(), 1)
		want := judged.Spec.Clone()
		want.Object("TaskTemplate").Object("ContainerSpec")["Image"] = "app:1@" + pinnedNew
		assert.Equal(t, want, s.Posted()[0].Spec)
		assert.Equal(t, login, s.Posted()[0].Credential)
		assert.Equal(t, "app:1@"+pinnedOld, judged.Image(), "what was judged is its judge's")
	})
}

func TestHowAClusterEndsAnUpdate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		action  string
		outcome lifecycle.Outcome
		image   string // the service's in the end
		says    string
	}{
		"it rolls back":                    {"rollback", lifecycle.OutcomeRolledBack, pinnedOld, "verify web: the cluster rolled back"},
		"it pauses":                        {"pause", lifecycle.OutcomeUnfinished, pinnedNew, "waits for a person: update paused due to failure"},
		"it goes on though no task runs":   {"continue", lifecycle.OutcomeUnfinished, pinnedNew, "none of 1 tasks runs: task: non-zero exit (3)"},
		"it pauses where nobody said what": {"", lifecycle.OutcomeUnfinished, pinnedNew, "waits for a person"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, tt.action)
				s.SetBad("app:1@" + pinnedNew)
				m, err := rolledOut(t, s, judged)
				require.ErrorIs(t, err, errdefs.ErrAborted)
				require.ErrorContains(t, err, tt.says)
				assert.Equal(t, tt.outcome, m.Outcome)
				assert.True(t, m.ImageFailed)
				require.NotNil(t, m.Failure)
				assert.Equal(t, 3, m.Failure.ExitCode)
				now, err := s.Service(t.Context(), "web")
				require.NoError(t, err)
				assert.Equal(t, "app:1@"+tt.image, now.Image())
			})
		})
	}
}

// What somebody else changes between the look and the update stays, and what was judged
// is updated only as long as it is there.
func TestAServiceThatOthersChange(t *testing.T) {
	t.Parallel()
	scale := func(s *lifecycle.Service) { s.Spec["Mode"] = "scaled" }
	same := func(s *lifecycle.Service) {
		s.Spec.Object("TaskTemplate").Object("ContainerSpec")["Image"] = "app:1@" + pinnedNew
	}
	move := func(s *lifecycle.Service) { s.Spec.Object("TaskTemplate").Object("ContainerSpec")["Image"] = "app:2" }
	for name, tt := range map[string]struct {
		times  int
		change func(*lifecycle.Service)
		says   string
		class  error
		posted int
	}{
		"another field, once":   {1, scale, "", nil, 1},
		"another field, always": {100, scale, "update out of sequence", errdefs.ErrConflict, 0},
		"to the same image":     {1, same, "somebody else has given it this image meanwhile: app:1@" + pinnedNew, errdefs.ErrFailedPrecondition, 0},
		"its image":             {1, move, "its image is app:2 now, not app:1@" + pinnedOld, errdefs.ErrFailedPrecondition, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, "")
				s.BeforeUpdate(func(n int) {
					if n <= tt.times {
						s.ChangeService(judged.ID, tt.change)
					}
				})
				m, err := rolledOut(t, s, judged)
				require.Len(t, s.Posted(), tt.posted)
				if tt.class != nil {
					require.ErrorIs(t, err, tt.class)
					require.ErrorContains(t, err, tt.says)
					assert.Equal(t, lifecycle.OutcomeUntouched, m.Outcome)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, "scaled", s.Posted()[0].Spec.Text("Mode"), "it is not overwritten")
			})
		})
	}
}

func TestAServiceIsNotUpdatedWhile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*lifecycle.Service)
		word   error
		says   string
	}{
		"another change is in hand": {func(s *lifecycle.Service) { s.Rollout, s.Message = lifecycle.RolloutRollbackStarted, "back" }, nil, "has a change of it in hand: back"},
		"a hook is against it":      {func(*lifecycle.Service) {}, errors.New("not now"), "not now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, judged := aService(t, "")
			s.ChangeService(judged.ID, tt.change)
			result, err := lifecycle.RollOut(s).Update(t.Context(), lifecycle.Target{
				Members:    []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
				BeforeSwap: func(context.Context) error { return tt.word },
			})
			require.ErrorContains(t, err, tt.says)
			assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
			assert.Empty(t, s.Posted())
		})
	}
}

// An answer that is lost says nothing of what was done.
func TestAnUpdateWhoseAnswerIsLostIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for fault, outcome := range map[enginetest.Fault]lifecycle.Outcome{
			enginetest.After: lifecycle.OutcomeUpdated, enginetest.Before: lifecycle.OutcomeUntouched,
		} {
			s, judged := aService(t, "")
			s.SetFault(func(int, enginetest.Call) enginetest.Fault { return fault })
			m, err := rolledOut(t, s, judged)
			assert.Equal(t, outcome, m.Outcome)
			assert.Equal(t, outcome != lifecycle.OutcomeUpdated, err != nil, "%v", err)
		}
	})
}

// losingManager loses the others when it is to change something.
type losingManager struct {
	*enginetest.Swarm
	lost *bool
}

var errNoLeader = errors.New("the swarm does not have a leader")

func (l losingManager) Service(ctx context.Context, ref string) (lifecycle.Service, error) {
	if *l.lost {
		return lifecycle.Service{}, errNoLeader
	}
	return l.Swarm.Service(ctx, ref)
}

func (l losingManager) UpdateService(context.Context, lifecycle.ServiceOptions) ([]string, error) {
	*l.lost = true
	return nil, errors.New("node lost leader status")
}

func TestAnUpdateOfWhichNobodyKnowsIsUnfinished(t *testing.T) {
	t.Parallel()
	s, judged := aService(t, "")
	result, err := lifecycle.RollOut(losingManager{s, new(bool)}).Update(t.Context(), lifecycle.Target{
		Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
	})
	require.ErrorIs(t, err, errNoLeader)
	require.EqualError(t, err, "update web: node lost leader status; and nobody says whether it was done: the swarm does not have a leader")
	assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
	assert.False(t, result.Members[0].ImageFailed)
}

// lostManager answers again after a while.
type lostManager struct {
	*enginetest.Swarm
	until time.Time
}

func (l lostManager) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	if time.Now().Before(l.until) {
		return nil, errdefs.ErrUnavailable
	}
	return l.Swarm.Tasks(ctx, service)
}

func TestAnUpdateOutlivesItsManager(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lost     time.Duration
		patience time.Duration
		waited   time.Duration
		says     string
	}{
		"for half a minute":            {30 * time.Second, 0, 30 * time.Second, ""},
		"for too long":                 {time.Hour, 0, lifecycle.DefaultRolloutPatience, "the cluster goes on by itself: nobody answers: unavailable"},
		"for longer than somebody has": {time.Hour, time.Second, time.Second, "nobody answers: unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, "")
				updater := lifecycle.RollOut(lostManager{s, time.Now().Add(tt.lost)}, lifecycle.WithRolloutPatience(tt.patience))
				var steps []string
				begun := time.Now()
				result, err := updater.Update(t.Context(), lifecycle.Target{
					Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
					OnStep:  func(s lifecycle.Step) { steps = append(steps, strings.TrimSpace(s.Action+" "+s.Detail)) },
				})
				assert.Equal(t, tt.waited, time.Since(begun))
				if tt.says != "" {
					require.ErrorIs(t, err, errdefs.ErrUnavailable)
					require.ErrorContains(t, err, tt.says)
					assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
					assert.False(t, result.Members[0].ImageFailed, "nobody knows")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, []string{"update app:1@" + pinnedNew, "verify", "verify completed: 1 of 1 tasks run it"}, steps)
			})
		})
	}
}

// silentManager takes calls and never answers.
type silentManager struct{ *enginetest.Swarm }

func (silentManager) Tasks(ctx context.Context, _ string) ([]lifecycle.Task, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// busyManager tells of an update that never ends.
type busyManager struct{ *enginetest.Swarm }

func (b busyManager) Service(ctx context.Context, ref string) (lifecycle.Service, error) {
	s, err := b.Swarm.Service(ctx, ref)
	if s.Image() == "app:1@"+pinnedNew {
		s.Rollout = lifecycle.RolloutUpdating
	}
	return s, err
}

// However a cluster hangs, who watches it does not hang with it.
func TestAnUpdateIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		engine func(*enginetest.Swarm) lifecycle.ServiceUpdater
		waited time.Duration
		says   string
	}{
		"a manager is silent": {func(s *enginetest.Swarm) lifecycle.ServiceUpdater { return silentManager{s} }, lifecycle.DefaultRolloutPatience, "nobody answers: no answer within 1m0s"},
		"the update goes on":  {func(s *enginetest.Swarm) lifecycle.ServiceUpdater { return busyManager{s} }, lifecycle.DefaultRolloutTimeout, "goes on by itself: it takes too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, judged := aService(t, "")
				begun := time.Now()
				result, err := lifecycle.RollOut(tt.engine(s)).Update(t.Context(), lifecycle.Target{
					Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
				})
				require.ErrorIs(t, err, errdefs.ErrUnavailable)
				require.ErrorContains(t, err, tt.says)
				assert.Equal(t, lifecycle.OutcomeUnfinished, result.Members[0].Outcome)
				assert.Equal(t, tt.waited, time.Since(begun))
			})
		})
	}
}

// flapping has tasks that come and go.
type flapping struct {
	*enginetest.Swarm
	looks *int
}

func (f flapping) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	tasks, err := f.Swarm.Tasks(ctx, service)
	*f.looks++
	for range *f.looks % 3 {
		tasks = append(tasks, lifecycle.Task{Image: tasks[0].Image, Wanted: "ready", State: "rejected", Err: "no such image"})
	}
	return tasks, err
}

// Tasks that are made anew for ever do not keep an update from its end.
func TestTasksThatComeAndGoAreNoProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, judged := aService(t, "continue")
		s.SetBad("app:1@" + pinnedNew)
		begun := time.Now()
		result, err := lifecycle.RollOut(flapping{s, new(int)}).Update(t.Context(), lifecycle.Target{
			Members: []lifecycle.Member{{Container: judged.Container(), Reference: "app:1", ImageID: pinnedNew}},
		})
		require.ErrorIs(t, err, errdefs.ErrAborted)
		assert.True(t, result.Members[0].ImageFailed)
		assert.Less(t, time.Since(begun), 20*time.Second)
	})
}

func TestRollOutIsForOneService(t *testing.T) {
	t.Parallel()
	_, err := lifecycle.RollOut(enginetest.NewSwarm()).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{{}}})
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
}
