package watchtower_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// tokened serves an engine's registry over TLS, to those with a token, which its
// token service gives to anybody, for an hour. Its certificate is for this name.
type tokened struct {
	*httptest.Server

	engine *enginetest.Engine
	asked  atomic.Int64
}

const tokenedName = "example.com"

func newTokened(b *testing.B, e *enginetest.Engine) *tokened {
	b.Helper()
	g := &tokened{engine: e}
	g.Server = httptest.NewUnstartedServer(g)
	g.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that were closed before they were used
	g.StartTLS()
	b.Cleanup(g.Close)
	return g
}

func (g *tokened) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.asked.Add(1)
	repository, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
	switch {
	case r.URL.Path == "/token":
		_ = json.NewEncoder(w).Encode(map[string]any{"token": strings.Join(r.URL.Query()["scope"], " "), "expires_in": 3600})
	case !strings.Contains(r.Header.Get("Authorization"), "repository:"+repository+":pull"):
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+tokenedName+`/token",service="bench"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		req := r.Clone(r.Context())
		req.URL.Host = r.Host
		resp, err := g.engine.Transport().RoundTrip(req)
		if err != nil {
			panic(err)
		}
		defer func() { _ = resp.Body.Close() }()
		w.Header().Set("Docker-Content-Digest", resp.Header.Get("Docker-Content-Digest"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}
}

// client asks it by its name.
func (g *tokened) client(b *testing.B) *registry.Client {
	b.Helper()
	transport := g.Client().Transport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = registry.DefaultHostConcurrency
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, g.Listener.Addr().String())
	}
	c, err := registry.New(registry.WithTransport(transport))
	require.NoError(b, err)
	return c
}

// BenchmarkCheck is a check of containers that are all up to date, each on a
// repository of its own: the first of a process, and one that knows the registry.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{10, 50, 200, 1000} {
		e := enginetest.New()
		for i := range n {
			ref := fmt.Sprintf("%s/team/app%d:1", tokenedName, i)
			e.Publish(ref, enginetest.Image{Env: []string{fmt.Sprint("OF=", i)}})
			e.Run(fmt.Sprint("web-", i), ref, lifecycle.Spec{})
		}
		g := newTokened(b, e)
		check := func(b *testing.B, tw *watchtower.Tower) {
			b.Helper()
			r, err := tw.Check(b.Context())
			require.NoError(b, err)
			require.Equal(b, n, r.Count(watchtower.StatusFresh))
		}
		for _, first := range []bool{true, false} {
			name := map[bool]string{true: "first", false: "warm"}[first]
			b.Run(fmt.Sprintf("containers=%d/%s", n, name), func(b *testing.B) {
				client := g.client(b)
				tw := memory(b, e, watchtower.WithChecker(client))
				check(b, tw)
				g.asked.Store(0)
				e.Calls()
				b.ReportAllocs()
				for b.Loop() {
					if first {
						client.CloseIdleConnections()
						client = g.client(b)
						tw = memory(b, e, watchtower.WithChecker(client))
					}
					check(b, tw)
				}
				client.CloseIdleConnections()
				b.ReportMetric(float64(g.asked.Load())/float64(b.N), "requests/op")
				b.ReportMetric(float64(len(e.Calls()))/float64(b.N), "enginecalls/op")
			})
		}
	}
}
