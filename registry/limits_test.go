package registry_test

import (
	"context"
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

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

func always(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if len(header) > 0 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(status)
		return true
	}
}

func TestALimitWithoutATimeEndsTheCheckOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs, c := f.queries(10), client(t)
	f.fault = always(http.StatusTooManyRequests)
	for _, v := range c.Check(t.Context(), qs) {
		var e *registry.Error
		require.ErrorAs(t, v.Err, &e)
		assert.Equal(t, http.StatusTooManyRequests, e.Status)
		assert.Equal(t, f.addr(), e.Host)
		assert.Equal(t, v.Reference, e.Reference)
		assert.True(t, e.RetryAfter.IsZero())
		assert.True(t, errdefs.IsResourceExhausted(v.Err))
	}
	assert.Equal(t, 1, f.requests()["all"])
	f.fault = nil
	requireAll(t, c.Check(t.Context(), qs))
}

func TestALimitHoldsAsLongAsItSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t, registrytest.Profile{})
		qs, c := pushed(r, 3), client(t, reach(r))
		r.SetFault(registrytest.TooMany(time.Hour))
		c.Check(t.Context(), qs)
		r.SetFault(nil)
		r.Requests()
		time.Sleep(time.Hour - time.Second) //nolint:forbidigo // the bubble's time
		for _, v := range c.Check(t.Context(), qs) {
			assert.True(t, errdefs.IsResourceExhausted(v.Err))
		}
		assert.Zero(t, r.Requests().Counts())
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
		requireAll(t, c.Check(t.Context(), qs))
	})
}

// A manifest counts against the limit more than a HEAD does.
func TestALimitOnManifestsHolds(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs, c := f.queries(5), client(t)
	for i := range qs {
		qs[i].Known = nil
		qs[i].Platforms = func(context.Context) ([]string, error) { return []string{"linux/amd64"}, nil }
	}
	f.fault = func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodGet && always(http.StatusTooManyRequests, "Retry-After", "60")(w, r)
	}
	for _, v := range c.Check(t.Context(), qs) {
		assert.True(t, errdefs.IsResourceExhausted(v.Err))
		assert.Empty(t, v.Digest)
	}
	assert.Equal(t, map[string]int{"HEAD": 1, "GET": 1, "all": 2}, f.requests())
}

func TestALimitPostponesTheWholeRegistry(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs := f.queries(3)
	f.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	c := client(t)
	for _, v := range c.Check(t.Context(), qs) {
		var e *registry.Error
		require.ErrorAs(t, v.Err, &e)
		assert.WithinDuration(t, time.Now().Add(time.Hour), e.RetryAfter, 2*time.Second)
	}
	assert.Equal(t, 1, f.requests()["all"], "the first answer is believed")
	c.Check(t.Context(), qs)
	assert.Zero(t, f.requests()["all"], "and the next check believes it, too")
	require.NoError(t, c.SetEndpointsOf("another", registry.Endpoints{Insecure: []string{"registry.example"}}))
	c.Check(t.Context(), qs)
	assert.Zero(t, f.requests()["all"], "and so does one after an engine said where registries are")
}

func TestADeadRegistryIsDialedOnceAndDelaysNobody(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs := f.queries(2)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead := l.Addr().String()
	require.NoError(t, l.Close())
	for i := range 20 {
		qs = append(qs, registry.Query{Reference: fmt.Sprintf("%s/app%d:1", dead, i)})
	}
	verdicts := client(t).Check(t.Context(), qs)
	requireAll(t, verdicts[:2])
	for _, v := range verdicts[2:] {
		assert.True(t, errdefs.IsUnavailable(v.Err), "%v", v.Err)
		assert.Contains(t, v.Err.Error(), "connection refused")
	}
}

func TestADeadRegistryIsDialedOncePerCheck(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	rt := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	f := newFake(t, "bearer")
	qs, c := f.queries(20), client(t, registry.WithTransport(rt))
	requireAll(t, c.Check(t.Context(), qs))
	f.Close() // it was there, and is known
	rt.CloseIdleConnections()
	for range 2 {
		dials.Store(0)
		for _, v := range c.Check(t.Context(), qs) {
			assert.True(t, errdefs.IsUnavailable(v.Err))
			assert.ErrorContains(t, v.Err, "registry: head "+v.Reference+": dial tcp")
		}
		assert.EqualValues(t, 1, dials.Load())
	}
}

// It has answered before, and all requests there may be are its own.
func TestAHangingRegistryDelaysNobody(t *testing.T) {
	t.Parallel()
	hanging := newFake(t, "")
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	healthy := newFake(t, "")
	qs := append(hanging.queries(10), healthy.queries(10)...)
	c := client(t, registry.WithConcurrency(2), registry.WithHostConcurrency(8), registry.WithTimeout(time.Second))
	requireAll(t, c.Check(t.Context(), qs))
	hanging.mu.Lock()
	hanging.fault = func(http.ResponseWriter, *http.Request) bool { <-release; return true }
	hanging.mu.Unlock()
	verdicts := c.Check(t.Context(), qs)
	requireAll(t, verdicts[10:])
	for _, v := range verdicts[:10] {
		assert.ErrorContains(t, v.Err, "no answer within 1s")
	}
	assert.Equal(t, 11, hanging.requests()["all"], "ten, then one that says it for all")
}

func TestACheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f, hanging := newFake(t, ""), newFake(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	qs := append(f.queries(2), hanging.queries(5)...)
	hanging.fault = func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	}
	c := client(t)
	requireAll(t, c.Check(t.Context(), qs[:2]))
	for _, v := range c.Check(ctx, qs[2:]) {
		require.ErrorIs(t, v.Err, context.Canceled)
		assert.Empty(t, v.Digest)
	}
	hanging.mu.Lock()
	hanging.fault = nil
	hanging.mu.Unlock()
	requireAll(t, c.Check(t.Context(), qs))
}

func TestNothingIsBelievedOfARedirectThatLeavesTLS(t *testing.T) {
	t.Parallel()
	asked := false
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		w.Header().Set("Docker-Content-Digest", digest.FromString("lie").String())
	}))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	addr := secure.Listener.Addr().String()
	for i, v := range client(t).Check(t.Context(), []registry.Query{{Reference: addr + "/a:1"}, {Reference: addr + "/b:1"}}) {
		require.ErrorContains(t, v.Err, "is not reached over https", "%d", i)
	}
	assert.False(t, asked)
}
