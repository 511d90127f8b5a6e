package registry_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// A registry may know its repositories under other names than references do, as
// one that several tenants share. Each is learned by its own refusal, once.
func TestScopesOfAnotherNameAreLearnedForEach(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, known := range map[string]bool{"anybody": false, "a login": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, registrytest.Profile{Auth: registrytest.Bearer, ScopePrefix: "tenant/"})
			if known {
				r.SetLogin("robot", "right")
			}
			qs, c := pushed(r, n), client(t, reach(r), login("robot", "right"))
			if !known {
				c = client(t, reach(r))
			}
			requireAll(t, c.Check(t.Context(), qs))
			first := r.Requests()
			assert.LessOrEqual(t, first.Counts().Head, 2*n)
			assert.LessOrEqual(t, first.Counts().Token, n)
			requireAll(t, c.Check(t.Context(), qs))
			assert.Equal(t, registrytest.Counts{Head: n}, r.Requests().Counts())
			r.Revoke()
			requireAll(t, c.Check(t.Context(), qs))
			assert.Equal(t, registrytest.Counts{Token: 1, Head: n + 1}, r.Requests().Counts(), "one serves all, now that all are known")
		})
	}
}
