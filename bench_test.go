package watchtower_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// BenchmarkFresh is what a whole check of n containers costs where nothing moved,
// each on a reference of its own: the pass itself, over an engine and a registry
// in memory.
func BenchmarkFresh(b *testing.B) {
	for _, n := range []int{10, 50, 200, 1000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			e := enginetest.New()
			for i := range n {
				ref := fmt.Sprintf("app%d:1", i)
				e.Publish(ref, enginetest.Image{Env: []string{"OF=" + ref}})
				e.Run(fmt.Sprintf("web-%d", i), ref, lifecycle.Spec{})
			}
			tw, err := watchtower.New(watchtower.WithEngine(e), watchtower.WithChecker(e.Checker()),
				watchtower.WithCredentials(credentials.Static(nil)))
			require.NoError(b, err)
			e.Calls()
			b.ReportAllocs()
			calls := 0
			for b.Loop() {
				r, err := tw.Check(b.Context())
				if err != nil || r.Count(watchtower.StatusFresh) != n {
					b.Fatal(err, r.Summary())
				}
				calls += len(e.Calls())
			}
			b.ReportMetric(float64(calls)/float64(b.N), "engine-calls/op")
		})
	}
}
