package registrytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
)

// keptIdle is how many connections to each host are kept for the next request:
// more than clients use at once.
const keptIdle = 64

// Transport carries requests to the registries and their token services, by the
// names they have, and nowhere else. What New made is reached without a network,
// and for https without TLS; what StartTLS made is trusted.
func Transport(registries ...*Registry) *http.Transport {
	dial := func(secure bool) func(ctx context.Context, network, addr string) (net.Conn, error) {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			for _, r := range registries {
				if name := nameOf(addr); name == nameOf(r.endpoint) || name == nameOf(r.realm.Host) {
					return r.dial(ctx, network, addr, secure)
				}
			}
			return nil, fmt.Errorf("registrytest: no registry is %s", addr)
		}
	}
	return &http.Transport{DialContext: dial(false), DialTLSContext: dial(true), MaxIdleConnsPerHost: keptIdle}
}

func (r *Registry) dial(ctx context.Context, network, addr string, secure bool) (net.Conn, error) {
	if r.memory != nil {
		return r.memory.dial(ctx)
	}
	if !secure {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: x509.NewCertPool()}}
	if own := r.Certificate(); own != nil {
		d.Config.RootCAs.AddCert(own)
	}
	return d.DialContext(ctx, network, addr)
}
