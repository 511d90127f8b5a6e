package watchtower_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestAPlanIsForItsPolicyOnly(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", version(1))
	old := e.Run("web", "app:1", lifecycle.Spec{})
	e.Publish("app:1", version(2))
	r, err := memory(t, e).Check(t.Context())
	require.NoError(t, err)
	for name, opt := range map[string]watchtower.Option{
		"monitor-only": watchtower.WithMonitorOnly(true), "no-pull": watchtower.WithNoPull(true), "no-restart": watchtower.WithNoRestart(true),
		"revive": watchtower.WithReviveStopped(true), "volumes": watchtower.WithRemoveVolumes(true),
	} {
		_, err := memory(t, e, opt).Apply(t.Context(), r.Plan)
		require.ErrorContains(t, err, "the world has moved since", name)
		now, err := memory(t, e, opt).Check(t.Context())
		require.NoError(t, err)
		assert.NotEqual(t, r.Plan.ID(), now.Plan.ID(), name)
	}
	assert.Equal(t, old.ID, running(t, e, "web").ID)
}

func TestHowSuccessorsBegin(t *testing.T) {
	t.Parallel()
	states := watchtower.WithStates(lifecycle.StateRunning, lifecycle.StateExited, lifecycle.StateCreated)
	for name, tt := range map[string]struct {
		was  lifecycle.State
		opts []watchtower.Option
		want lifecycle.State
	}{
		"up":                            {lifecycle.StateRunning, nil, lifecycle.StateRunning},
		"up, not restarted":             {lifecycle.StateRunning, []watchtower.Option{watchtower.WithNoRestart(true)}, lifecycle.StateCreated},
		"up, rolling, not restarted":    {lifecycle.StateRunning, []watchtower.Option{watchtower.WithNoRestart(true), watchtower.WithRolling(true)}, lifecycle.StateCreated},
		"stopped":                       {lifecycle.StateExited, nil, lifecycle.StateCreated},
		"stopped, revived":              {lifecycle.StateExited, []watchtower.Option{watchtower.WithReviveStopped(true)}, lifecycle.StateRunning},
		"stopped, revived, no restarts": {lifecycle.StateExited, []watchtower.Option{watchtower.WithReviveStopped(true), watchtower.WithNoRestart(true)}, lifecycle.StateCreated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				e.Publish("app:1", version(1))
				e.Publish("fresh:1", version(7))
				old := e.Run("web", "app:1", lifecycle.Spec{})
				e.Run("child", "fresh:1", labelled(watchtower.DependsOnLabel, "web"))
				if tt.was != lifecycle.StateRunning {
					require.NoError(t, e.Stop(t.Context(), "web", lifecycle.StopOptions{}))
				}
				require.NoError(t, e.Stop(t.Context(), "child", lifecycle.StopOptions{}))
				e.Publish("app:1", version(2))
				r := update(t, memory(t, e, append(tt.opts, states, watchtower.WithCleanup(true))...))
				require.NoError(t, r.Err())
				now := running(t, e, "web")
				assert.Equal(t, tt.want, now.State)
				assert.NotEqual(t, old.ID, now.ID)
				assert.Equal(t, lifecycle.StateCreated, running(t, e, "child").State, "one that only follows is not revived")
				_, err := e.InspectImage(t.Context(), now.ImageID)
				require.NoError(t, err, "the image in use stays")
				_, err = e.InspectImage(t.Context(), old.ImageID)
				require.Error(t, err, "the old one is cleaned up")
				assert.Equal(t, strings.Contains(name, "rest"), entry(t, r, "web").Reason == "created, not started", name)
			})
		})
	}
}

func TestVolumesAreRenewedWithTheImage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		data := func(n int) enginetest.Image {
			return enginetest.Image{Env: []string{fmt.Sprint("VERSION=", n)}, Volumes: []string{"/data"}}
		}
		e.Publish("app:1", data(1))
		e.Publish("fresh:1", data(7))
		e.Run("web", "app:1", lifecycle.Spec{})
		e.Run("child", "fresh:1", labelled(watchtower.DependsOnLabel, "web"))
		e.Run("kept", "fresh:1", lifecycle.Spec{})
		volume := func(name string) string { return running(t, e, name).Mounts[0].Name }
		was := map[string]string{"web": volume("web"), "child": volume("child"), "kept": volume("kept")}
		e.Publish("app:1", data(2))
		r := update(t, memory(t, e, watchtower.WithRemoveVolumes(true)))
		require.NoError(t, r.Err())
		assert.Contains(t, r.Plan.String(), "anonymous volumes are removed, and begin anew\n")
		assert.Equal(t, watchtower.StatusRestarted, entry(t, r, "child").Status)
		assert.NotEqual(t, was["web"], volume("web"))
		assert.Equal(t, was["child"], volume("child"))
		assert.ElementsMatch(t, []string{volume("web"), was["child"], was["kept"]}, e.Volumes())
	})
}
