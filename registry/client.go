package registry

import (
	"context"
	// The digests registries use; go-digest accepts those that are linked in.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/semaphore"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

// The defaults.
const (
	// DefaultConcurrency is how many requests a Client has in flight at once.
	DefaultConcurrency = 128
	// DefaultHostConcurrency is how many of them one registry gets: half, so
	// that a slow one leaves room for the others. Over HTTP/2 they share one
	// connection, on which common servers take a hundred requests at once or more.
	DefaultHostConcurrency = 64
	// DefaultHostConnections is how many connections one registry gets that
	// speaks HTTP/1.1, where each carries one request at a time.
	DefaultHostConnections = 32
	// DefaultTimeout bounds one request. Registries answer within seconds; the
	// slowest that is worth waiting for within half a minute.
	DefaultTimeout = 30 * time.Second
)

// Client is the Checker that asks registries. It is safe for use by many
// goroutines.
//
// Of Docker Hub's mirrors it makes this use. What a tag points at is asked of
// Docker Hub itself, by a HEAD, which its pull limit does not count; manifests are
// read from a mirror first, since one read by its digest is the same everywhere.
// When Docker Hub points at something that is not in use, the mirror an engine
// would pull through is asked whether it does, too: if not, it is stale, and the
// Verdict says so. When Docker Hub cannot say, since it is not reached, is out of
// order or has set a limit, a mirror may confirm what is in use. Something else it
// may tell only where Docker Hub was not reached now nor ever by this Client: there
// the mirror is all that there is, for the engine as well.
//
// Checks of one registry that come at the same time have their turn one after the other,
// and share answers: a reference is asked about once for all that wait for it, and never
// answered with what was asked before the check had come.
type Client struct {
	store        credentials.Store
	logger       *slog.Logger
	http         *http.Client
	timeout      time.Duration
	plain        map[string]bool
	tls          map[string]*tls.Config
	certificates string
	lookup       lookup
	total        int
	perHost      int
	connections  int
	slots        *semaphore.Weighted
	given        Endpoints // by options
	onRequest    func(Request)

	hubTold atomic.Bool // Docker Hub itself has told a digest

	mu       sync.Mutex
	told     map[string]Endpoints // by SetEndpoints, by engine
	routes   routes
	hosts    map[string]*host
	contents map[contentKey]content
	configs  map[digest.Digest]ImageConfig
	readers  map[digest.Digest]chan struct{} // closed when who reads that configuration is done
}

var (
	_ Checker     = (*Client)(nil)
	_ QuotaTeller = (*Client)(nil)
)

// Option sets one thing of a Client. A nil Option is skipped.
type Option func(*Client) error

// WithCredentials sets where logins come from. Default: none, all access is
// anonymous.
func WithCredentials(s credentials.Store) Option {
	return func(c *Client) error {
		if s == nil {
			return invalid("WithCredentials", "nil", "a credentials.Store")
		}
		c.store = s
		return nil
	}
}

// WithLogger sets where requests are logged, at a level below debug and without
// their credentials. Default: nowhere.
func WithLogger(l *slog.Logger) Option {
	return func(c *Client) error {
		if l == nil {
			return invalid("WithLogger", "nil", "a *slog.Logger")
		}
		c.logger = l
		return nil
	}
}

// WithTransport sets what carries the requests to all registries, and with it
// which certificates are trusted and how many connections there are: it goes with
// neither WithTLS nor WithCertificates. Default: transports of its own with HTTP/2
// and the environment's proxy, that trust what the system and the other options
// do and, as the engine does, whatever a registry on the loopback shows.
func WithTransport(rt http.RoundTripper) Option {
	return func(c *Client) error {
		if rt == nil {
			return invalid("WithTransport", "nil", "an http.RoundTripper")
		}
		c.http.Transport = rt
		return nil
	}
}

// WithPlainHTTP names registries, host with port, that are asked over plain HTTP
// and nothing else. Default: none; see WithInsecure for those that may be.
func WithPlainHTTP(hosts ...string) Option {
	return func(c *Client) error {
		for _, h := range hosts {
			if !isHost(h) {
				return invalid("WithPlainHTTP", fmt.Sprintf("%q", h), "a registry as references name it, host:port")
			}
			c.plain[h] = true
		}
		return nil
	}
}

// WithConcurrency bounds the requests in flight, over all registries; one of them
// gets at most half, and at least one. Default: DefaultConcurrency.
func WithConcurrency(n int) Option {
	return func(c *Client) error {
		if n < 1 {
			return invalid("WithConcurrency", n, "at least 1")
		}
		c.total = n
		return nil
	}
}

// WithHostConcurrency bounds the requests in flight to one registry. Default:
// DefaultHostConcurrency.
func WithHostConcurrency(n int) Option {
	return func(c *Client) error {
		if n < 1 {
			return invalid("WithHostConcurrency", n, "at least 1")
		}
		c.perHost = n
		return nil
	}
}

// WithHostConnections bounds the connections to one registry, and with them the
// requests in flight to one that speaks HTTP/1.1. Default: DefaultHostConnections.
func WithHostConnections(n int) Option {
	return func(c *Client) error {
		if n < 1 {
			return invalid("WithHostConnections", n, "at least 1")
		}
		c.connections = n
		return nil
	}
}

// WithTimeout bounds one request, its answer included; a connection gets 10
// seconds of it. Default: DefaultTimeout.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) error {
		if d <= 0 {
			return invalid("WithTimeout", d, "more than 0")
		}
		c.timeout = d
		return nil
	}
}

func invalid(option string, value any, accepted string) error {
	return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("registry: %s: %v: want %s", option, value, accepted))
}

// New makes a Client. Every bad option is reported, joined into one error of
// class InvalidArgument. New sends nothing.
func New(opts ...Option) (*Client, error) {
	c := &Client{
		store: credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
			return credentials.Credential{}, nil
		}),
		logger:      slog.New(slog.DiscardHandler),
		http:        &http.Client{CheckRedirect: checkRedirect},
		timeout:     DefaultTimeout,
		plain:       map[string]bool{},
		tls:         map[string]*tls.Config{},
		lookup:      net.DefaultResolver.LookupNetIP,
		total:       DefaultConcurrency,
		perHost:     DefaultHostConcurrency,
		connections: DefaultHostConnections,
		told:        map[string]Endpoints{},
		contents:    map[contentKey]content{},
		configs:     map[digest.Digest]ImageConfig{},
		readers:     map[digest.Digest]chan struct{}{},
	}
	var errs []error
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(c); err != nil {
			errs = append(errs, err)
		}
	}
	if c.http.Transport != nil && (len(c.tls) > 0 || c.certificates != "") {
		errs = append(errs, invalid("WithTransport", "beside WithTLS or WithCertificates", "one or the other: it brings its own"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.http.Transport == nil {
		c.http.Transport = newCarrier(c.connections, c.certificates, c.tls)
	}
	c.slots = semaphore.NewWeighted(int64(c.total))
	c.route()
	return c, nil
}

// CloseIdleConnections closes the connections that were kept for the next check;
// they close by themselves after a while. The Client can still be used.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }
