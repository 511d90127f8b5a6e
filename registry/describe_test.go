package registry_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

const someConfig = `{"created":"2026-01-02T03:04:05Z","architecture":"amd64","os":"linux","rootfs":{},
	"config":{"Env":["A=1"],"Labels":{"org.opencontainers.image.version":"1.2"}}}`

// serving answers for blobs, on its own or by a redirect to somewhere else.
func serving(body string, elsewhere string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case !strings.Contains(r.URL.Path, "/blobs/"):
			return false
		case elsewhere != "":
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		default:
			_, _ = w.Write([]byte(body))
		}
		return true
	}
}

func TestAnImageIsDescribedWithOneRequest(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	f.fault = serving(someConfig, "")
	image := registry.Image{Config: digest.FromString(someConfig)}
	c := client(t)
	for range 2 {
		got, err := c.Describe(t.Context(), f.addr()+"/app:1", image)
		require.NoError(t, err)
		assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), got.Created)
		assert.Equal(t, map[string]string{"org.opencontainers.image.version": "1.2"}, got.Labels)
		assert.JSONEq(t, `{"Env":["A=1"],"Labels":{"org.opencontainers.image.version":"1.2"}}`, string(got.Defaults))
	}
	assert.Equal(t, map[string]int{"GET": 1, "all": 1}, f.requests())
}

func TestALoginDoesNotFollowAConfigurationElsewhere(t *testing.T) {
	t.Parallel()
	var got []http.Header
	cdn := newFake(t, "")
	cdn.fault = func(w http.ResponseWriter, r *http.Request) bool {
		got = append(got, r.Header)
		_, _ = w.Write([]byte(someConfig))
		return true
	}
	f := newFake(t, "basic")
	f.user, f.pass = "me", "secret"
	f.put("app:1", image("a"))
	allowed := serving("", cdn.URL+"/data")
	f.fault = func(w http.ResponseWriter, r *http.Request) bool { return f.allowed(r, "app") && allowed(w, r) }
	c := client(t, login("me", "secret"))
	_, err := c.Describe(t.Context(), f.addr()+"/app:1", registry.Image{Config: digest.FromString(someConfig)})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Empty(t, got[0].Values("Authorization"))
}

func TestWhatIsNoConfigurationDescribesNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, asked string // asked: another body's digest
		class             func(error) bool
		want              string
	}{
		{"another blob", someConfig, "other", errdefs.IsUnavailable, "is something else"},
		{"no JSON", "<html>", "", errdefs.IsUnavailable, "its configuration is not JSON"},
		{"a strange one", `{"config":[1]}`, "", errdefs.IsUnavailable, "of an unknown kind"},
		{"too long", strings.Repeat(" ", 5<<20), "", errdefs.IsUnavailable, "is more than 4194304 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, "")
			f.fault = serving(tt.body, "")
			asked := digest.FromString(tt.body)
			if tt.asked != "" {
				asked = digest.FromString(tt.asked)
			}
			_, err := client(t).Describe(t.Context(), f.addr()+"/app:1", registry.Image{Config: asked})
			require.ErrorContains(t, err, tt.want)
			assert.True(t, tt.class(err))
		})
	}
	_, err := client(t).Describe(t.Context(), "app:1", registry.Image{})
	assert.True(t, errdefs.IsInvalidArgument(err), "%v", err)
	assert.EqualError(t, err, `registry: Describe: "": want the digest of a configuration`)
}
