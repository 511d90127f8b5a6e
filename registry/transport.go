package registry

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

const (
	connectWithin = 10 * time.Second
	// idleFor is how long a connection is kept for the next request or check.
	idleFor = 90 * time.Second
	// silentFor is how long an HTTP/2 connection may be silent before it is asked
	// whether it still lives, and how long that answer may take: together less
	// than DefaultTimeout, so that one that was cut off costs one check.
	silentFor = 10 * time.Second
	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 256 << 10
	// certificatesFor is how long certificates that were read are good.
	certificatesFor = time.Minute
)

// carrier sends each request by the transport that goes with how far the host it
// goes to is trusted. It decides by the address of each single request, and by
// the registry for whose sake it is made, so that no redirect takes along what
// was meant for another.
type carrier struct {
	connections  int
	directory    string // of certificates; empty for none
	verified     *http.Transport
	unverified   *http.Transport
	given        map[string]*identity // by host, from options
	mu           sync.Mutex
	certificates map[string]*identity // by host, from the directory
}

// identity is what a host is to show, and is shown.
type identity struct {
	own   *http.Transport // to the host itself
	lent  *http.Transport // to whom it names: its authorities, not our certificates
	read  time.Time
	sum   digest.Digest
	empty bool
}

func newCarrier(connections int, directory string, given map[string]*tls.Config) *carrier {
	c := &carrier{
		connections: connections, directory: directory, given: map[string]*identity{}, certificates: map[string]*identity{},
		verified:   transport(connections, nil),
		unverified: transport(connections, &tls.Config{InsecureSkipVerify: true}), //nolint:gosec // where the engine does
	}
	for host, config := range given {
		c.given[host] = c.identity(config)
	}
	return c
}

func (c *carrier) identity(config *tls.Config) *identity {
	if config == nil {
		return &identity{empty: true}
	}
	lent := c.verified
	if config.RootCAs != nil {
		lent = transport(c.connections, &tls.Config{RootCAs: config.RootCAs, MinVersion: config.MinVersion})
	}
	return &identity{own: transport(c.connections, config), lent: lent}
}

func transport(connections int, config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectWithin, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    connectWithin,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: silentFor, PingTimeout: silentFor},
		MaxConnsPerHost:        connections,
		MaxIdleConnsPerHost:    connections, // kept from one request of a check to the next
		IdleConnTimeout:        idleFor,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// RoundTrip sends the request.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	t, err := c.choose(req.URL, askedFor(req.Context()))
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	return t.RoundTrip(req)
}

// choose finds the transport to an address that the registry has led to. The
// registry's authorities are good for those it names, a token service for one, as
// they are for the engine; our certificates are for their own host alone. A
// registry that need not be who it says is, need not on its other ports.
func (c *carrier) choose(u *url.URL, h *host) (*http.Transport, error) {
	if given := c.given[u.Host]; given != nil {
		return given.own, nil
	}
	if isLoopback(u.Host) || h.excuses(u) {
		return c.unverified, nil
	}
	own, err := c.of(u.Host)
	switch {
	case err != nil:
		return nil, err
	case !own.empty:
		return own.own, nil
	case u.Host == h.address:
		return c.verified, nil
	}
	if given := c.given[h.address]; given != nil {
		return given.lent, nil
	}
	lender, err := c.of(h.address)
	if err != nil || lender.empty {
		return c.verified, err
	}
	return lender.lent, nil
}

// of is what the directory of certificates says of the host.
func (c *carrier) of(hostport string) (*identity, error) {
	directory, ok := directoryOf(c.directory, hostport)
	if !ok {
		return &identity{empty: true}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	have := c.certificates[hostport]
	if have != nil && time.Since(have.read) < certificatesFor {
		return have, nil
	}
	config, sum, err := readCertificates(directory)
	if err != nil {
		return nil, err
	}
	if have == nil || have.sum != sum {
		have.close(c.verified)
		have = c.identity(config)
		have.sum = sum
		c.certificates[hostport] = have
	}
	have.read = time.Now()
	return have, nil
}

func (i *identity) close(except *http.Transport) {
	if i == nil || i.empty {
		return
	}
	i.own.CloseIdleConnections()
	if i.lent != except {
		i.lent.CloseIdleConnections()
	}
}

// CloseIdleConnections is what an http.Client calls.
func (c *carrier) CloseIdleConnections() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verified.CloseIdleConnections()
	c.unverified.CloseIdleConnections()
	for _, all := range []map[string]*identity{c.given, c.certificates} {
		for _, i := range all {
			i.close(c.verified)
		}
	}
}
