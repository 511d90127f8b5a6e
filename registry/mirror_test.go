package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
)

// network is one without wires: who is not in it is not reached.
type network map[string]http.Handler

func (n network) RoundTrip(req *http.Request) (*http.Response, error) {
	handler := n[req.URL.Scheme+"://"+req.URL.Host]
	if handler == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no route to " + req.URL.Host)}
	}
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, req)
	return rec.Result(), nil
}

const hubURL = "https://registry-1.docker.io"

// hub is a Docker Hub with a mirror, and a client that has been told of both.
type hub struct {
	network

	origin, mirror *fake
	client         *registry.Client
}

func newHub(t *testing.T, opts ...registry.Option) *hub {
	t.Helper()
	h := &hub{network: network{}}
	for url, f := range map[string]**fake{hubURL: &h.origin, "https://mirror.example": &h.mirror} {
		*f = &fake{Server: &httptest.Server{URL: url}, manifests: map[string][]byte{}}
		h.network[url] = *f
	}
	h.client = client(t, append(opts, registry.WithTransport(h.network))...)
	require.NoError(t, h.client.SetEndpoints(registry.Endpoints{Mirrors: []string{"https://mirror.example/"}}))
	return h
}

// put publishes an image on both, or on one of them.
func (h *hub) put(seed string, on ...*fake) digest.Digest {
	if len(on) == 0 {
		on = []*fake{h.origin, h.mirror}
	}
	var d digest.Digest
	for _, f := range on {
		d = f.put("library/app:1", index(map[string]digest.Digest{"linux/amd64": f.put("library/app:"+seed, image(seed))}))
	}
	return d
}

func (h *hub) check(t *testing.T, known digest.Digest) registry.Verdict {
	t.Helper()
	return h.client.Check(t.Context(), []registry.Query{{
		Reference: "app:1", Known: []digest.Digest{known},
		Platforms: func(context.Context) ([]string, error) { return []string{"linux/amd64"}, nil },
	}})[0]
}

func TestAMirrorIsNotAskedAboutWhatIsUpToDate(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	v := h.check(t, h.put("1"))
	require.NoError(t, v.Err)
	assert.Equal(t, "docker.io", v.Endpoint)
	assert.Equal(t, map[string]int{"HEAD": 1, "all": 1}, h.origin.requests())
	assert.Empty(t, h.mirror.requests())
}

// The pull limit of Docker Hub counts manifests that are read.
func TestWhatMovedIsReadFromTheMirror(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	was := h.put("1")
	is := h.put("2")
	v := h.check(t, was)
	require.NoError(t, v.Err)
	assert.Equal(t, is, v.Digest)
	assert.Equal(t, digest.FromString("2"), v.Images[0].Config)
	assert.Empty(t, v.StaleMirror)
	assert.Equal(t, map[string]int{"HEAD": 1, "all": 1}, h.origin.requests())
	assert.Equal(t, map[string]int{"HEAD": 1, "GET": 2, "all": 3}, h.mirror.requests())
}

func TestAMirrorThatIsStaleIsToldAndNotBelieved(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	was := h.put("1")
	is := h.put("2", h.origin)
	v := h.check(t, was)
	require.NoError(t, v.Err)
	assert.Equal(t, is, v.Digest)
	assert.Equal(t, "docker.io", v.Endpoint)
	assert.Equal(t, "mirror.example", v.StaleMirror)
	assert.Equal(t, digest.FromString("2"), v.Images[0].Config, "which the mirror does not have")
}

func TestAMirrorThatLacksWhatMovedIsNotStale(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	was := h.put("1", h.origin)
	h.put("2", h.origin)
	v := h.check(t, was)
	require.NoError(t, v.Err)
	assert.Empty(t, v.StaleMirror, "an engine goes on to Docker Hub itself")
	assert.Len(t, v.Images, 1)
}

// A mirror that forges a manifest is no worse than one that has none.
func TestAMirrorCannotForgeContent(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	was := h.put("1")
	is := h.put("2")
	h.mirror.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"config":{"digest":"` + digest.FromString("forged").String() + `"}}`))
		}
		return r.Method == http.MethodGet
	}
	v := h.check(t, was)
	require.NoError(t, v.Err)
	assert.Equal(t, is, v.Digest)
	assert.Equal(t, digest.FromString("2"), v.Images[0].Config)
}

func TestWhatAMirrorMaySayInDockerHubsPlace(t *testing.T) {
	t.Parallel()
	gone := func(h *hub) { delete(h.network, hubURL) }
	refuses := func(status int) func(*hub) {
		return func(h *hub) { h.origin.fault = always(status, "Retry-After", "60") }
	}
	tests := []struct {
		name    string
		trouble func(*hub)
		before  bool // Docker Hub has been reached before
		moved   bool // the mirror points at something that is not in use
		answers bool
	}{
		{"not reached, nothing moved", gone, true, false, true},
		{"not reached, something moved", gone, true, true, false},
		{"never reached, nothing moved", gone, false, false, true},
		{"never reached, something moved", gone, false, true, true},
		{"a limit, nothing moved", refuses(http.StatusTooManyRequests), false, false, true},
		{"a limit, something moved", refuses(http.StatusTooManyRequests), false, true, false},
		{"out of order, nothing moved", refuses(http.StatusBadGateway), true, false, true},
		{"out of order, something moved", refuses(http.StatusBadGateway), false, true, false},
		{"its token service is not reached, nothing moved", func(h *hub) {
			h.origin.auth = "bearer"
			h.origin.challenge = func(string) []string { return []string{`Bearer realm="https://gone.example/token"`} }
		}, false, false, true},
		{"its token service is not reached, something moved", func(h *hub) {
			h.origin.auth = "bearer"
			h.origin.challenge = func(string) []string { return []string{`Bearer realm="https://gone.example/token"`} }
		}, false, true, false},
		{"it says there is no such image", refuses(http.StatusNotFound), false, false, false},
		{"it says who may not see it", refuses(http.StatusForbidden), false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			known := h.put("1")
			if tt.before {
				require.NoError(t, h.check(t, known).Err)
			}
			is := known
			if tt.moved {
				is = h.put("2")
			}
			tt.trouble(h)
			h.mirror.requests()
			for range 2 { // a limit that holds is no other than one that is told
				v := h.check(t, known)
				if !tt.answers {
					require.Error(t, v.Err)
					assert.Empty(t, v.Digest)
					assert.Empty(t, v.Endpoint)
					assert.Equal(t, tt.moved, len(h.mirror.requests()) > 0, "it is asked only where its word may count")
					continue
				}
				require.NoError(t, v.Err)
				assert.Equal(t, is, v.Digest)
				assert.Equal(t, "mirror.example", v.Endpoint)
				assert.Equal(t, 1, h.mirror.requests()["HEAD"])
				assert.Equal(t, tt.moved, len(v.Images) == 1)
				var why *registry.Error
				require.ErrorAs(t, v.OriginErr, &why)
				assert.Equal(t, "docker.io", why.Host)
			}
		})
	}
}

func TestWithoutAnswerFromEitherBothSayWhy(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	known := h.put("1")
	h.origin.fault = always(http.StatusTooManyRequests, "Retry-After", "60")
	h.mirror.fault = always(http.StatusUnauthorized)
	v := h.check(t, known)
	assert.True(t, errdefs.IsResourceExhausted(v.Err), "it is Docker Hub's that counts")
	require.ErrorContains(t, v.Err, "registry: head docker.io/library/app:1: 429 Too Many Requests")
	require.ErrorContains(t, v.Err, "registry: head mirror.example/library/app:1: 401 Unauthorized")
	var e *registry.Error
	require.ErrorAs(t, v.Err, &e)
	assert.False(t, e.RetryAfter.IsZero())

	h.mirror.fault = nil
	h.put("2", h.mirror)
	v = h.check(t, known)
	require.ErrorContains(t, v.Err, "its mirror mirror.example points at "+h.mirror.digest("library/app:1")+", which may be out of date")
}

func (f *fake) digest(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return digest.FromBytes(f.manifests[name]).String()
}

func TestADeadMirrorIsAskedOncePerCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		var qs []registry.Query
		for i := range 50 {
			d := h.origin.put(fmt.Sprintf("library/app%d:1", i), image(fmt.Sprint(i)))
			qs = append(qs, registry.Query{Reference: fmt.Sprintf("app%d:1", i)})
			if i == 0 {
				qs[0].Known = []digest.Digest{d} // so that the others come all at once
			}
		}
		var asked atomic.Int32
		h.network["https://mirror.example"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
			w.WriteHeader(http.StatusTooManyRequests)
		})
		requireAll(t, h.client.Check(t.Context(), qs))
		assert.EqualValues(t, 1, asked.Load())
	})
}

func TestEachHostIsShownItsOwnLogin(t *testing.T) {
	t.Parallel()
	h := newHub(t, registry.WithCredentials(credentials.Static(map[string]credentials.Credential{
		"docker.io": {Username: "hub", Password: credentials.NewSecret("hub-canary")}, "mirror.example": {Username: "mirror", Password: credentials.NewSecret("mirror-canary")},
	})))
	h.origin.auth, h.origin.user, h.origin.pass = "bearer", "hub", "hub-canary"
	h.mirror.auth, h.mirror.user, h.mirror.pass = "basic", "mirror", "mirror-canary"
	was := h.put("1")
	h.put("2")
	v := h.check(t, was)
	require.NoError(t, v.Err)
	assert.Empty(t, v.StaleMirror)
	assert.Len(t, v.Images, 1)
	assert.Equal(t, map[string]int{"HEAD": 2, "GET": 2, "all": 4}, h.mirror.requests(), "it was let in, with its login")
	assert.Zero(t, h.origin.badLogins+h.mirror.badLogins)
}

// A mirror that asks for a login gets none that is not its own.
func TestAMirrorIsNotShownDockerHubsLogin(t *testing.T) {
	t.Parallel()
	h := newHub(t, registry.WithCredentials(credentials.Static(map[string]credentials.Credential{
		"docker.io": {Username: "hub", Password: credentials.NewSecret("hub-canary")},
	})))
	h.origin.auth, h.origin.user, h.origin.pass = "bearer", "hub", "hub-canary"
	var shown []string
	h.network["https://mirror.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", `Basic realm="mirror"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	was := h.put("1")
	h.put("2")
	require.NoError(t, h.check(t, was).Err)
	assert.NotEmpty(t, shown)
	for _, authorization := range shown {
		assert.Empty(t, authorization)
	}
}

func TestMirrorsAreAskedInTheirOrder(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	second := &fake{Server: &httptest.Server{}, manifests: map[string][]byte{}}
	h.network["http://second.example:5000"] = http.StripPrefix("/hub", second)
	require.NoError(t, h.client.SetEndpoints(registry.Endpoints{
		Mirrors: []string{"https://mirror.example", "http://second.example:5000/hub/"},
	}))
	known := h.put("1")
	h.put("1", second)
	delete(h.network, hubURL)
	v := h.check(t, known)
	require.NoError(t, v.Err)
	assert.Equal(t, "mirror.example", v.Endpoint)
	assert.Empty(t, second.requests())
	delete(h.network, "https://mirror.example")
	v = h.check(t, known)
	require.NoError(t, v.Err)
	assert.Equal(t, "second.example:5000/hub", v.Endpoint)
	require.ErrorContains(t, v.OriginErr, "no route to mirror.example")

	require.NoError(t, h.client.SetEndpoints(registry.Endpoints{}))
	require.Error(t, h.check(t, known).Err, "there are no mirrors any more")
}

// What holds for registries holds for mirrors: no login goes to another host, none
// in clear.
func TestAMirrorsLoginGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  func(w http.ResponseWriter, r *http.Request)
		reaches bool
	}{
		"redirected to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example"+r.URL.Path, http.StatusTemporaryRedirect)
		}, true},
		"redirected to no TLS": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://mirror.example"+r.URL.Path, http.StatusTemporaryRedirect)
		}, false},
		"redirected to this machine": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1"+r.URL.Path, http.StatusTemporaryRedirect)
		}, false},
		"a token service without TLS": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://elsewhere.example/token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, false},
		"a token service on this machine": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://127.0.0.1/token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, registry.WithCredentials(credentials.Static(map[string]credentials.Credential{
				"mirror.example": {Username: "mirror", Password: credentials.NewSecret("mirror-canary")},
			})))
			h.mirror.auth, h.mirror.user, h.mirror.pass = "basic", "mirror", "mirror-canary"
			asked := 0
			h.mirror.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if _, _, given := r.BasicAuth(); !given {
					return false
				}
				asked++
				tt.answer(w, r)
				return true
			}
			reached, shown := 0, ""
			for _, url := range []string{"https://elsewhere.example", "http://elsewhere.example", "http://mirror.example", "https://127.0.0.1"} {
				h.network[url] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					reached++
					shown += r.Header.Get("Authorization")
					w.WriteHeader(http.StatusNotFound)
				})
			}
			was := h.put("1")
			is := h.put("2")
			v := h.check(t, was)
			require.NoError(t, v.Err, "the mirror is not needed")
			assert.Equal(t, is, v.Digest)
			assert.Positive(t, asked)
			assert.Equal(t, tt.reaches, reached > 0)
			assert.Empty(t, shown)
		})
	}
}
