package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
)

func client(t testing.TB, opts ...registry.Option) *registry.Client {
	t.Helper()
	c, err := registry.New(opts...)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func login(user, pass string) registry.Option {
	return registry.WithCredentials(credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
		return credentials.Credential{Username: user, Password: credentials.NewSecret(pass), Source: "test"}, nil
	}))
}

// queries asks about n repositories, all known or all unknown.
func (f *fake) queries(n int) []registry.Query {
	out := make([]registry.Query, n)
	for i := range out {
		name := fmt.Sprintf("team/app%d:1", i)
		d := f.put(name, image(name))
		out[i] = registry.Query{Reference: f.addr() + "/" + name, Known: []digest.Digest{d}}
	}
	return out
}

func requireAll(t *testing.T, verdicts []registry.Verdict) {
	t.Helper()
	for _, v := range verdicts {
		require.NoError(t, v.Err)
		require.NotEmpty(t, v.Digest)
	}
}

func TestWhatMovedIsReadOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	amd, arm := f.put("app:amd", image("amd")), f.put("app:arm", image("arm"))
	ix := f.put("app:1", index(map[string]digest.Digest{"linux/amd64": amd, "linux/arm64/v8": arm, "unknown/unknown": amd}))
	old := digest.FromString("old")
	ask := func(c *registry.Client, known digest.Digest, platforms ...string) registry.Verdict {
		return c.Check(t.Context(), []registry.Query{{
			Reference: f.addr() + "/app:1", Known: []digest.Digest{known},
			Platforms: func(context.Context) ([]string, error) { return platforms, nil },
		}})[0]
	}
	c := client(t)
	v := ask(c, old, "linux/amd64")
	require.NoError(t, v.Err)
	assert.Equal(t, ix, v.Digest)
	assert.Equal(t, []registry.Image{{Platform: "linux/amd64", Manifest: amd, Config: digest.FromString("amd")}}, v.Images)
	assert.Equal(t, map[string]int{"HEAD": 1, "GET": 2, "all": 3}, f.requests())

	assert.Equal(t, v.Images, ask(c, old, "linux/amd64").Images)
	assert.Equal(t, map[string]int{"HEAD": 1, "all": 1}, f.requests(), "content by digest never changes")

	assert.Equal(t, arm, ask(c, old, "linux/arm64").Images[0].Manifest, "arm64 is v8")
	none := ask(c, old, "linux/s390x")
	assert.NotNil(t, none.Images)
	assert.Empty(t, none.Images, "a platform that is not served")
	f.requests()
	ask(c, old, "linux/s390x")
	assert.Equal(t, 1, f.requests()["all"], "which is remembered, too")

	same := ask(client(t), amd, "linux/amd64")
	assert.Equal(t, amd, same.Images[0].Manifest)
	assert.Equal(t, 1, f.requests()["GET"], "the index alone moved: its image is not read again")
	assert.Nil(t, ask(client(t), ix).Images, "known: nothing is resolved")
}

func TestErrorsHaveAClassAndAPlace(t *testing.T) {
	t.Parallel()
	status := func(code int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	tests := []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request) bool
		is    func(error) bool
		text  string
	}{
		{"unauthorized", status(401), errdefs.IsUnauthorized, "registry: head %s/team/app0:1: 401 Unauthorized"},
		{"forbidden", status(403), errdefs.IsPermissionDenied, "registry: head %s/team/app0:1: 403 Forbidden"},
		{"missing", status(404), errdefs.IsNotFound, "registry: get %s/team/app0:1: 404 Not Found"},
		{"limited", status(429, "Retry-After", "30"), errdefs.IsResourceExhausted, "registry: head %s/team/app0:1: 429 Too Many Requests, to be asked again at …"},
		{"down", status(503), errdefs.IsUnavailable, "registry: head %s/team/app0:1: 503 Service Unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, "")
			qs := f.queries(1)
			f.fault = tt.fault
			v := client(t).Check(t.Context(), qs)[0]
			assert.Equal(t, fmt.Sprintf(tt.text, f.addr()), regexp.MustCompile(`20\d\d-\d\d-\d\dT.*`).ReplaceAllString(v.Err.Error(), "…"))
			assert.True(t, tt.is(v.Err))
			assert.Empty(t, v.Digest)
		})
	}
}

func TestAHangingRegistryCostsItsTimeoutOnce(t *testing.T) {
	t.Parallel()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hang.Close)
	var qs []registry.Query
	for i := range 10 {
		qs = append(qs, registry.Query{Reference: fmt.Sprintf("%s/app%d:1", hang.Listener.Addr(), i)})
	}
	start := time.Now()
	for _, v := range client(t, registry.WithTimeout(100*time.Millisecond)).Check(t.Context(), qs) {
		assert.ErrorContains(t, v.Err, "no answer within 100ms")
	}
	assert.Less(t, time.Since(start), 5*time.Second)
}

func TestAWrongLoginIsTriedOnceThenLeftAlone(t *testing.T) {
	t.Parallel()
	t.Run("basic", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, "basic")
		f.user, f.pass = "robot", "right"
		qs, c := f.queries(5), client(t, login("robot", "wrong"))
		for range 3 {
			for _, v := range c.Check(t.Context(), qs) {
				assert.True(t, errdefs.IsUnauthorized(v.Err))
				assert.ErrorContains(t, v.Err, "401 Unauthorized")
			}
		}
		assert.Equal(t, 1, f.badLogins, "not once for each repository, either")
	})
	t.Run("bearer, the image is public", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, "bearer")
		qs, c := f.queries(3), client(t, login("robot", "wrong"))
		for range 3 {
			requireAll(t, c.Check(t.Context(), qs))
		}
		assert.Equal(t, 1, f.badLogins)
	})
	t.Run("bearer, the service says forbidden", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, "bearer")
		f.badLogin = http.StatusForbidden
		qs, c := f.queries(20), client(t, login("robot", "wrong"))
		for range 3 {
			requireAll(t, c.Check(t.Context(), qs))
		}
		assert.Equal(t, 6, f.badLogins, "which may be about the repository: three times for all together, then for one")
	})
}

func TestALoginGoesNowhereElse(t *testing.T) {
	t.Parallel()
	var leaked string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked += r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(other.Close)
	f := newFake(t, "basic")
	f.user, f.pass = "robot", "canary"
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if _, _, given := r.BasicAuth(); !given {
			return false
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		return true
	}
	client(t, login("robot", "canary")).Check(t.Context(), f.queries(1))
	assert.Empty(t, leaked)
}

func TestARegistryBehindTLSMayNotSendALoginInClear(t *testing.T) {
	t.Parallel()
	asked := false
	realm := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(realm.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm.URL+`/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(secure.Close)
	v := client(t, login("robot", "canary")).Check(t.Context(),
		[]registry.Query{{Reference: secure.Listener.Addr().String() + "/app:1"}})[0]
	require.ErrorContains(t, v.Err, "is not reached over https")
	assert.False(t, asked)
	assert.NotContains(t, v.Err.Error(), "canary")
}

func TestBadOptionsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := registry.New(registry.WithCredentials(nil), registry.WithTimeout(-1), registry.WithConcurrency(0), nil,
		registry.WithLogger(nil), registry.WithTransport(nil))
	require.Error(t, err)
	assert.True(t, errdefs.IsInvalidArgument(err))
	for _, name := range []string{"WithCredentials", "WithTimeout", "WithConcurrency", "WithLogger", "WithTransport"} {
		assert.Contains(t, err.Error(), name)
	}
}
