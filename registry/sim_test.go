package registry_test

import (
	"fmt"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// simulate makes a registry in memory.
func simulate(t testing.TB, p registrytest.Profile) *registrytest.Registry {
	t.Helper()
	r := registrytest.New(p)
	t.Cleanup(r.Close)
	return r
}

// reach leads a client to the registries.
func reach(registries ...*registrytest.Registry) registry.Option {
	return registry.WithTransport(registrytest.Transport(registries...))
}

// pushed asks about n repositories of a registry, in which nothing moves.
func pushed(r *registrytest.Registry, n int) []registry.Query {
	out := make([]registry.Query, n)
	for i := range out {
		name := fmt.Sprintf("team/app%d", i)
		d := r.Push(name, "1", registrytest.Image{Env: []string{"NAME=" + name}})
		out[i] = registry.Query{Reference: r.Reference(name, "1"), Known: []digest.Digest{d}}
	}
	return out
}
