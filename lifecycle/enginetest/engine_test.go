package enginetest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func newEngine(image enginetest.Image, spec lifecycle.Spec) *enginetest.Engine {
	e := enginetest.New()
	e.Publish("app:1", image)
	e.Run("web", "app:1", spec)
	return e
}

func autoRemove() lifecycle.Spec {
	return lifecycle.Spec{HostConfig: lifecycle.Document{"AutoRemove": true}}
}

func create(t *testing.T, e *enginetest.Engine, name string, spec lifecycle.Spec) (string, error) {
	t.Helper()
	if spec.Config == nil {
		spec.Config = lifecycle.Document{}
	}
	spec.Config["Image"] = "app:1"
	return e.Create(t.Context(), lifecycle.CreateOptions{Name: name, Spec: spec})
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	e := newEngine(enginetest.Image{}, lifecycle.Spec{})
	ctx := t.Context()
	_, err := create(t, e, "web", lifecycle.Spec{})
	assert.True(t, errdefs.IsConflict(err))
	_, err = create(t, e, "other", lifecycle.Spec{})
	require.NoError(t, err)
	assert.True(t, errdefs.IsConflict(e.Rename(ctx, "other", "web")))
	assert.True(t, errdefs.IsInvalidArgument(e.Rename(ctx, "web", "web")))
	require.NoError(t, e.Rename(ctx, "web", "www"))
	assert.True(t, errdefs.IsNotFound(e.Start(ctx, "web")), "a former name")
	require.NoError(t, e.Rename(ctx, "other", "web"))
}

func TestWhatIsUpIsNotRemovedWithoutForce(t *testing.T) {
	t.Parallel()
	e := newEngine(enginetest.Image{}, lifecycle.Spec{})
	ctx := t.Context()
	assert.True(t, errdefs.IsConflict(e.Remove(ctx, "web", lifecycle.RemoveOptions{})))
	require.NoError(t, e.Pause(ctx, "web"))
	assert.True(t, errdefs.IsConflict(e.Start(ctx, "web")), "it is paused")
	assert.True(t, errdefs.IsConflict(e.Pause(ctx, "web")))
	require.NoError(t, e.Stop(ctx, "web", lifecycle.StopOptions{}), "a paused one is stopped")
	require.NoError(t, e.Remove(ctx, "web", lifecycle.RemoveOptions{}))
	assert.True(t, errdefs.IsNotFound(e.Remove(ctx, "web", lifecycle.RemoveOptions{Force: true})))
}

func TestAnAnonymousVolumeOutlivesItsContainerUnlessThatRemovesItself(t *testing.T) {
	t.Parallel()
	image := enginetest.Image{Volumes: []string{"/data"}}
	ctx := t.Context()
	e := newEngine(image, lifecycle.Spec{})
	require.NoError(t, e.Remove(ctx, "web", lifecycle.RemoveOptions{Force: true}))
	assert.Len(t, e.Volumes(), 1)

	e = newEngine(image, autoRemove())
	require.NoError(t, e.Stop(ctx, "web", lifecycle.StopOptions{}))
	assert.Empty(t, e.Volumes())
	_, err := e.Inspect(ctx, "web")
	assert.True(t, errdefs.IsNotFound(err))

	e = newEngine(image, autoRemove())
	volume := e.Volumes()[0]
	_, err = create(t, e, "copy", lifecycle.Spec{HostConfig: lifecycle.Document{"Binds": []any{volume + ":/data"}}})
	require.NoError(t, err)
	require.NoError(t, e.Stop(ctx, "web", lifecycle.StopOptions{}))
	assert.Equal(t, []string{volume}, e.Volumes(), "another mounts it")
}

func TestAFailedStart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := newEngine(enginetest.Image{}, lifecycle.Spec{HostConfig: lifecycle.Document{
		"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostPort": "8080"}}},
	}})
	snap, err := e.Inspect(ctx, "web")
	require.NoError(t, err)
	_, err = create(t, e, "second", lifecycle.Spec{HostConfig: snap.HostConfig})
	require.NoError(t, err, "the port is looked at when it starts")
	require.ErrorContains(t, e.Start(ctx, "second"), "port 8080 is already allocated")
	second, err := e.Inspect(ctx, "second")
	require.NoError(t, err)
	assert.Equal(t, lifecycle.StateCreated, second.State)
	gone := snap.HostConfig.Clone()
	gone["AutoRemove"] = true
	_, err = create(t, e, "third", lifecycle.Spec{HostConfig: gone})
	require.NoError(t, err)
	require.Error(t, e.Start(ctx, "third"))
	assert.True(t, errdefs.IsNotFound(e.Start(ctx, "third")), "one that removes itself is gone")

	child, err := create(t, e, "child", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:" + snap.ID}})
	require.NoError(t, err)
	require.NoError(t, e.Start(ctx, child))
	require.NoError(t, e.Stop(ctx, "web", lifecycle.StopOptions{}))
	require.NoError(t, e.Stop(ctx, child, lifecycle.StopOptions{}))
	assert.True(t, errdefs.IsConflict(e.Start(ctx, child)), "its parent does not run")
}

func TestTheListShowsAnIDOnceTheTagHasMoved(t *testing.T) {
	t.Parallel()
	e := newEngine(enginetest.Image{}, lifecycle.Spec{})
	ctx := t.Context()
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	require.NoError(t, e.Pull(ctx, lifecycle.PullOptions{Reference: "app:1"}))
	list, err := e.Containers(ctx)
	require.NoError(t, err)
	assert.Equal(t, list[0].ImageID, list[0].Image)
	snap, err := e.Inspect(ctx, "web")
	require.NoError(t, err)
	assert.Equal(t, "app:1", snap.Image)
	assert.True(t, errdefs.IsConflict(e.RemoveImage(ctx, snap.ImageID)), "the container uses it")
	assert.True(t, errdefs.IsNotFound(e.Pull(ctx, lifecycle.PullOptions{Reference: "none:1"})))
}

func TestProcessesEndByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(enginetest.Image{Exits: true, After: time.Minute, ExitCode: 3}, lifecycle.Spec{})
		snap, err := e.Inspect(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, lifecycle.StateRunning, snap.State)
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		snap, err = e.Inspect(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, lifecycle.StateExited, snap.State)
		assert.Equal(t, 3, snap.Status.ExitCode)
	})
}

func TestACommandEndsAsItsImageSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(enginetest.Image{
			Exec: enginetest.Exec{ExitCode: 3, Output: "not yet", Takes: time.Second, Until: time.Minute},
		}, lifecycle.Spec{})
		start := time.Now()
		result, err := e.Exec(t.Context(), "web", lifecycle.ExecOptions{Command: []string{"true"}})
		require.NoError(t, err)
		assert.Equal(t, lifecycle.ExecResult{ExitCode: 3, Output: "not yet"}, result)
		assert.Equal(t, time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = e.Exec(ctx, "web", lifecycle.ExecOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)

		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		result, err = e.Exec(t.Context(), "web", lifecycle.ExecOptions{})
		require.NoError(t, err)
		assert.Zero(t, result.ExitCode)

		require.NoError(t, e.Pause(t.Context(), "web"))
		_, err = e.Exec(t.Context(), "web", lifecycle.ExecOptions{})
		require.ErrorIs(t, err, errdefs.ErrConflict)
		_, err = e.Exec(t.Context(), "nobody", lifecycle.ExecOptions{})
		require.ErrorIs(t, err, errdefs.ErrNotFound)
	})
}

func TestWhatIsUpHasAnAddressOnEachOfItsNetworks(t *testing.T) {
	t.Parallel()
	e := newEngine(enginetest.Image{}, lifecycle.Spec{Networks: map[string]lifecycle.Document{"front": {}}})
	address := func(network string) string {
		snap, err := e.Inspect(t.Context(), "web")
		require.NoError(t, err)
		return snap.Networks[network].Text("IPAddress")
	}
	first := address("front")
	assert.NotEmpty(t, first)
	require.NoError(t, e.Connect(t.Context(), "back", "web", lifecycle.Document{}))
	assert.NotEmpty(t, address("back"))
	assert.NotEqual(t, first, address("back"))
	require.NoError(t, e.Stop(t.Context(), "web", lifecycle.StopOptions{}))
	assert.Empty(t, address("front"))
}
