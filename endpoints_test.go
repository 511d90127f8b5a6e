package watchtower_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// heads is a registry that knows digests by tag, and Docker Hub's headers.
type heads struct {
	mu      sync.Mutex
	digests map[string]string // by path
	status  int
}

func (h *heads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.Header().Set("RateLimit-Limit", "100;w=21600")
	w.Header().Set("RateLimit-Remaining", "76;w=21600")
	if h.status != 0 {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(h.status)
		return
	}
	d, ok := h.digests[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Docker-Content-Digest", d)
}

// RoundTrip is for tests in which no registry listens.
func (h *heads) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Result(), nil
}

// defaulting is a tower with the default checker.
func defaulting(t *testing.T, e watchtower.Engine, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	tw, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(e), watchtower.WithCredentials(credentials.Static(nil)),
	}, opts...)...)
	require.NoError(t, err)
	return tw
}

// What a check asks of the engine does not grow with the containers.
func TestACheckWithTheDefaultCheckerIsFourCalls(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	reg := &heads{digests: map[string]string{}}
	for i := range 100 {
		name := fmt.Sprintf("app%d", i%50)
		ref := "registry.example/" + name + ":1"
		reg.digests["/v2/"+name+"/manifests/1"] = e.Publish(ref, enginetest.Image{Env: []string{"OF=" + name}}).String()
		e.Run(fmt.Sprintf("web-%d", i), ref, lifecycle.Spec{})
	}
	tw := defaulting(t, e, watchtower.WithRegistryOptions(registry.WithTransport(reg)))
	for range 2 {
		e.Calls()
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 100, r.Count(watchtower.StatusFresh))
		calls := map[string]int{}
		for _, c := range e.Calls() {
			calls[c.Method]++
		}
		assert.Equal(t, map[string]int{"Ping": 1, "Containers": 1, "Images": 1, "RegistryConfig": 1}, calls)
	}
}

// countingProxy stands before an engine and notes what passes.
type countingProxy struct {
	address string
	mu      sync.Mutex
	calls   []string
}

func newCountingProxy(t *testing.T, host *enginehost.Host) *countingProxy {
	t.Helper()
	network, target, _ := strings.Cut(host.Address, "://")
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	p := &countingProxy{address: "unix://" + socket}
	backend := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, target)
	}}
	forward := &httputil.ReverseProxy{Transport: backend, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls = append(p.calls, r.In.Method+" "+r.In.URL.Path[strings.LastIndex(r.In.URL.Path, "/"):])
	}}
	server := &http.Server{Handler: forward, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); backend.CloseIdleConnections() })
	return p
}

func (p *countingProxy) counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]int{}
	for _, c := range p.calls {
		out[c]++
	}
	p.calls = nil
	return out
}

func TestACheckOfARealEngineIsFourCallsAndANegotiation(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	for i := range 5 {
		name := fmt.Sprintf("counted-%d", i)
		ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
		host.Pull(t, ref, "")
		host.Create(t, name, object{"Image": ref})
	}
	proxy := newCountingProxy(t, host)
	engine, err := dockerengine.New(dockerengine.WithHost(proxy.address))
	require.NoError(t, err)
	tw := defaulting(t, engine, watchtower.WithStates(lifecycle.StateCreated))
	want := map[string]int{"HEAD /_ping": 2, "GET /json": 2, "GET /info": 1}
	for range 2 {
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, r.Count(watchtower.StatusFresh), 5)
		assert.Equal(t, want, proxy.counts())
		want["HEAD /_ping"] = 1 // the first was to agree on a version
	}
}

func TestTheDefaultCheckerFollowsTheEnginesConfiguration(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	reg := &heads{digests: map[string]string{"/v2/library/app/manifests/1": e.Publish("app:1", enginetest.Image{}).String()}}
	e.Run("web", "app:1", lifecycle.Spec{})
	var log bytes.Buffer
	var noticed []watchtower.MirrorNoticed
	tw := defaulting(t, e, watchtower.WithRegistryOptions(registry.WithTransport(hubless{reg})),
		watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if m, ok := e.(watchtower.MirrorNoticed); ok {
				noticed = append(noticed, m)
			}
		})))
	check := func() watchtower.Entry {
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		return entry(t, r, "web")
	}
	assert.Equal(t, watchtower.StatusFailed, check().Status, "Docker Hub is not reached")
	e.SetRegistryConfig(lifecycle.RegistryConfig{Mirrors: []string{"https://mirror.example"}, Insecure: []string{"127.0.0.0/8"}})
	w := check()
	assert.Equal(t, watchtower.StatusFresh, w.Status)
	assert.Equal(t, "mirror.example", w.Endpoint)
	assert.Equal(t, "mirror.example says so; registry: head docker.io/library/app:1: no route to docker.io", w.Reason)
	require.Len(t, noticed, 1)
	assert.Equal(t, "mirror.example", noticed[0].Mirror)
	assert.False(t, noticed[0].Stale)
	assert.Contains(t, log.String(), `msg="a mirror answered in its registry's place" image=docker.io/library/app:1 mirror=mirror.example`)
	assert.Contains(t, log.String(), `msg="registry quota" registry=mirror.example remaining=76 limit=100 window=6h0m0s`)

	log.Reset()
	e.SetRegistryConfig(lifecycle.RegistryConfig{Mirrors: []string{"mirror.example"}})
	check()
	check()
	assert.Equal(t, 1, strings.Count(log.String(), "registry configuration is not followed"), "it is told once")
}

// hubless is a network without Docker Hub.
type hubless struct{ mirror http.RoundTripper }

func (h hubless) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "registry-1.docker.io" {
		return nil, errors.New("no route to docker.io")
	}
	return h.mirror.RoundTrip(req)
}

func TestWhatARegistryAllowsStandsInTheReport(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("registry.example/app:1", enginetest.Image{})
	e.Run("web", "registry.example/app:1", lifecycle.Spec{})
	reg := &heads{status: http.StatusTooManyRequests}
	r, err := defaulting(t, e, watchtower.WithRegistryOptions(registry.WithTransport(reg))).Check(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, entry(t, r, "web").Err, "429 Too Many Requests, to be asked again at ")
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var out struct {
		Containers []struct {
			Error      string    `json:"error"`
			RetryAfter time.Time `json:"retry_after"`
		} `json:"containers"`
		Quotas []struct {
			Host      string `json:"host"`
			Limit     int    `json:"limit"`
			Remaining int    `json:"remaining"`
			Window    int    `json:"window_seconds"`
		} `json:"quotas"`
	}
	require.NoError(t, json.Unmarshal(data, &out))
	require.Len(t, out.Containers, 1)
	assert.WithinDuration(t, time.Now().Add(time.Minute), out.Containers[0].RetryAfter, 10*time.Second)
	require.Len(t, out.Quotas, 1)
	assert.Equal(t, "registry.example", out.Quotas[0].Host)
	assert.Equal(t, []int{100, 76, 21600}, []int{out.Quotas[0].Limit, out.Quotas[0].Remaining, out.Quotas[0].Window})
}

// The engine pulls through its mirror, which is behind: nothing moves, and the
// report says why.
func TestAStaleMirrorIsWhyNothingMoved(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	web := e.Run("web", "app:1", lifecycle.Spec{})
	ahead := enginetest.New().Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	behind := registry.CheckerFunc(func(_ context.Context, qs []registry.Query) []registry.Verdict {
		return []registry.Verdict{{Reference: qs[0].Reference, Digest: ahead, Endpoint: "docker.io", StaleMirror: "mirror.example"}}
	})
	r, err := memory(t, e, watchtower.WithChecker(behind)).Update(t.Context())
	require.NoError(t, err)
	w := entry(t, r, "web")
	assert.Equal(t, watchtower.StatusSkipped, w.Status)
	assert.Contains(t, w.Reason, "superseded: docker.io/library/app:1 is not "+ahead.String()+" for the engine, which pulls through mirror.example, a stale mirror")
	assert.Equal(t, "mirror.example", w.StaleMirror)
	list, err := e.Containers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, web.ID, list[0].ID)
}
