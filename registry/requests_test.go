package registry_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

func TestWhoAsksIsToldOfEachRequest(t *testing.T) {
	t.Parallel()
	ghcr := simulate(t, registrytest.GHCR())
	ghcr.Push("org/app", "1", registrytest.Image{})
	wire := registrytest.Transport(ghcr)
	var mu sync.Mutex
	told := map[registry.Request]int{}
	client, err := registry.New(
		registry.WithTransport(transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "gone.example" {
				return nil, errors.New("no such host")
			}
			return wire.RoundTrip(r)
		})),
		registry.WithRequestFunc(func(r registry.Request) {
			mu.Lock()
			defer mu.Unlock()
			assert.GreaterOrEqual(t, r.Duration, time.Duration(0))
			r.Duration = 0
			told[r]++
		}),
	)
	require.NoError(t, err)
	client.Check(t.Context(), []registry.Query{{Reference: "ghcr.io/org/app:1"}, {Reference: "gone.example/app:1"}})
	assert.Equal(t, map[registry.Request]int{
		{Host: "ghcr.io", Method: "HEAD", Status: 401}:             1, // which asks for a token
		{Host: "ghcr.io", Method: "GET", Token: true, Status: 200}: 1,
		{Host: "ghcr.io", Method: "HEAD", Status: 200}:             1,
		{Host: "gone.example", Method: "HEAD"}:                     1,
	}, told)
	_, err = registry.New(registry.WithRequestFunc(nil))
	require.EqualError(t, err, "registry: WithRequestFunc: nil: want a function")
}
