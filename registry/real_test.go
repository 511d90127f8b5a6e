package registry_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/registry"
)

// counting counts requests, those to token services included.
type counting struct{ n atomic.Int64 }

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(req)
}

// The budget holds with a real registry, too, with its own ideas of challenges
// and tokens: what is simulated is not what we wish for.
func TestBudgetWithARealRegistry(t *testing.T) {
	t.Parallel()
	const n = 10
	for name, tt := range map[string]struct {
		auth func(testing.TB, string, string) enginehost.RegistryOption
		more int64
	}{
		"open": {}, "basic": {enginehost.WithBasicAuth, 1}, "token": {enginehost.WithTokenAuth, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opts []enginehost.RegistryOption
			if tt.auth != nil {
				opts = append(opts, tt.auth(t, "robot", "right"))
			}
			reg := enginehost.StartRegistry(t, opts...)
			qs := make([]registry.Query, n)
			for i := range qs {
				ref, d := reg.Push(t, fmt.Sprintf("team/app%d:1", i), enginehost.Image{NoBusybox: true, Env: []string{fmt.Sprint("I=", i)}})
				qs[i] = registry.Query{Reference: ref, Known: []digest.Digest{digest.Digest(d)}}
			}
			count := &counting{}
			c := client(t, registry.WithTransport(count), login("robot", "right"))
			for _, want := range []int64{n + tt.more, n, n} {
				verdicts := c.Check(t.Context(), qs)
				for i, v := range verdicts {
					require.NoError(t, v.Err)
					require.Equal(t, qs[i].Known[0], v.Digest)
				}
				assert.Equal(t, want, count.n.Swap(0))
			}
		})
	}
}
