package dockerengine_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// An engine that was replaced under its client refuses the version that was
// agreed with the one before. Whatever the call, it is made in the end.
func TestAnEngineThatWasReplacedIsAskedForItsVersionAgain(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "replaced:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Network(t, "replaced", "")
	id := host.Create(t, "replaced", object{"Image": ref})
	calls := map[string]func(ctx context.Context, e *dockerengine.Engine) error{
		"a typed call": func(ctx context.Context, e *dockerengine.Engine) error {
			_, err := e.Containers(ctx)
			return err
		},
		"a request of our own": func(ctx context.Context, e *dockerengine.Engine) error {
			return e.Connect(ctx, "replaced", "replaced", lifecycle.Document{})
		},
		"one whose answer has no body": func(ctx context.Context, e *dockerengine.Engine) error {
			_, err := e.StatFile(ctx, id, "/bin/sh")
			return err
		},
		"a stream": func(ctx context.Context, e *dockerengine.Engine) error {
			return e.Pull(ctx, lifecycle.PullOptions{Reference: ref})
		},
		"what can be sent only once": func(ctx context.Context, e *dockerengine.Engine) error {
			text := strings.Repeat("all of it", 10_000)
			var archive bytes.Buffer
			w := tar.NewWriter(&archive)
			require.NoError(t, w.WriteHeader(&tar.Header{Name: "copied", Mode: 0o600, Size: int64(len(text))}))
			_, err := io.WriteString(w, text)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			if err := e.CopyTo(ctx, id, io.MultiReader(&archive)); err != nil { // that cannot be rewound
				return err
			}
			stat, err := e.StatFile(ctx, id, "/copied")
			assert.Equal(t, int64(len(text)), stat.Size)
			return err
		},
	}
	for name, call := range calls {
		for change, to := range map[string][4]string{
			"an older engine": {"1.24", "1.41", "1.24", "1.40"},
			"a newer engine":  {"1.24", "1.40", "1.41", "1.41"},
		} {
			t.Run(name+" to "+change, func(t *testing.T) {
				claim := host.Claim(t, to[0], to[1])
				e, err := dockerengine.New(dockerengine.WithHost(claim.Address))
				require.NoError(t, err)
				_, err = e.Images(t.Context())
				require.NoError(t, err)
				assert.Equal(t, []string{"GET /v" + to[1] + "/images/json"}, claim.Requests())
				claim.Speak(to[2], to[3])
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				require.NoError(t, call(ctx, e))
				requests := claim.Requests()
				assert.Contains(t, requests[0], "/v"+to[1]+"/")
				assert.Contains(t, requests[0], "refused")
				for _, r := range requests[1:] {
					assert.Contains(t, r, "/v"+to[3]+"/")
					assert.NotContains(t, r, "refused")
				}
			})
		}
	}
}

func TestManyMeetAnEngineThatWasReplaced(t *testing.T) {
	claim := enginehost.Engine(t).Claim(t, "1.24", "1.41")
	e, err := dockerengine.New(dockerengine.WithHost(claim.Address))
	require.NoError(t, err)
	require.NoError(t, e.Ping(t.Context()))
	claim.Speak("1.24", "1.40")
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := e.Containers(t.Context())
			assert.NoError(t, err)
		})
	}
	group.Wait()
}

// The newest version that both know is agreed on.
func TestAnEngineNewerThanThisLibrary(t *testing.T) {
	claim := enginehost.Engine(t).Claim(t, "1.44", "1.99")
	e, err := dockerengine.New(dockerengine.WithHost(claim.Address))
	require.NoError(t, err)
	info, err := e.Describe(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "1.51", info.APIVersion, "the client library's newest")
}
