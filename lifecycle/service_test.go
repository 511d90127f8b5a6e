package lifecycle_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestWhatAServiceWasTakenBackFrom(t *testing.T) {
	t.Parallel()
	const old, next, other = "app:1@" + pinnedOld, "app:1@" + pinnedNew, "app:2@" + pinnedNew
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	task := func(image, state string, after time.Duration) lifecycle.Task {
		return lifecycle.Task{Image: image, State: state, Created: began.Add(after)}
	}
	for name, tt := range map[string]struct {
		rollout  lifecycle.RolloutState
		previous string
		tasks    []lifecycle.Task
		want     bool
	}{
		"a task failed":                       {lifecycle.RolloutRollbackCompleted, "", []lifecycle.Task{task(next, "failed", time.Second)}, true},
		"a task ended":                        {lifecycle.RolloutRollbackCompleted, "", []lifecycle.Task{task(next, "complete", 0)}, true},
		"the rollback waits for a person":     {lifecycle.RolloutRollbackPaused, "", []lifecycle.Task{task(next, "rejected", 0)}, true},
		"a person's rollback":                 {lifecycle.RolloutRollbackCompleted, next, nil, true},
		"a task of another image":             {lifecycle.RolloutRollbackCompleted, "", []lifecycle.Task{task(other, "failed", time.Second)}, false},
		"a task of an update before the last": {lifecycle.RolloutRollbackCompleted, "", []lifecycle.Task{task(next, "failed", -time.Second)}, false},
		"nobody knows":                        {lifecycle.RolloutRollbackCompleted, "", nil, false},
		"the update completed":                {lifecycle.RolloutCompleted, next, []lifecycle.Task{task(next, "failed", time.Second)}, false},
		"somebody has changed it since":       {lifecycle.RolloutNone, next, []lifecycle.Task{task(next, "failed", time.Second)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lifecycle.Service{Spec: webService(old, ""), Rollout: tt.rollout, RolloutStarted: began, PreviousImage: tt.previous}
			assert.Equal(t, tt.want, s.Undid(next, tt.tasks))
			assert.False(t, s.Undid(old, []lifecycle.Task{task(old, "running", time.Second)}), "what it is on now")
		})
	}
}

func TestAnUpdateOfAServiceThatIsLeftToTheCluster(t *testing.T) {
	t.Parallel()
	s, judged := aService(t, "rollback")
	s.Calls()
	m, err := rolledOut(t, s, judged, lifecycle.WithoutWait())
	require.NoError(t, err)
	assert.Equal(t, lifecycle.OutcomeUnfinished, m.Outcome)
	require.Len(t, s.Posted(), 1)
	calls := s.Calls()
	assert.Equal(t, "UpdateService", calls[len(calls)-1].Method, "nothing is asked after that")
}

// Events have a container each, which people write down.
func TestAServicesSecretsAreNotWrittenDown(t *testing.T) {
	t.Parallel()
	spec := webService("app:1@"+pinnedOld, "")
	spec.Object("TaskTemplate").Object("ContainerSpec")["Env"] = []any{"PASSWORD=hunter2"}
	c := lifecycle.Service{ID: "id", Name: "web", Spec: spec}.Container()
	written, err := json.Marshal(c)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "container", c)
	assert.Contains(t, string(written), `"Name":"web"`)
	assert.NotContains(t, string(written)+log.String(), "hunter2")
	assert.NotNil(t, c.Service.Spec.Object("TaskTemplate"), "it is there for those who ask")
}
