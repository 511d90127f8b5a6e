package watchtower_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestAPullThatBreaksOffMovesNothing(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "cut:1", enginehost.Image{})
	host.Pull(t, ref, "")
	id := host.Run(t, "cut", object{"Image": ref})
	before := host.Inspect(t, "cut")
	reg.Push(t, "cut:1", enginehost.Image{Files: map[string]string{"big": strings.Repeat("x", 1<<20)}})
	cut := 0
	reg.Break(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
			return false
		}
		cut++
		w.Header().Set("Content-Length", strconv.Itoa(1<<20))
		_, _ = w.Write(make([]byte, 1<<10)) // and no more
		return true
	})
	r := update(t, tower(t, host, []string{"cut"}, quick()))
	assert.Positive(t, cut)
	e := entry(t, r, "cut")
	assert.Equal(t, watchtower.StatusFailed, e.Status)
	require.Error(t, e.Err)
	t.Log(e.Err)
	after := host.Inspect(t, "cut")
	assert.Equal(t, id, after["Id"])
	assert.Equal(t, before["State"], after["State"])
	assert.Equal(t, before["Image"], host.Inspect(t, "cut")["Image"])

	reg.Break(nil)
	assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tower(t, host, []string{"cut"}, quick())), "cut").Status)
}

// A tag that moves between the check and the pull: what was judged is not there,
// so nothing is moved, and the next pass judges anew.
func TestATagThatMovesBeforeThePullIsSuperseded(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "moving:1", enginehost.Image{})
	host.Pull(t, ref, "")
	id := host.Run(t, "moving", object{"Image": ref})
	reg.Push(t, "moving:1", enginehost.Image{Env: []string{"VERSION=2"}})
	tw := tower(t, host, []string{"moving"}, quick())
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	reg.Push(t, "moving:1", enginehost.Image{Env: []string{"VERSION=3"}})
	r, err = tw.Apply(t.Context(), r.Plan)
	require.NoError(t, err)
	e := entry(t, r, "moving")
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Contains(t, e.Reason, "superseded")
	assert.Equal(t, id, host.Inspect(t, "moving")["Id"])
	assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), "moving").Status)
	assert.Contains(t, host.Inspect(t, "moving")["Config"].(object)["Env"], "VERSION=3")
}

// guarded is an engine whose registry takes one login, and anonymous access only
// where the image is public.
type guarded struct {
	*enginetest.Engine

	password string
	public   bool
}

func (g guarded) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	anonymous := opts.Credential.IsZero()
	if anonymous && g.public || !anonymous && opts.Credential.Password.Reveal() == g.password {
		return g.Engine.Pull(ctx, opts)
	}
	return fmt.Errorf("pull %s: %w", opts.Reference, errdefs.ErrUnauthenticated)
}

func TestAPullWithATroubledLogin(t *testing.T) {
	t.Parallel()
	login := func(password string, err error) credentials.Store {
		return credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
			if err != nil || password == "" {
				return credentials.Credential{}, err
			}
			return credentials.Credential{Username: "robot", Password: credentials.NewSecret(password), Source: "/config.json"}, nil
		})
	}
	broken := login("", errors.New("the vault is sealed"))
	for name, tt := range map[string]struct {
		store  credentials.Store
		public bool
		want   string // in the error; empty: it is updated
	}{
		"none, of a public image":         {login("", nil), true, ""},
		"none, of a private image":        {login("", nil), false, "unauthorized"},
		"right":                           {login("canary", nil), false, ""},
		"wrong, of a public image":        {login("wrong-canary", nil), true, ""},
		"wrong, of a private image":       {login("wrong-canary", nil), false, "(the login from /config.json was refused)"},
		"a store that fails, and public":  {broken, true, ""},
		"a store that fails, and private": {broken, false, "(no login: the vault is sealed)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				e.Publish("app:1", enginetest.Image{})
				e.Run("web", "app:1", lifecycle.Spec{})
				e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
				tw, err := watchtower.New(watchtower.WithEngine(guarded{e, "canary", tt.public}),
					watchtower.WithChecker(e.Checker()), watchtower.WithCredentials(tt.store))
				require.NoError(t, err)
				got := entry(t, update(t, tw), "web")
				if tt.want == "" {
					require.NoError(t, got.Err)
					assert.Equal(t, watchtower.StatusUpdated, got.Status)
					return
				}
				assert.Equal(t, watchtower.StatusFailed, got.Status)
				require.ErrorContains(t, got.Err, tt.want)
				assert.NotContains(t, got.Err.Error(), "canary")
			})
		})
	}
}
