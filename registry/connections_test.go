package registry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

// crowd is a registry that answers its first request, and then none before as many
// are there as it waits for. It counts those there at once, and its connections.
type crowd struct {
	*httptest.Server

	waitsFor int
	full     chan struct{} // closed once that many are there

	mu          sync.Mutex
	asked       int
	now, most   int
	connections map[string]bool // by the address at their other end
	protocols   []string
}

func newCrowd(t *testing.T, waitsFor int, http2 bool, adjust ...func(*http.Server)) *crowd {
	t.Helper()
	c := &crowd{waitsFor: waitsFor, full: make(chan struct{}), connections: map[string]bool{}}
	c.Server = httptest.NewUnstartedServer(c)
	c.EnableHTTP2 = http2
	c.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1000} // the bound is the client's own
	for _, f := range adjust {
		f(c.Config)
	}
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked++
	first := c.asked == 1
	c.now++
	c.connections[r.RemoteAddr] = true
	c.most = max(c.most, c.now)
	if c.now == c.waitsFor {
		close(c.full)
		c.waitsFor = 0
	}
	if !slices.Contains(c.protocols, r.Proto) {
		c.protocols = append(c.protocols, r.Proto)
	}
	c.mu.Unlock()
	if !first {
		<-c.full
	}
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	w.Header().Set("Docker-Content-Digest", digest.FromString(r.URL.Path).String())
}

func (c *crowd) queries(n int) []registry.Query {
	out := make([]registry.Query, n)
	for i := range out {
		out[i].Reference = fmt.Sprintf("%s/app%d:1", c.Listener.Addr(), i)
	}
	return out
}

func TestConnectionsAreFewAndKept(t *testing.T) {
	t.Parallel()
	const references = 200
	tests := []struct {
		name        string
		http2       bool
		opts        []registry.Option
		requests    int // at once; over HTTP/1.1 that many connections
		connections int // in all
	}{
		{"HTTP/2", true, nil, 64, 1},
		{"HTTP/1.1", false, nil, 32, 64}, // a busy machine may have to replace one
		{"HTTP/2, asked for less", true, []registry.Option{registry.WithHostConcurrency(5)}, 5, 1},
		{"HTTP/1.1, asked for less", false, []registry.Option{registry.WithHostConnections(3)}, 3, 6},
		{"no more than half of all", true, []registry.Option{registry.WithConcurrency(20)}, 10, 1},
		{"half of one is one", true, []registry.Option{registry.WithConcurrency(1)}, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, tt.requests, tt.http2)
			asks := client(t, tt.opts...)
			for range 2 {
				requireAll(t, asks.Check(t.Context(), c.queries(references)))
			}
			assert.Equal(t, tt.requests, c.most)
			assert.LessOrEqual(t, len(c.connections), tt.connections, "for both checks")
			assert.Equal(t, map[bool][]string{true: {"HTTP/2.0"}, false: {"HTTP/1.1"}}[tt.http2], c.protocols)
		})
	}
}

// Where a registry sends us is bounded by what is there, not by what the registry
// itself takes at once.
func TestConnectionsToWhereARegistryRedirects(t *testing.T) {
	t.Parallel()
	behind := newCrowd(t, 32, false)
	first := true
	front := newCrowd(t, 1, true, func(s *http.Server) {
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first {
				first = false
				w.Header().Set("Docker-Content-Digest", digest.FromString(r.URL.Path).String())
				return
			}
			http.Redirect(w, r, behind.URL+r.URL.Path, http.StatusTemporaryRedirect)
		})
	})
	requireAll(t, client(t).Check(t.Context(), front.queries(200)))
	assert.Equal(t, 32, behind.most)
	assert.LessOrEqual(t, len(behind.connections), 64, "for 199 requests")
}

// All common servers take more requests on a connection than we send. From one
// that does not, all is had as well, on more connections.
func TestAServerThatTakesFewRequestsOnAConnection(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, true, func(s *http.Server) { s.HTTP2.MaxConcurrentStreams = 4 })
	requireAll(t, client(t).Check(t.Context(), c.queries(50)))
}

// One that answers nothing any more takes half of all requests there may be, and
// the others go on at their pace.
func TestAHangingRegistryTakesHalf(t *testing.T) {
	t.Parallel()
	hangs := newCrowd(t, 1000, true)
	healthy := newFake(t, "")
	ended := make(chan struct{})
	release := sync.OnceFunc(func() { close(hangs.full) })
	t.Cleanup(release)
	go func() {
		defer close(ended)
		requireAll(t, client(t, registry.WithConcurrency(8)).Check(t.Context(), append(healthy.queries(100), hangs.queries(50)...))[:100])
	}()
	require.Eventually(t, func() bool {
		hangs.mu.Lock()
		defer hangs.mu.Unlock()
		healthy.mu.Lock()
		defer healthy.mu.Unlock()
		return hangs.now == 4 && len(healthy.log) == 100
	}, 10*time.Second, time.Millisecond, "all of the healthy one's are answered while the other hangs")
	release()
	<-ended
	assert.Equal(t, 4, hangs.most)
}
