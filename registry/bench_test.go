package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// BenchmarkReferences is how a check's price grows with the references: a client
// with its own transport, and a registry behind TLS that wants a token. A cold
// check is that of a new client. What is allocated is both ends' together.
func BenchmarkReferences(b *testing.B) { //nolint:gocognit // the loops of a table with three columns
	for _, n := range []int{10, 50, 200, 1000} {
		r := registrytest.StartTLS(registrytest.Profile{Auth: registrytest.Bearer})
		b.Cleanup(r.Close)
		qs := pushed(r, n)
		for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
			r.SetLatency(latency)
			for _, warm := range []bool{false, true} {
				b.Run(fmt.Sprintf("n=%d/latency=%v/warm=%t", n, latency, warm), func(b *testing.B) {
					b.ReportAllocs()
					total, c := 0, client(b)
					c.Check(b.Context(), qs)
					r.Requests()
					for b.Loop() {
						if !warm {
							c.CloseIdleConnections()
							c = client(b)
						}
						for _, v := range c.Check(b.Context(), qs) {
							if v.Err != nil {
								b.Fatal(v.Err)
							}
						}
						total += r.Requests().Counts().All()
					}
					b.ReportMetric(float64(total)/float64(b.N), "requests/op")
				})
			}
		}
	}
}
