package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

// pipes is a network for a bubble of time: connections without a kernel.
type pipes map[string]pipeListener

// serve answers at the address until the test ends.
func (p pipes) serve(t *testing.T, address string, handler http.Handler) {
	t.Helper()
	listener := pipeListener{address, make(chan net.Conn), make(chan struct{})}
	p[address] = listener
	server := &http.Server{Handler: handler} //nolint:gosec // a test's
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { close(listener.closed); _ = server.Close() })
}

func (p pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p[address].conns <- far:
		return near, nil
	case <-p[address].closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// transport is as the client's own, but for the network.
func (p pipes) transport(t *testing.T) registry.Option {
	t.Helper()
	rt := &http.Transport{DialContext: p.dial}
	t.Cleanup(rt.CloseIdleConnections)
	return registry.WithTransport(rt)
}

type pipeListener struct {
	address string
	conns   chan net.Conn
	closed  chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l pipeListener) Close() error   { return nil }
func (l pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: l.address} }

// drip writes a byte a second, for as long as anybody listens.
func drip(w http.ResponseWriter, r *http.Request) {
	for {
		_, _ = w.Write([]byte(" "))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	}
}

// What a registry can do to those who ask, with the time that 40 questions of it
// take at most. A request may take ten seconds.
func TestAHostileRegistryCostsItsOwnReferences(t *testing.T) {
	t.Parallel()
	const requestTimeout = 10 * time.Second
	refuseHead := func(then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			then(w, r)
		}
	}
	challenge := func(then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				then(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://bad.example/token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	reset := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	truncate := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"config"`))
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		text   string
		within time.Duration
	}{
		{"hangs", hang, "no answer within 10s", requestTimeout},
		{"hangs in a manifest", refuseHead(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		}), "no answer within 10s", requestTimeout},
		{"hangs in a token", challenge(hang), "no answer within 10s", requestTimeout},
		{"resets", reset, "EOF", 0},
		{"truncates a manifest", refuseHead(truncate), "unexpected EOF", 0},
		{"truncates a token", challenge(truncate), "unexpected EOF", 0},
		{"drips a manifest", refuseHead(drip), "no answer within 10s", requestTimeout},
		{"drips a token", challenge(drip), "no answer within 10s", requestTimeout},
		{"drips a refusal", refuseHead(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			drip(w, r)
		}), "403 Forbidden", 3 * time.Second / 2}, // half a second each: one, then 32 at once
		{"redirects in a circle", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, "too many redirects", 0},
		{"sends a huge manifest", refuseHead(huge), "a manifest of more than 4194304 bytes", 0},
		{"sends a huge token", challenge(huge), "a token of more than 131072 bytes", 0},
		{"speaks something else", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
				_ = conn.Close()
			}
		}, "malformed HTTP", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := pipes{}
				healthy := &fake{Server: &httptest.Server{URL: "http://good.example"}, manifests: map[string][]byte{}}
				network.serve(t, "good.example:80", healthy)
				network.serve(t, "bad.example:80", tt.answer)
				c := client(t, network.transport(t), registry.WithPlainHTTP("good.example", "bad.example"), registry.WithTimeout(requestTimeout))
				good := healthy.queries(20)
				qs := good
				for i := range 40 {
					qs = append(qs, registry.Query{Reference: fmt.Sprintf("bad.example/app%d:1", i)})
				}
				start := time.Now()
				verdicts := c.Check(t.Context(), qs)
				assert.Equal(t, tt.within, time.Since(start))
				requireAll(t, verdicts[:20])
				for _, v := range verdicts[20:] {
					require.ErrorContains(t, v.Err, tt.text)
					assert.Empty(t, v.Digest)
					assert.NotErrorIs(t, v.Err, context.DeadlineExceeded, "it is not the caller's time that was up")
				}

				start = time.Now()
				requireAll(t, c.Check(t.Context(), good))
				assert.Zero(t, time.Since(start), "what it did holds up nothing later")
			})
		})
	}
}

// The caller's bound is for all of them together, and what was answered by then
// counts.
func TestTheCallersTimeBoundsTheWholeCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		healthy := &fake{Server: &httptest.Server{URL: "http://good.example"}, manifests: map[string][]byte{}}
		network.serve(t, "good.example:80", healthy)
		qs := healthy.queries(20)
		var plain []string
		for i := range 20 {
			host := fmt.Sprintf("bad%d.example", i)
			network.serve(t, host+":80", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
			plain = append(plain, host)
			qs = append(qs, registry.Query{Reference: host + "/app:1"})
		}
		c := client(t, network.transport(t), registry.WithPlainHTTP(append(plain, "good.example")...))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		verdicts := c.Check(ctx, qs)
		assert.Equal(t, 3*time.Second, time.Since(start))
		for _, v := range verdicts[20:] {
			require.ErrorIs(t, v.Err, context.DeadlineExceeded)
		}
		requireAll(t, verdicts[:20])
	})
}

// A connection that breaks once is the loss of one question.
func TestOneBrokenConnectionIsNotADeadRegistry(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs := f.queries(20)
	f.fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/app0/") {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	for i, v := range client(t).Check(t.Context(), qs) {
		if i != 0 {
			require.NoError(t, v.Err)
			continue
		}
		require.Error(t, v.Err)
		assert.True(t, errdefs.IsUnavailable(v.Err))
	}
}

// Over HTTP/2 what ends late ends in the same words.
func TestAManifestThatDripsOverHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		drip(w, r)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	v := client(t, registry.WithTimeout(300*time.Millisecond)).Check(t.Context(),
		[]registry.Query{{Reference: s.Listener.Addr().String() + "/app:1"}})[0]
	require.ErrorContains(t, v.Err, "no answer within 300ms")
	assert.True(t, errdefs.IsUnavailable(v.Err))
}

// One that takes connections and says nothing is not tried in another way as well.
func TestAnInsecureRegistryThatHangsCostsItsTimeoutOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := pipes{}
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		network.serve(t, "bad.example:443", hang)
		network.serve(t, "bad.example:80", hang)
		c := client(t, network.transport(t), registry.WithInsecure("bad.example"), registry.WithTimeout(10*time.Second))
		start := time.Now()
		for _, v := range c.Check(t.Context(), []registry.Query{{Reference: "bad.example/a:1"}, {Reference: "bad.example/b:1"}}) {
			require.ErrorContains(t, v.Err, "no answer within 10s")
		}
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestAHeaderWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs := f.queries(1)
	f.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Docker-Content-Digest", digest.FromString("x").String())
		w.Header().Set("X", strings.Repeat("x", 300<<10))
		return true
	}
	v := client(t).Check(t.Context(), qs)[0]
	require.Error(t, v.Err)
	var e *registry.Error
	require.ErrorAs(t, v.Err, &e)
	assert.Zero(t, e.Status)
	assert.False(t, errors.Is(v.Err, context.DeadlineExceeded))
}
