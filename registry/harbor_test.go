package registry_test

import (
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// Harbor asks for the login itself once a token does not do. Who has none goes on
// with tokens, and who has a wrong one is not asked for it for ever.
func TestAskedForALoginInPlaceOfAToken(t *testing.T) {
	t.Parallel()
	const n = 20
	tests := map[string]struct {
		password string // in use; the right one is "right"
		public   bool
		revoked  registrytest.Counts // the second check, all tokens revoked
		most     int                 // requests of each check where all is refused
	}{
		"anybody, of what is public":  {public: true, revoked: registrytest.Counts{Token: 1, Head: n + 1}},
		"the right login":             {password: "right", revoked: registrytest.Counts{Head: n + 1}},
		"anybody, of what is private": {most: 2 + 3*n},
		"a wrong login":               {password: "wrong", most: 4 + 4*n},
		// The login is tried itself, which shows that it is wrong: two requests more, once.
		"a wrong login, of what is public": {password: "wrong", public: true, revoked: registrytest.Counts{Token: 1, Head: n + 1 + 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, registrytest.Harbor())
			qs, opts := pushed(r, n), []registry.Option{reach(r)}
			if !tt.public {
				r.SetLogin("robot", "right")
			}
			if tt.password != "" {
				opts = append(opts, login("robot", tt.password))
			}
			c := client(t, opts...)
			for range 3 {
				verdicts := c.Check(t.Context(), qs)
				counts := r.Requests().Counts()
				if tt.most == 0 {
					requireAll(t, verdicts)
					continue
				}
				for _, v := range verdicts {
					assert.True(t, errdefs.IsUnauthorized(v.Err), "%v", v.Err)
				}
				assert.LessOrEqual(t, counts.All(), tt.most, "%v", counts)
			}
			if tt.most > 0 {
				return
			}
			r.Revoke()
			requireAll(t, c.Check(t.Context(), qs))
			assert.Equal(t, tt.revoked, r.Requests().Counts())
		})
	}
}
