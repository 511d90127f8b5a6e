package enginetest_test

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

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
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

func TestACallerWhoHasGivenUpDoesNotReachTheEngine(t *testing.T) {
	t.Parallel()
	e := newEngine(enginetest.Image{}, lifecycle.Spec{})
	e.Calls()
	e.SetFault(func(int, enginetest.Call) enginetest.Fault { return enginetest.Before })
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("somebody left")
	cancel(gone)
	require.ErrorIs(t, e.Rename(ctx, "web", "www"), gone)
	_, err := e.Containers(ctx)
	require.EqualError(t, err, "enginetest: Containers: somebody left")
	assert.Empty(t, e.Calls(), "no fault is used up either")
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
			Exec:  enginetest.Exec{ExitCode: 3, Output: "not yet", Takes: time.Second, Until: time.Minute},
			Execs: map[string]enginetest.Exec{"my script": {ExitCode: 4}},
		}, lifecycle.Spec{})
		start := time.Now()
		result, err := e.Exec(t.Context(), "web", lifecycle.ExecOptions{Command: []string{"true"}})
		require.NoError(t, err)
		assert.Equal(t, lifecycle.ExecResult{ExitCode: 3, Output: "not yet"}, result)
		assert.Equal(t, time.Second, time.Since(start))
		result, err = e.Exec(t.Context(), "web", lifecycle.ExecOptions{Command: []string{"sh", "-c", "my script"}})
		require.NoError(t, err)
		assert.Equal(t, lifecycle.ExecResult{ExitCode: 4}, result)

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

// The two image stores call one image by different digests, and only one of them
// tells a built image from a pulled one by its having none.
func TestTheImageStores(t *testing.T) {
	t.Parallel()
	type seen struct{ id, digest, origin string }
	for name, tt := range map[string]struct {
		opts          []enginetest.Option
		pulled, built seen
		moved         string // the digests of the old one once its tag has moved
	}{
		"classic": {nil, seen{"config", "index", ""}, seen{"config", "", ""}, "index"},
		"containerd": {
			[]enginetest.Option{enginetest.WithContainerdStore()}, seen{"index", "index", "registry"}, seen{"manifest", "manifest", "local"}, "",
		},
		"containerd, origins untold": {
			[]enginetest.Option{enginetest.WithoutOrigins(), enginetest.WithContainerdStore()},
			seen{"index", "index", ""},
			seen{"manifest", "manifest", ""},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.New(tt.opts...)
			ctx := t.Context()
			index := e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": {}, "linux/arm64": {}})
			v := e.Checker().Check(ctx, []registry.Query{{Reference: "app:1", Platforms: func(context.Context) ([]string, error) {
				return []string{"linux/amd64", "linux/arm64", "linux/s390x"}, nil
			}}})[0]
			require.NoError(t, v.Err)
			require.Len(t, v.Images, 2)
			words := map[string]string{
				index.String(): "index", v.Images[0].Manifest.String(): "manifest", v.Images[0].Config.String(): "config",
			}
			look := func(id string) seen {
				list, err := e.Images(ctx)
				require.NoError(t, err)
				for _, image := range list {
					if image.ID == id {
						_, d, _ := strings.Cut(strings.Join(image.Digests, " "), "@")
						return seen{words[id], words[d], string(image.Origin)}
					}
				}
				return seen{}
			}
			web := e.Run("web", "app:1", lifecycle.Spec{})
			assert.Equal(t, tt.pulled, look(web.ImageID))
			arm := e.RunFor("linux/arm64", "arm", "app:1", lifecycle.Spec{})
			image, err := e.InspectImageFor(ctx, arm.ImageID, "linux/arm64")
			require.NoError(t, err)
			assert.Equal(t, "linux/arm64", image.Platform)
			_, err = e.InspectImageFor(ctx, arm.ImageID, "linux/s390x")
			assert.True(t, errdefs.IsNotFound(err))
			if len(tt.opts) > 0 {
				assert.Equal(t, web.ImageID, arm.ImageID, "one image for both")
				assert.Equal(t, []string{v.Images[0].Manifest.String(), "linux/amd64"}, []string{web.ImageManifest, web.ImagePlatform})
				assert.Equal(t, []string{v.Images[1].Manifest.String(), "linux/arm64"}, []string{arm.ImageManifest, arm.ImagePlatform})
			} else {
				assert.NotEqual(t, web.ImageID, arm.ImageID)
				assert.Empty(t, web.ImageManifest+web.ImagePlatform)
			}
			_, err = e.Create(ctx, lifecycle.CreateOptions{Name: "zz", Platform: "linux/s390x", Spec: lifecycle.Spec{
				Config: lifecycle.Document{"Image": "app:1"},
			}})
			assert.True(t, errdefs.IsNotFound(err))
			assert.True(t, errdefs.IsNotFound(e.Pull(ctx, lifecycle.PullOptions{Reference: "app:1", Platform: "linux/s390x"})))

			e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
			require.NoError(t, e.Pull(ctx, lifecycle.PullOptions{Reference: "app:1"}))
			assert.Equal(t, tt.moved, look(web.ImageID).digest)
			require.NoError(t, e.Pull(ctx, lifecycle.PullOptions{Reference: "app@" + index.String()}), "by digest it is still there")

			other := enginetest.New(tt.opts...)
			id := other.Build("app:1", enginetest.Image{})
			e = other
			assert.Equal(t, tt.built, look(id))
			assert.Error(t, other.Checker().Check(ctx, []registry.Query{{Reference: "app:1"}})[0].Err, "no registry has it")
		})
	}
}
