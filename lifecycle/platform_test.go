package lifecycle_test

import (
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// A successor is for the architecture of its predecessor. Its variant, which
// images spell in many ways, is what the pull chose for it.
func TestASuccessorIsForTheSameArchitecture(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		was, is string
		refused string
	}{
		"the same":          {"linux/arm64", "linux/arm64", ""},
		"a variant is told": {"linux/arm64", "linux/arm64/v8", ""},
		"an older variant":  {"linux/arm/v7", "linux/arm/v6", ""},
		"another":           {"linux/arm64", "linux/amd64", "the new image is for linux/amd64, not for linux/arm64"},
		"another system":    {"windows/amd64", "linux/amd64", "the new image is for linux/amd64, not for windows/amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				publish := func(platform, version string) {
					e.PublishIndex("app:1", map[string]enginetest.Image{platform: {Env: []string{"VERSION=" + version}}})
				}
				publish(tt.was, "1")
				web := e.RunFor(tt.was, "web", "app:1", lifecycle.Spec{})
				publish(tt.is, "2")
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1", Platform: tt.is}))
				next, err := e.InspectImage(t.Context(), "app:1")
				require.NoError(t, err)
				_, err = lifecycle.Recreate(e).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
					{Container: web, Reference: "app:1", ImageID: next.ID},
				}})
				snap, inspectErr := e.Inspect(t.Context(), "web")
				require.NoError(t, inspectErr)
				if tt.refused != "" {
					require.ErrorContains(t, err, tt.refused)
					assert.True(t, errdefs.IsFailedPrecondition(err))
					assert.Equal(t, web.ID, snap.ID)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, next.ID, snap.ImageID)
			})
		})
	}
}

// Where one image is for several platforms, an inspect of it shows one of them:
// the container tells which it runs.
func TestASuccessorOnAnImageForManyKeepsItsPlatform(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New(enginetest.WithContainerdStore())
		both := func(version string) {
			image := enginetest.Image{Env: []string{"VERSION=" + version}}
			e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": image, "linux/arm64": image})
			for _, platform := range []string{"linux/amd64", "linux/arm64"} {
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1", Platform: platform}))
			}
		}
		both("1")
		web := e.RunFor("linux/arm64", "web", "app:1", lifecycle.Spec{})
		require.Equal(t, "linux/arm64", web.ImagePlatform)
		both("2")
		next, err := e.InspectImage(t.Context(), "app:1")
		require.NoError(t, err)
		require.Equal(t, "linux/amd64", next.Platform)
		_, err = lifecycle.Recreate(e).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
			{Container: web, Reference: "app:1", ImageID: next.ID},
		}})
		require.NoError(t, err)
		snap, err := e.Inspect(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, next.ID, snap.ImageID)
		assert.Equal(t, "linux/arm64", snap.ImagePlatform)
	})
}
