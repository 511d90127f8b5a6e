package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// atOnce makes so many checks at the same time, and returns how long all of them took.
func atOnce(t *testing.T, c *registry.Client, n int, qs []registry.Query, each func([]registry.Verdict)) time.Duration {
	t.Helper()
	began := time.Now()
	var checks sync.WaitGroup
	for range n {
		checks.Go(func() { each(c.Check(t.Context(), qs)) })
	}
	checks.Wait()
	return time.Since(began)
}

// Many who check the same images at once cost what one does.
func TestChecksAtOnceShareTheirAnswers(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	for _, n := range []int{1, 2, 5, 20} {
		synctest.Test(t, func(t *testing.T) {
			r := simulate(t, registrytest.Profile{})
			qs, c := pushed(r, 10), client(t, reach(r))
			r.SetLatency(50 * time.Millisecond)
			for _, state := range []string{"first", "warm"} {
				r.Requests()
				took := atOnce(t, c, n, qs, func(vs []registry.Verdict) { requireAll(t, vs) })
				counts := r.Requests().Counts()
				_, _ = fmt.Fprintf(&table, "%2d checks of 10 references, %s: %s in %v\n", n, state, counts, took)
				// What the first had asked when the last one came is asked again.
				assert.LessOrEqual(t, counts.All(), 11, "%d %s", n, state)
			}
		})
	}
	t.Log("\n" + table.String())
}

// held keeps the first answer back until it is let go.
type held struct {
	http.RoundTripper

	once     sync.Once
	asked    chan struct{}
	released chan struct{}
}

func (h *held) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(req)
	h.once.Do(func() { close(h.asked); <-h.released })
	return resp, err
}

// What was asked before a check had come may be older than what its caller knows: a
// webhook that tells of a push.
func TestNoAnswerIsOlderThanTheCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t, registrytest.Profile{})
		qs := pushed(r, 1)
		wire := &held{RoundTripper: registrytest.Transport(r), asked: make(chan struct{}), released: make(chan struct{})}
		c := client(t, registry.WithTransport(wire))
		var first, second []registry.Verdict
		var checks sync.WaitGroup
		checks.Go(func() { first = c.Check(t.Context(), qs) })
		<-wire.asked
		now := r.Push("team/app0", "1", registrytest.Image{Env: []string{"AT=now"}})
		checks.Go(func() { second = c.Check(t.Context(), qs) })
		synctest.Wait()
		close(wire.released)
		checks.Wait()
		assert.Equal(t, qs[0].Known[0], first[0].Digest)
		assert.Equal(t, now, second[0].Digest)
	})
}

// An engine that does not say what platform its image is for keeps its own check
// waiting, for as long as that may take, and no other.
func TestAnEngineThatHangsHoldsUpNoOtherCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t, registrytest.Profile{})
		qs, c := pushed(r, 5), client(t, reach(r))
		hanging := append([]registry.Query{}, qs...)
		for i := range hanging {
			hanging[i].Known = []digest.Digest{digest.FromString("old")}
			hanging[i].Platforms = func(ctx context.Context) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var stuck []registry.Verdict
		var checks sync.WaitGroup
		checks.Go(func() { stuck = c.Check(ctx, hanging) })
		synctest.Wait()
		began := time.Now()
		requireAll(t, c.Check(t.Context(), qs))
		assert.Zero(t, time.Since(began))
		checks.Wait()
		assert.Equal(t, time.Minute, time.Since(began))
		for _, v := range stuck {
			assert.ErrorIs(t, v.Err, context.DeadlineExceeded)
		}
	})
}

// That a registry hangs is not found out by one check after the other, each of which
// waits for it.
func TestARegistryThatHangsIsFoundOutForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t, registrytest.Profile{})
		qs, c := pushed(r, 5), client(t, reach(r))
		r.SetFault(registrytest.Hang())
		took := atOnce(t, c, 10, qs, func(vs []registry.Verdict) {
			for _, v := range vs {
				assert.ErrorContains(t, v.Err, "no answer within 30s")
			}
		})
		assert.LessOrEqual(t, took, 2*registry.DefaultTimeout)
		t.Logf("10 checks took %v, and asked: %s", took, r.Requests().Counts())
		r.SetFault(nil)
		requireAll(t, c.Check(t.Context(), qs))
	})
}

// Several engines may have a Client in common: what one says takes nothing from what
// another has said.
func TestEachEngineSaysItsOwnEndpoints(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	require.NoError(t, h.client.SetEndpoints(registry.Endpoints{}))
	known := h.put("1")
	delete(h.network, hubURL)
	for _, engine := range []string{"a", "b"} {
		require.NoError(t, h.client.SetEndpointsOf(engine, registry.Endpoints{Mirrors: []string{"https://mirror.example"}}))
	}
	require.NoError(t, h.check(t, known).Err)
	require.NoError(t, h.client.SetEndpointsOf("a", registry.Endpoints{}))
	require.NoError(t, h.check(t, known).Err, "it is b's still")
	require.NoError(t, h.client.SetEndpointsOf("b", registry.Endpoints{}))
	require.Error(t, h.check(t, known).Err)
}
