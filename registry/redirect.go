package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// checkRedirect lets no credential follow to another origin, and nothing go
// where the registry's own address would not be believed.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	err := trusted(req.URL, first.URL)
	if len(via) >= 5 {
		err = errors.New("too many redirects")
	}
	if req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
		req.Header.Del("Authorization")
		if first.Method == http.MethodPost {
			err = errors.New("a token request is redirected to " + req.URL.Host) // its body is a credential
		}
	}
	return errclass.With(errdefs.ErrFailedPrecondition, err)
}

// trusted: what is reached over TLS must not send us to where there is none, nor
// what is elsewhere to this machine or its network's own services.
func trusted(to, from *url.URL) error {
	if to.Scheme != "https" && (to.Scheme != "http" || from.Scheme != "http") {
		return fmt.Errorf("%s is not reached over https", to.Host)
	}
	if isLocal(to) && !isLocal(from) {
		return fmt.Errorf("%s is on this machine, %s is not", to.Host, from.Host)
	}
	return nil
}

func isLocal(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	ip = ip.Unmap()
	return isLoopback(u.Host) || err == nil && (ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

// isLoopback: the hosts that engines take for their own machine.
func isLoopback(hostport string) bool {
	u := url.URL{Host: hostport}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
