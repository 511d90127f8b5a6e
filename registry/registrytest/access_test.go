package registrytest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// right and wrong are logins as a request carries them.
const (
	right = "Basic cm9ib3Q6cmlnaHQ="
	wrong = "Basic cm9ib3Q6d3Jvbmc="
)

// bearer asks the token service as a client does and returns what it may send
// then, or the status it got.
func bearer(t *testing.T, r *registrytest.Registry, rt http.RoundTripper, auth, form string) (string, int) {
	t.Helper()
	method, target, headers := http.MethodGet, r.URL+"/token?"+form, []string{"Authorization", auth}
	if auth == "" {
		headers = nil
	}
	body := ""
	if auth == "POST" {
		method, target, headers = http.MethodPost, r.URL+"/token", []string{"Content-Type", "application/x-www-form-urlencoded"}
		body = form
	}
	resp, text := do(t, rt, method, target, body, headers...)
	if resp.StatusCode != http.StatusOK {
		return "", resp.StatusCode
	}
	var answer struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(text), &answer))
	assert.Contains(t, answer.Token, registrytest.TokenPrefix)
	return "Bearer " + answer.Token, resp.StatusCode
}

func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		auth                              registrytest.Auth
		access                            registrytest.Access
		anybody, known, unknown, withoken int
	}{
		{registrytest.None, registrytest.Public, 200, 200, 200, 200},
		{registrytest.None, registrytest.Closed, 404, 404, 404, 404},
		{registrytest.Basic, registrytest.Public, 200, 200, 401, 401},
		{registrytest.Basic, registrytest.Open, 200, 200, 200, 200},
		{registrytest.Basic, registrytest.Private, 401, 200, 401, 401},
		{registrytest.Basic, registrytest.Closed, 401, 401, 401, 401},
		{registrytest.Bearer, registrytest.Public, 401, 401, 401, 200},
		{registrytest.Bearer, registrytest.Open, 200, 200, 200, 200},
		{registrytest.Bearer, registrytest.Private, 401, 401, 401, 200},
		{registrytest.Bearer, registrytest.Closed, 401, 401, 401, 401},
	}
	for _, tt := range tests {
		r, rt := memory(t, registrytest.Profile{Auth: tt.auth})
		r.Push("app", "1", registrytest.Image{})
		r.SetLogin("robot", "right")
		r.SetAccess("app", tt.access)
		for auth, want := range map[string]int{
			"": tt.anybody, right: tt.known, wrong: tt.unknown, "Bearer " + r.Token("app"): tt.withoken,
		} {
			headers := []string{"Authorization", auth}
			if auth == "" {
				headers = nil
			}
			resp, _ := do(t, rt, http.MethodHead, r.URL+"/v2/app/manifests/1", "", headers...)
			assert.Equal(t, want, resp.StatusCode, "%+v with %q", tt, auth)
		}
	}
}

func TestATokenOpensWhatItWasAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, rt := memory(t, registrytest.Profile{Auth: registrytest.Bearer})
		for _, name := range []string{"public", "private"} {
			r.Push(name, "1", registrytest.Image{})
		}
		r.SetLogin("robot", "right")
		r.SetIdentityToken("identity")
		r.SetAccess("public", registrytest.Public)
		opens := func(token string) string {
			out := ""
			for _, name := range []string{"public", "private"} {
				resp, _ := do(t, rt, http.MethodHead, r.URL+"/v2/"+name+"/manifests/1", "", "Authorization", token)
				if resp.StatusCode == http.StatusOK {
					out += name + " "
				}
			}
			return out
		}
		scopes := url.Values{"service": {"registry.example"}, "scope": {"repository:private:pull repository:public:pull"}}
		apart := url.Values{"service": {"registry.example"}, "scope": {"repository:private:pull", "repository:public:pull"}}
		grant := func(kind, key, value string) string {
			return scopes.Encode() + "&" + url.Values{"grant_type": {kind}, key: {value}, "username": {"robot"}}.Encode()
		}
		for _, tt := range []struct{ auth, form, opens string }{
			{"", scopes.Encode(), "public "},
			{right, scopes.Encode(), "public private "},
			{right, apart.Encode(), "public private "},
			{right, "service=registry.example", ""},
			{"POST", grant("refresh_token", "refresh_token", "identity"), "public private "},
			{"POST", grant("password", "password", "right"), "public private "},
		} {
			token, status := bearer(t, r, rt, tt.auth, tt.form)
			assert.Equal(t, 200, status)
			assert.Equal(t, tt.opens, opens(token), tt.form)
		}
		for _, tt := range []struct {
			auth, form string
			status     int
		}{
			{wrong, scopes.Encode(), 401},
			{"", "service=another", 400},
			{"", "", 400},
			{"POST", grant("refresh_token", "refresh_token", "another"), 401},
			{"POST", grant("password", "password", "wrong"), 401},
		} {
			_, status := bearer(t, r, rt, tt.auth, tt.form)
			assert.Equal(t, tt.status, status, tt.form)
		}

		token, _ := bearer(t, r, rt, right, scopes.Encode())
		time.Sleep(5*time.Minute - time.Second) //nolint:forbidigo // the bubble's time
		assert.NotEmpty(t, opens(token))
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
		assert.Empty(t, opens(token), "expired")
		token, _ = bearer(t, r, rt, right, scopes.Encode())
		r.Revoke()
		assert.Empty(t, opens(token), "revoked")
	})
}

func TestAPullLimitCountsManifestsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, rt := memory(t, registrytest.Profile{Limit: registrytest.Limit{Manifests: 2, Window: time.Hour}})
		r.Push("app", "1", registrytest.Image{})
		ask := func(method string) (int, string) {
			resp, _ := do(t, rt, method, r.URL+"/v2/app/manifests/1", "")
			assert.Equal(t, "2;w=3600", resp.Header.Get("RateLimit-Limit"))
			return resp.StatusCode, resp.Header.Get("RateLimit-Remaining")
		}
		for _, want := range []struct {
			method string
			status int
			left   string
		}{
			{http.MethodHead, 200, "2;w=3600"},
			{http.MethodGet, 200, "1;w=3600"},
			{http.MethodGet, 200, "0;w=3600"},
			{http.MethodGet, 429, "0;w=3600"},
			{http.MethodHead, 200, "0;w=3600"},
		} {
			status, left := ask(want.method)
			assert.Equal(t, want.status, status)
			assert.Equal(t, want.left, left)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
		status, left := ask(http.MethodGet)
		assert.Equal(t, 200, status)
		assert.Equal(t, "1;w=3600", left)
	})
}

// Every profile can be asked, and says of itself what it is.
func TestProfilesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range append(registrytest.Vendors(), registrytest.Quirks()...) {
		assert.NotEmpty(t, p.Name)
		assert.False(t, seen[p.Name], p.Name)
		seen[p.Name] = true
		r, rt := memory(t, p)
		resp, _ := do(t, rt, http.MethodGet, r.URL+"/v2/", "")
		if p.Auth == registrytest.None {
			assert.Equal(t, 200, resp.StatusCode, p.Name)
			continue
		}
		assert.Equal(t, 401, resp.StatusCode, p.Name)
		assert.NotEmpty(t, resp.Header.Get("WWW-Authenticate"), p.Name)
	}
}
