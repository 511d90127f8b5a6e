package registry_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"

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
