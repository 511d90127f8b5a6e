package watchtower_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// quietly passes several times over containers that no registry has a word to say
// about, and expects each of them skipped, with nothing asked and nothing that
// calls for attention.
func quietly(t *testing.T, e *enginetest.Engine, reasons map[string]string) *counter {
	t.Helper()
	var log bytes.Buffer
	tw, asked := asking(t, e, watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	for range 3 {
		r := update(t, tw)
		for name, reason := range reasons {
			got := entry(t, r, name)
			require.NoError(t, got.Err)
			assert.Equal(t, watchtower.StatusSkipped, got.Status, name)
			assert.Equal(t, reason, got.Reason, name)
		}
		assert.Equal(t, len(reasons), r.Count(watchtower.StatusSkipped))
		require.NoError(t, r.Err())
	}
	assert.Empty(t, log.String(), "no warning, no error")
	return asked
}

func TestWhatHasNoTagToFollowIsReportedQuietly(t *testing.T) {
	t.Parallel()
	const byID, pinned = "created from an image ID: no reference to follow", "pinned to a digest"
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				d := e.PublishIndex("team/app:1", map[string]enginetest.Image{"linux/amd64": version(1)}).String()
				id := e.Run("source", "team/app:1", lifecycle.Spec{}).ImageID
				require.NoError(t, e.Remove(t.Context(), "source", lifecycle.RemoveOptions{Force: true}))
				hex := strings.TrimPrefix(id, "sha256:")
				reasons := map[string]string{}
				for name, c := range map[string][2]string{
					"digest": {"team/app@" + d, pinned}, "tag-and-digest": {"team/app:1@" + d, pinned},
					"id": {id, byID}, "bare-id": {hex, byID}, "short-id": {hex[:12], byID}, "shorter-id": {hex[:4], byID},
				} {
					e.Run(name, c[0], lifecycle.Spec{})
					reasons[name] = c[1]
				}
				e.PublishIndex("team/app:1", map[string]enginetest.Image{"linux/amd64": version(2)})
				assert.Empty(t, quietly(t, e, reasons).since(), "nobody is asked")
			})
		})
	}
}

func TestWhatWasBuiltHereIsReportedQuietly(t *testing.T) {
	t.Parallel()
	build := func(e *enginetest.Engine, references ...string) {
		for i, ref := range references {
			e.Build(ref, version(i))
			e.Run(fmt.Sprint("built-", i), ref, lifecycle.Spec{})
		}
	}
	const here = "its image was built or loaded here"
	for name, opts := range map[string][]enginetest.Option{"classic": nil, "containerd": {enginetest.WithContainerdStore()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.New(opts...)
			build(e, "project-web", "team/app:dev", "registry.example/app:dev")
			e.Publish("project-web", version(9)) // somebody else's of the same name
			asked := quietly(t, e, map[string]string{"built-0": here, "built-1": here, "built-2": here})
			assert.Empty(t, asked.since(), "nobody is asked")

			e.Build("project-web", version(10))
			quietly(t, e, map[string]string{"built-0": here, "built-1": here, "built-2": here})
		})
	}
	// In containerd's store all images have digests. An engine that does not say
	// where they came from leaves it to the registry, and a name on Docker Hub
	// without a slash is public there or nobody's.
	t.Run("containerd, origins untold", func(t *testing.T) {
		t.Parallel()
		e := enginetest.New(enginetest.WithContainerdStore(), enginetest.WithoutOrigins())
		build(e, "project-web")
		quietly(t, e, map[string]string{"built-0": "Docker Hub has no such image: it was built, loaded or tagged here"})
		down := registry.CheckerFunc(func(_ context.Context, qs []registry.Query) []registry.Verdict {
			return []registry.Verdict{{Reference: qs[0].Reference, Err: errdefs.ErrUnavailable}}
		})
		assert.Equal(t, watchtower.StatusFailed, entry(t, update(t, memory(t, e, watchtower.WithChecker(down))), "built-0").Status)

		e = enginetest.New(enginetest.WithContainerdStore(), enginetest.WithoutOrigins())
		build(e, "team/app:dev")
		tw, _ := asking(t, e)
		got := entry(t, update(t, tw), "built-0")
		assert.Equal(t, watchtower.StatusFailed, got.Status, "a private image that no login opens looks the same")
		require.ErrorContains(t, got.Err, "404 Not Found")
	})
}

// What was built here is no longer followed by nobody once its tag was pulled.
func TestATagPulledOverABuildMakesItsContainersStale(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				e.Build("team/app:1", version(1))
				e.Run("web", "team/app:1", lifecycle.Spec{})
				e.Publish("team/app:1", version(2))
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "team/app:1"}))
				tw, _ := asking(t, e)
				got := entry(t, update(t, tw), "web")
				assert.Equal(t, watchtower.StatusUpdated, got.Status, "%s %v", got.Reason, got.Err)
			})
		})
	}
}

// A name may look like the beginning of an ID.
func TestATagGoesBeforeAnID(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	id := e.Build("app:1", version(1))
	name := strings.TrimPrefix(id, "sha256:")[:6]
	require.NoError(t, e.Tag(t.Context(), id, name))
	e.Run("web", name, lifecycle.Spec{})
	quietly(t, e, map[string]string{"web": "its image was built or loaded here"})
}

// An image that is known to come from Docker Hub, and is denied there now, is
// trouble.
func TestAPulledImageThatIsDeniedIsNoLocalOne(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]enginetest.Option{"classic": nil, "containerd": {enginetest.WithContainerdStore()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.New(opts...)
			e.Publish("app:1", version(1))
			e.Run("web", "app:1", lifecycle.Spec{})
			client, err := registry.New(registry.WithTransport(enginetest.New().Transport())) // which has nothing
			require.NoError(t, err)
			got := entry(t, update(t, memory(t, e, watchtower.WithChecker(client))), "web")
			assert.Equal(t, watchtower.StatusFailed, got.Status)
		})
	}
}

// untagged is an engine whose images have lost their tags, and with them, in
// containerd's store, their digests.
type untagged struct{ *enginetest.Engine }

func (u untagged) Images(ctx context.Context) ([]lifecycle.Image, error) {
	images, err := u.Engine.Images(ctx)
	for i := range images {
		images[i].Tags, images[i].Digests = nil, nil
	}
	return images, err
}

func TestAPulledImageThatLostItsTagIsNoLocalOne(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]enginetest.Option{
		{enginetest.WithContainerdStore()}, {enginetest.WithContainerdStore(), enginetest.WithoutOrigins()},
	} {
		e := enginetest.New(opts...)
		e.Publish("team/app:1", version(1))
		e.Run("web", "team/app:1", lifecycle.Spec{})
		tw, asked := asking(t, e, watchtower.WithEngine(untagged{e}))
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusFresh, entry(t, r, "web").Status)
		assert.Equal(t, map[string]int{"HEAD": 1}, asked.since())
	}
}

// A tag that was made here of another image has no repository of its own.
func TestATagMadeHereIsReportedQuietly(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("team/app:1", version(1))
	require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "team/app:1"}))
	require.NoError(t, e.Tag(t.Context(), "team/app:1", "mine:1"))
	e.Run("web", "mine:1", lifecycle.Spec{})
	quietly(t, e, map[string]string{"web": "Docker Hub has no such image: it was built, loaded or tagged here"})
}
