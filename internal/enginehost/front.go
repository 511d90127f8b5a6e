package enginehost

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Front is a socket proxy before an engine: it lets pass what it is told to, and
// refuses the rest with status 403.
type Front struct {
	// Address is what DOCKER_HOST would hold.
	Address string

	mu       sync.Mutex
	allows   func(method, path string) bool
	requests []string
	refused  []string
}

// NewFront puts a proxy before the engine at an address, by a unix socket; it ends
// with the test. Without a func it lets all pass.
func NewFront(t testing.TB, engine string, allows func(method, path string) bool) *Front {
	t.Helper()
	socket := strings.TrimPrefix(engine, "unix://")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // clients that hang up are not worth a word
	}
	f := &Front{allows: allows}
	f.Address = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if f.pass(r) {
			forward.ServeHTTP(w, r)
			return
		}
		http.Error(w, "forbidden by the proxy", http.StatusForbidden)
	})
	return f
}

func (f *Front) pass(r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := r.URL.Path
	if versioned := versioned.FindStringSubmatch(path); versioned != nil {
		path = versioned[2]
	}
	request := r.Method + " " + path
	f.requests = append(f.requests, request)
	ok := f.allows == nil || f.allows(r.Method, r.URL.Path)
	if !ok {
		f.refused = append(f.refused, request)
	}
	return ok
}

// Requests returns the requests, "POST /containers/create" without a version, in
// order, since the last time it was asked.
func (f *Front) Requests() []string { return f.take(&f.requests) }

// Refused returns those that were refused, likewise.
func (f *Front) Refused() []string { return f.take(&f.refused) }

func (f *Front) take(list *[]string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(*list)
	*list = nil
	return out
}

// serve answers at a unix socket until the test ends, and returns its address.
func serve(t testing.TB, handler http.HandlerFunc) (address string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: answerWithin, Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return "unix://" + listener.Addr().String()
}
