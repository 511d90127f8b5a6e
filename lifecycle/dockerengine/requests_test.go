package dockerengine_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func TestWhoAsksIsToldOfEachRequest(t *testing.T) {
	t.Parallel()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if r.URL.Path == "/at/v1.41/containers/a/b/rename" {
			http.Error(w, `{"message":"no such container"}`, http.StatusNotFound)
		}
	})
	for name, tls := range map[string]bool{"in clear": false, "by TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(answer)
			var told []dockerengine.Request
			opts := []dockerengine.Option{
				dockerengine.WithHost("tcp://" + server.Listener.Addr().String() + "/at"),
				dockerengine.WithRequestFunc(func(r dockerengine.Request) {
					assert.Positive(t, r.Duration)
					r.Duration = 0
					told = append(told, r)
				}),
			}
			if tls {
				var dir string
				dir, server.TLS = certificates(t)
				opts = append(opts, dockerengine.WithTLS(dir, true))
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			e, err := dockerengine.New(opts...)
			require.NoError(t, err)
			require.NoError(t, e.Ping(t.Context()))
			require.NoError(t, e.Start(t.Context(), "web"))
			require.Error(t, e.Rename(t.Context(), "a/b", "c"))
			server.Close()
			require.Error(t, e.Pause(t.Context(), "web"))
			assert.Equal(t, []dockerengine.Request{
				{Method: "HEAD", Path: "/_ping", Status: 200}, // the negotiation
				{Method: "HEAD", Path: "/_ping", Status: 200},
				{Method: "POST", Path: "/containers/{id}/start", Status: 200},
				{Method: "POST", Status: 404}, // no endpoint that it knows,
				{Method: "POST", Path: "/containers/{id}/pause"},
			}, told)
		})
	}
	_, err := dockerengine.New(dockerengine.WithRequestFunc(nil))
	require.EqualError(t, err, `dockerengine: WithRequestFunc: "nil": want a function`)
}
