package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

func storeOf(c credentials.Credential, err error) registry.Option {
	return registry.WithCredentials(credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
		return c, err
	}))
}

// The first question is about a repository that is open to all, and so teaches
// nothing of the others.
func TestOpenAndGuardedRepositoriesOnOneRegistry(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"basic", "bearer"} {
		f := newFake(t, auth)
		f.user, f.pass = "robot", "canary"
		f.open = map[string]bool{"team/app0": true}
		requireAll(t, client(t, login("robot", "canary")).Check(t.Context(), f.queries(20)))
	}
}

// What a login may not see costs no more than itself, also later on.
func TestForbiddenRepositoriesDoNotEndSharedTokens(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	qs := f.queries(10)
	f.closed = map[string]bool{"team/app3": true, "team/app4": true}
	c := client(t)
	check := func() map[string]int {
		for i, v := range c.Check(t.Context(), qs) {
			assert.Equal(t, i == 3 || i == 4, errdefs.IsUnauthorized(v.Err), "%v", v.Err)
		}
		return f.requests()
	}
	assert.Equal(t, 1+2, check()["TOKEN"], "one shared, and one for each of the two to make sure")
	f.generation++ // and all are revoked
	assert.Equal(t, 1+2, check()["TOKEN"])
	f.closed = nil
	requireAll(t, c.Check(t.Context(), qs))
	f.requests()
	f.generation++
	requireAll(t, c.Check(t.Context(), qs))
	assert.Equal(t, 1, f.requests()["TOKEN"], "opened again, they share")
}

func TestOneForbiddenRepositoryDoesNotCondemnTheLogin(t *testing.T) {
	t.Parallel()
	f := newFake(t, "basic")
	f.user, f.pass = "robot", "canary"
	f.closed = map[string]bool{"team/app2": true}
	for i, v := range client(t, login("robot", "canary")).Check(t.Context(), f.queries(6)) {
		assert.Equal(t, i == 2, v.Err != nil, "%v", v.Err)
	}
}

func TestARefusedLoginIsTriedAgainAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t, registrytest.Profile{Auth: registrytest.Basic})
		r.SetLogin("robot", "right")
		qs, c := pushed(r, 2), client(t, reach(r), storeOf(credentials.Credential{
			Username: "robot", Password: credentials.NewSecret("wrong"), Source: "config.json",
		}, nil))
		v := c.Check(t.Context(), qs)
		require.ErrorContains(t, v[0].Err, "401 Unauthorized (the login from config.json was refused)")
		assert.Equal(t, 1, r.Requests().BadLogins())
		time.Sleep(15*time.Minute - time.Second) //nolint:forbidigo // the bubble's time
		c.Check(t.Context(), qs)
		assert.Zero(t, r.Requests().BadLogins())
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
		c.Check(t.Context(), qs)
		assert.Equal(t, 1, r.Requests().BadLogins())
	})
}

func TestANewLoginIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, "basic")
	f.user, f.pass = "robot", "right"
	pass := "wrong"
	store := credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
		return credentials.Credential{Username: "robot", Password: credentials.NewSecret(pass)}, nil
	})
	qs, c := f.queries(2), client(t, registry.WithCredentials(store))
	require.Error(t, c.Check(t.Context(), qs)[0].Err)
	pass = "right"
	requireAll(t, c.Check(t.Context(), qs))
}

func TestTokensAreKeptUntilTheyExpire(t *testing.T) {
	t.Parallel()
	for expires, want := range map[string]time.Duration{`300`: 295 * time.Second, `"300"`: 295 * time.Second, `0`: 55 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := simulate(t, registrytest.Profile{Auth: registrytest.Bearer, Answer: func(token string, _ time.Duration) string {
				return fmt.Sprintf(`{"token":%q,"expires_in":%s}`, token, expires)
			}})
			qs, c := pushed(r, 3), client(t, reach(r))
			requireAll(t, c.Check(t.Context(), qs))
			time.Sleep(want - time.Second) //nolint:forbidigo // the bubble's time
			r.Requests()
			requireAll(t, c.Check(t.Context(), qs))
			assert.Equal(t, registrytest.Counts{Head: 3}, r.Requests().Counts())
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
			requireAll(t, c.Check(t.Context(), qs))
			assert.Equal(t, registrytest.Counts{Token: 1, Head: 3}, r.Requests().Counts())
		})
	}
}

func TestAStoreThatFailsLeavesPublicImages(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	qs := f.queries(2)
	f.closed = map[string]bool{"team/app1": true}
	v := client(t, storeOf(credentials.Credential{}, errors.New("helper: not there"))).Check(t.Context(), qs)
	requireAll(t, v[:1])
	assert.True(t, errdefs.IsUnauthorized(v[1].Err))
	assert.ErrorContains(t, v[1].Err, "401 Unauthorized (no login: helper: not there)")
}

// Whoever reads the error of one single image must learn where the login came
// from, or where there was none, the first time already.
func TestARefusalSaysWhoWasAskedForALogin(t *testing.T) {
	t.Parallel()
	wrong := credentials.Static(map[string]credentials.Credential{"127.0.0.1": {}, "other.example": {Username: "robot"}})
	for name, tt := range map[string]struct {
		auth  string
		says  int
		store credentials.Store
		want  string
	}{
		"basic":                         {"basic", 401, nil, "(the login from /config.json was refused)"},
		"bearer":                        {"bearer", 401, nil, "(the login from /config.json was refused)"},
		"bearer, forbidden":             {"bearer", 403, nil, "(the login from /config.json was refused)"},
		"basic, there is none":          {"basic", 401, credentials.Chain(wrong, wrong), "(no login for it in static, static)"},
		"bearer, there is none":         {"bearer", 401, wrong, "(no login for it in static)"},
		"basic, a store without a name": {"basic", 401, credentials.StoreFunc(wrong.Credential), "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.auth)
			f.user, f.pass, f.badLogin = "canary", "right", tt.says
			option := storeOf(credentials.Credential{Username: "canary", Password: credentials.NewSecret("canary"), Source: "/config.json"}, nil)
			if tt.store != nil {
				option = registry.WithCredentials(tt.store)
			}
			c := client(t, option)
			for range 2 {
				v := c.Check(t.Context(), f.queries(1))[0]
				require.ErrorContains(t, v.Err, tt.want)
				assert.True(t, strings.HasSuffix(v.Err.Error(), tt.want), "%v", v.Err)
				assert.NotContains(t, v.Err.Error(), "canary", "for some registries the user is a secret, too")
			}
		})
	}
}

// Where nothing was refused, no login is what is missing.
func TestWhatIsNotThereIsNotForWantOfALogin(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	v := client(t, registry.WithCredentials(credentials.Static(nil))).Check(t.Context(), []registry.Query{{Reference: f.addr() + "/team/none:1"}})[0]
	assert.True(t, errdefs.IsNotFound(v.Err))
	assert.True(t, strings.HasSuffix(v.Err.Error(), "404 Not Found"), "%v", v.Err)
}

func TestARegistryTokenIsSentAsItIs(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	f.user = "nobody gets one"
	qs := f.queries(2)
	requireAll(t, client(t, storeOf(credentials.Credential{RegistryToken: credentials.NewSecret("g0|team/app0|team/app1")}, nil)).
		Check(t.Context(), qs))
	assert.Zero(t, f.requests()["TOKEN"])

	f.user = ""
	requireAll(t, client(t, storeOf(credentials.Credential{RegistryToken: credentials.NewSecret("stale")}, nil)).Check(t.Context(), qs))
}

// Served without a login, what is not for the public seems not to exist.
func TestARegistryThatHidesRatherThanAsks(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	f.user, f.pass = "robot", "canary"
	qs := f.queries(3)
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" || r.URL.Path == "/token" || r.Header.Get("Authorization") != "" {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	c := client(t, login("robot", "canary"))
	requireAll(t, c.Check(t.Context(), qs))
	f.requests()
	requireAll(t, c.Check(t.Context(), qs))
	assert.Equal(t, 3, f.requests()["all"])

	for _, v := range client(t).Check(t.Context(), qs) {
		assert.True(t, errdefs.IsNotFound(v.Err))
	}
}

func TestTheScopeIsTheOneTheRegistryNames(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	qs := f.queries(1)
	f.challenge = func(realm string) []string {
		return []string{`Bearer realm="` + realm + `",service="Test, Registry",scope="repository:prefix/team/app0:pull"`}
	}
	f.fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if auth := r.Header.Get("Authorization"); auth != "" {
			r.Header.Set("Authorization", strings.ReplaceAll(auth, "prefix/", ""))
		}
		return false
	}
	f.tokenBody = func(token string) string {
		assert.Contains(t, token, "prefix/team/app0")
		return fmt.Sprintf(`{"token":%q}`, token)
	}
	requireAll(t, client(t).Check(t.Context(), qs))
}

func TestATokenTooLongForAHeaderIsSharedByFewer(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	qs := f.queries(40)
	f.tokenBody = func(token string) string {
		return fmt.Sprintf(`{"token":%q}`, token+strings.Repeat("|padding", 40*strings.Count(token, "|")))
	}
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if len(r.Header.Get("Authorization")) < 8<<10 {
			return false
		}
		w.WriteHeader(http.StatusRequestHeaderFieldsTooLarge)
		return true
	}
	c := client(t)
	requireAll(t, c.Check(t.Context(), qs))
	assert.LessOrEqual(t, f.requests()["TOKEN"], 1+1+3)
}

func TestATokenServiceThatIsDownIsAskedTwice(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	qs := f.queries(20)
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return r.URL.Path == "/token"
	}
	for _, v := range client(t).Check(t.Context(), qs) {
		assert.True(t, errdefs.IsUnavailable(v.Err))
		assert.ErrorContains(t, v.Err, "registry: token for "+v.Reference+": 503 Service Unavailable")
	}
	assert.Equal(t, map[string]int{"HEAD": 1, "TOKEN": 2, "all": 3}, f.requests(), "for all together, then for one")
}

func TestATokenRequestIsNotSentOn(t *testing.T) {
	t.Parallel()
	var got string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got += r.Header.Get("Authorization") + r.Form.Get("refresh_token")
	}))
	t.Cleanup(other.Close)
	for _, c := range []credentials.Credential{
		{IdentityToken: credentials.NewSecret("canary")},
		{Username: "robot", Password: credentials.NewSecret("canary")},
	} {
		f := newFake(t, "bearer")
		f.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			}
			return r.URL.Path == "/token"
		}
		v := client(t, storeOf(c, nil)).Check(t.Context(), f.queries(1))[0]
		require.Error(t, v.Err)
		assert.NotContains(t, v.Err.Error(), "canary")
	}
	assert.Empty(t, got)
}
