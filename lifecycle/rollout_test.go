package lifecycle_test

import (
	"context"
	"errors"
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
		"nobody has it any more":    {func(s *lifecycle.Service) { s.ID, s.Name = "another", "another" }, nil, "somebody has removed it: "},
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
	for name, service := range map[string]*lifecycle.Service{"a container": nil, "a service of no containers": {Name: "plugin"}} {
		target := lifecycle.Target{Members: []lifecycle.Member{{Container: lifecycle.Container{Service: service}}}}
		_, err := lifecycle.RollOut(enginetest.NewSwarm()).Update(t.Context(), target)
		require.ErrorIs(t, err, errdefs.ErrInvalidArgument, name)
	}
}
