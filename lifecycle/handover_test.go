package lifecycle_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// own is a watcher's container with a bit of everything.
func own() lifecycle.Spec {
	return lifecycle.Spec{
		Config: lifecycle.Document{
			"User": "65532:65532", "Hostname": "tower", "Cmd": []any{"--cleanup"}, "Env": []any{"DOCKER_HOST=tcp://proxy:2375"},
			"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
			"Labels": map[string]any{
				lifecycle.LabelInstance: "true", "com.centurylinklabs.watchtower.scope": "blue", "com.docker.compose.service": "tower",
			},
			"Healthcheck": map[string]any{"Test": []any{"CMD", "/watchtower", "--health-check"}},
			"Volumes":     map[string]any{"/state": map[string]any{}},
		},
		HostConfig: lifecycle.Document{
			"Binds": []any{"/var/run/docker.sock:/var/run/docker.sock"}, "GroupAdd": []any{"4242"}, "ReadonlyRootfs": true,
			"CapDrop": []any{"ALL"}, "SecurityOpt": []any{"no-new-privileges"}, "NetworkMode": "back", "AFieldOfTomorrow": "kept",
			"PortBindings":  map[string]any{"8080/tcp": []any{map[string]any{"HostPort": "8080"}}},
			"RestartPolicy": map[string]any{"Name": "always"}, "Links": []any{"/proxy:/tower/alias"},
		},
		Networks: map[string]lifecycle.Document{"back": {"Aliases": []any{"tower"}, "IPAMConfig": map[string]any{"IPv4Address": "10.9.0.7"}}},
	}
}

// start hands over, and returns the helper.
func start(t *testing.T, s scene) (h *lifecycle.Handover, helper lifecycle.Snapshot) {
	t.Helper()
	h = lifecycle.NewHandover(s.Engine, s.web.ID, "/watchtower", "self-swap", "--host=x")
	name, err := h.Start(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
		{Container: s.web, Reference: "app:1", ImageID: s.new},
	}}, lifecycle.HandoverOptions{StableTime: 10 * time.Millisecond, Note: "a note"})
	require.NoError(t, err)
	helper, err = s.Inspect(t.Context(), name)
	require.NoError(t, err)
	return h, helper
}

func TestAHelperReachesWhatItsParentReachesAndIsNothingElse(t *testing.T) {
	t.Parallel()
	s := newScene(t, own(), lifecycle.StateRunning, enginetest.Image{})
	volumes := s.Volumes()
	_, helper := start(t, s)
	assert.Equal(t, "web.wt-self-"+s.web.ShortID(), helper.Name)
	assert.Equal(t, lifecycle.StateRunning, helper.State)
	assert.Equal(t, s.web.ImageID, helper.ImageID, "the image that is known to run")

	config, host := helper.Config, helper.HostConfig
	assert.Equal(t, []string{"/watchtower"}, config.Texts("Entrypoint"))
	assert.Equal(t, []string{"self-swap", "--host=x", helper.Name}, config.Texts("Cmd"))
	assert.Equal(t, "65532:65532", config.Text("User"))
	assert.Contains(t, config.Texts("Env"), "DOCKER_HOST=tcp://proxy:2375")
	assert.Equal(t, []string{"NONE"}, config.Object("Healthcheck").Texts("Test"))
	assert.NotEqual(t, "tower", config.Text("Hostname"))
	assert.Empty(t, config.Object("ExposedPorts"))
	assert.Equal(t, "true", helper.Labels[lifecycle.LabelInstance])
	assert.Empty(t, helper.Labels["com.docker.compose.service"], "Compose does not take it for its own")
	assert.NotContains(t, helper.Labels, "com.centurylinklabs.watchtower.scope")

	for _, key := range []string{"GroupAdd", "ReadonlyRootfs", "CapDrop", "SecurityOpt", "NetworkMode", "AFieldOfTomorrow"} {
		assert.Equal(t, own().HostConfig[key], host[key], key)
	}
	assert.Contains(t, host.Texts("Binds"), "/var/run/docker.sock:/var/run/docker.sock")
	assert.Equal(t, volumes, s.Volumes(), "it leaves no volume behind")
	assert.NotContains(t, host, "PortBindings")
	assert.Equal(t, []string{"proxy:alias"}, host.Texts("Links"))
	assert.Equal(t, "on-failure", host.Object("RestartPolicy").Text("Name"))
	assert.NotContains(t, helper.Networks["back"], "IPAMConfig")
	assert.NotContains(t, helper.Networks["back"].Texts("Aliases"), "tower")
}

func TestAHelperSwapsAndTheSuccessorLearnsOfIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		image           enginetest.Image
		outcome         lifecycle.Outcome
		updated, failed bool
	}{
		"a good image": {enginetest.Image{}, lifecycle.OutcomeUpdated, true, false},
		"a bad image":  {enginetest.Image{Exits: true, ExitCode: 3}, lifecycle.OutcomeRolledBack, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, own(), lifecycle.StateRunning, tt.image)
				h, helper := start(t, s)
				busy, err := h.Settle(t.Context())
				require.NoError(t, err)
				assert.Equal(t, lifecycle.Settlement{Busy: true}, busy)
				_, err = h.Start(t.Context(), lifecycle.Target{Members: []lifecycle.Member{{Container: s.web}}}, lifecycle.HandoverOptions{})
				assert.True(t, errdefs.IsConflict(err), "one helper at a time: %v", err)

				outcome, err := lifecycle.RunHelper(t.Context(), s.Engine, helper.Name, nil)
				assert.Equal(t, tt.outcome, outcome)
				assert.Equal(t, tt.failed, err != nil)
				if tt.failed {
					again, err := lifecycle.RunHelper(t.Context(), s.Engine, helper.Name, nil)
					require.NoError(t, err, "its verdict outlives it")
					assert.Equal(t, tt.outcome, again)
				}
				require.NoError(t, s.Stop(t.Context(), helper.ID, lifecycle.StopOptions{}))
				now, err := s.Inspect(t.Context(), "web")
				require.NoError(t, err)
				next := lifecycle.NewHandover(s.Engine, now.ID, "/watchtower")
				settled, err := next.Settle(t.Context())
				require.NoError(t, err)
				require.Len(t, settled.Ended, 1)
				end := settled.Ended[0]
				assert.Equal(t, []any{tt.updated, tt.failed, "a note", now.ID}, []any{end.Updated, end.ImageFailed, end.Note, end.Container.ID})
				require.NoError(t, next.Dismiss(t.Context(), end))
				list, err := s.Containers(t.Context())
				require.NoError(t, err)
				assert.Len(t, list, 1, "it leaves nothing behind")
			})
		})
	}
}

// The helper dies between two calls; whichever life comes next makes the update.
func TestAHelperThatWasKilledBeginsAgain(t *testing.T) {
	t.Parallel()
	for call := 1; call <= 6; call++ {
		synctest.Test(t, func(t *testing.T) { killedAt(t, call) })
	}
}

func killedAt(t *testing.T, call int) {
	t.Helper()
	s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
	_, helper := start(t, s)
	s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
		if n >= call {
			return enginetest.Before
		}
		return enginetest.None
	})
	_, err := lifecycle.RunHelper(t.Context(), s.Engine, helper.Name, nil)
	require.Error(t, err)
	s.SetFault(nil)
	require.NoError(t, s.Stop(t.Context(), helper.ID, lifecycle.StopOptions{}))
	list, err := s.Containers(t.Context())
	require.NoError(t, err)
	for _, c := range list { // whoever of the two is in a position to act
		if _, isHelper := lifecycle.Helper(c); isHelper || !c.State.Up() {
			continue
		}
		settled, err := lifecycle.NewHandover(s.Engine, c.ID, "/watchtower").Settle(t.Context())
		require.NoError(t, err)
		if call > 1 {
			assert.Equal(t, lifecycle.Settlement{Busy: true}, settled, "it is left to the helper, which is started again")
		}
	}
	require.NoError(t, s.Start(t.Context(), helper.ID))
	outcome, err := lifecycle.RunHelper(t.Context(), s.Engine, helper.Name, nil)
	require.NoError(t, err, "killed at call %d", call)
	assert.Equal(t, lifecycle.OutcomeUpdated, outcome)
	now, err := s.Inspect(t.Context(), "web")
	require.NoError(t, err)
	assert.Equal(t, s.new, now.ImageID)
}

// Nobody acts upon the container he runs in, whoever left it between two.
func TestOnesOwnUnfinishedSwapIsLeftToAHelper(t *testing.T) {
	t.Parallel()
	s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
	s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
		if n > 2 { // created, renamed
			return enginetest.Before
		}
		return enginetest.None
	})
	_, err := s.update(t.Context())
	require.Error(t, err)
	s.SetFault(nil)
	recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{Except: s.web.ID})
	require.NoError(t, err)
	assert.Empty(t, recovered)
	recovered, err = lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{Only: "db"})
	require.NoError(t, err)
	assert.Empty(t, recovered)

	h := lifecycle.NewHandover(s.Engine, s.web.ID, "/watchtower")
	settled, err := h.Settle(t.Context())
	require.NoError(t, err)
	assert.True(t, settled.Busy)
	helper, err := s.Inspect(t.Context(), "web.wt-self-"+s.web.ShortID())
	require.NoError(t, err)
	var task map[string]any
	require.NoError(t, json.Unmarshal([]byte(helper.Labels["com.centurylinklabs.watchtower.self-swap"]), &task))
	assert.Equal(t, map[string]any{"service": "web", "self": s.web.ID}, task, "it only repairs")
}
