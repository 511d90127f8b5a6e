package checkbench_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// front is an engine's socket that counts the calls.
type front struct {
	address string

	mu    sync.Mutex
	calls []string
}

// newFront puts one before whatever answers. It ends with the test.
func newFront(t *testing.T, engine http.Handler) *front {
	t.Helper()
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	f := &front{address: "unix://" + socket}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.calls = append(f.calls, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		engine.ServeHTTP(w, r)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return f
}

// taken returns the calls since the last time it was asked, such as
// "GET /v1.41/containers/json".
func (f *front) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

// forward leads to a real engine.
func forward(host *enginehost.Host) http.Handler {
	network, target, _ := strings.Cut(host.Address, "://")
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, target)
		}},
		FlushInterval: -1,
	}
}
