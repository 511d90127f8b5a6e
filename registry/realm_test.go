package registry_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// A token service that moves is found by the next check, not by the next start.
func TestATokenServiceThatMovesIsFound(t *testing.T) {
	t.Parallel()
	const n = 5
	for name, gone := range map[string]registrytest.Fault{
		"missing": registrytest.Status(http.StatusNotFound), "down": registrytest.Status(http.StatusBadGateway),
		"a page": registrytest.Reply(http.StatusOK, "<html>"), "silent": registrytest.Reset(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var moved atomic.Bool
				r := simulate(t, registrytest.Profile{Auth: registrytest.Bearer, Challenges: func(c registrytest.Challenge) []string {
					if moved.Load() {
						c.Realm += "?moved"
					}
					return []string{`Bearer realm="` + c.Realm + `",service="` + c.Service + `"`}
				}})
				r.SetFault(func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
					if req.URL.Query().Has("moved") != moved.Load() {
						answer = func(w http.ResponseWriter, req *http.Request) { gone(w, req, nil) }
					}
					answer(w, req)
				}, registrytest.KindToken)
				qs, c := pushed(r, n), client(t, reach(r))
				requireAll(t, c.Check(t.Context(), qs))
				moved.Store(true)
				time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
				for _, v := range c.Check(t.Context(), qs) {
					assert.True(t, errdefs.IsUnavailable(v.Err), "%v", v.Err)
				}
				r.Requests()
				requireAll(t, c.Check(t.Context(), qs))
				assert.Equal(t, registrytest.Counts{Token: 1, Head: n + 1}, r.Requests().Counts())
			})
		})
	}
}

// Many wait for tokens of their own when the token service stops answering: what
// the first of them finds out holds for all.
func TestATokenServiceThatFailsInMidCheckIsBelievedOnce(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, tt := range map[string]struct {
		fault registrytest.Fault
		is    func(error) bool
		took  time.Duration
	}{
		"hangs":        {registrytest.Hang(), errdefs.IsUnavailable, registry.DefaultTimeout},
		"is down":      {registrytest.Status(http.StatusBadGateway), errdefs.IsUnavailable, 0},
		"sets a limit": {registrytest.TooMany(time.Hour), errdefs.IsResourceExhausted, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := simulate(t, registrytest.Profile{Auth: registrytest.Bearer, BatchStatus: http.StatusBadRequest})
				qs, c := pushed(r, n), client(t, reach(r))
				var tokens atomic.Int32
				r.SetFault(func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
					if tokens.Add(1) <= 2 { // one for all, which is refused, and one for the first
						answer(w, req)
						return
					}
					tt.fault(w, req, answer)
				}, registrytest.KindToken)
				start := time.Now()
				verdicts := c.Check(t.Context(), qs)
				assert.Equal(t, tt.took, time.Since(start))
				requireAll(t, verdicts[:1])
				for _, v := range verdicts[1:] {
					assert.True(t, tt.is(v.Err), "%v", v.Err)
				}
				assert.Equal(t, registrytest.Counts{Token: 3, Head: 2}, r.Requests().Counts())
			})
		})
	}
}
