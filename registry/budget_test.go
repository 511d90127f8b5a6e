package registry_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// A check's price, in requests, for n references on one registry in which nothing
// moved. A registry's first answer to the first question teaches how it wants to
// be asked; a token serves all; no manifest is read.
func TestBudget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		auth        registrytest.Auth
		between     func(r *registrytest.Registry)
		first, warm func(n int) registrytest.Counts
	}{
		{name: "anonymous", first: heads(0, 0), warm: heads(0, 0)},
		{name: "basic", auth: registrytest.Basic, first: heads(0, 1), warm: heads(0, 0)},
		{name: "bearer", auth: registrytest.Bearer, first: heads(1, 1), warm: heads(0, 0)},
		{
			name: "bearer, expired", auth: registrytest.Bearer, first: heads(1, 1), warm: heads(1, 0),
			between: func(*registrytest.Registry) { time.Sleep(5 * time.Minute) }, //nolint:forbidigo // the bubble's time
		},
		{
			name: "bearer, revoked", auth: registrytest.Bearer, first: heads(1, 1), warm: heads(1, 1),
			between: (*registrytest.Registry).Revoke,
		},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 10, 50} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, n), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := simulate(t, registrytest.Profile{Auth: tt.auth})
					r.SetLogin("robot", "right")
					qs, c := pushed(r, n), client(t, reach(r), login("robot", "right"))
					for i, want := range []registrytest.Counts{tt.first(n), tt.warm(n), heads(0, 0)(n)} {
						requireAll(t, c.Check(t.Context(), qs))
						requests := r.Requests()
						assert.Equal(t, want, requests.Counts(), "check %d: %s", i+1, requests)
						if i == 0 && tt.between != nil {
							tt.between(r)
						}
					}
				})
			})
		}
	}
}

// heads is the price of tokens, and of so many HEADs more than there are
// references.
func heads(tokens, more int) func(n int) registrytest.Counts {
	return func(n int) registrytest.Counts { return registrytest.Counts{Token: tokens, Head: n + more} }
}

// Tokens are revoked while k requests are under way: each of them is asked again,
// with one new token for all.
func TestBudgetOfARevocationInMidCheck(t *testing.T) {
	t.Parallel()
	for n, k := range map[int]int{10: 9, 50: 16} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := simulate(t, registrytest.Profile{Auth: registrytest.Bearer})
			qs, c := pushed(r, n), client(t, reach(r), registry.WithHostConcurrency(k))
			requireAll(t, c.Check(t.Context(), qs))
			r.Requests()
			var came atomic.Int32
			revoked := make(chan struct{})
			r.SetFault(func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
				switch i := int(came.Add(1)); {
				case i == 1+k: // the first is alone
					r.Revoke()
					close(revoked)
				case i > 1:
					<-revoked
				}
				answer(w, req)
			}, registrytest.KindHead)
			requireAll(t, c.Check(t.Context(), qs))
			requests := r.Requests()
			assert.Equal(t, registrytest.Counts{Token: 1, Head: n + k}, requests.Counts(), "%s", requests)
		})
	}
}

// Whatever kind of content it is, one line of Accept has its media type.
func TestAllKindsOfContentAreAccepted(t *testing.T) {
	t.Parallel()
	r := simulate(t, registrytest.Profile{})
	image := registrytest.Image{}
	contents := map[string]registrytest.Content{
		"oci": image, "docker": registrytest.Image{Docker: true},
		"index": registrytest.Index{Images: []registrytest.Image{image}},
		"list":  registrytest.Index{Images: []registrytest.Image{image}, Docker: true},
	}
	for tag, content := range contents {
		r.Push("app", tag, content)
		v := client(t, reach(r)).Check(t.Context(), []registry.Query{{Reference: r.Reference("app", tag)}})
		requireAll(t, v)
		assert.Equal(t, content.Digest(), v[0].Digest)
	}
}

// What a check of 50 references costs their registry, and how long it takes by
// the time that each answer takes.
func BenchmarkCheck(b *testing.B) {
	for auth, name := range []string{"none", "basic", "bearer"} {
		for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
			r := simulate(b, registrytest.Profile{Auth: registrytest.Auth(auth)})
			r.SetLogin("robot", "right")
			r.SetLatency(latency)
			qs := pushed(r, 50)
			for _, warm := range []bool{false, true} {
				b.Run(fmt.Sprintf("auth=%s/latency=%v/warm=%t", name, latency, warm), func(b *testing.B) {
					benchmarkCheck(b, r, qs, warm)
				})
			}
		}
	}
}

func benchmarkCheck(b *testing.B, r *registrytest.Registry, qs []registry.Query, warm bool) {
	b.Helper()
	total, c := 0, client(b, reach(r), login("robot", "right"))
	c.Check(b.Context(), qs)
	r.Requests()
	for b.Loop() {
		if !warm {
			c.CloseIdleConnections()
			c = client(b, reach(r), login("robot", "right"))
		}
		c.Check(b.Context(), qs)
		total += r.Requests().Counts().All()
	}
	c.CloseIdleConnections()
	b.ReportMetric(float64(total)/float64(b.N), "requests/op")
}
