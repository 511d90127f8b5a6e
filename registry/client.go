package registry

import (
	"context"
	// The digests registries use; go-digest accepts those that are linked in.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
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
	DefaultConcurrency = 64
	// DefaultHostConcurrency is how many of them one registry gets: half, so
	// that a slow one leaves room for the others.
	DefaultHostConcurrency = 32
	// DefaultTimeout bounds one request. Registries answer within seconds; the
	// slowest that is worth waiting for within half a minute.
	DefaultTimeout = 30 * time.Second
)

// Client is the Checker that asks registries. It is safe for use by many
// goroutines.
type Client struct {
	store   credentials.Store
	logger  *slog.Logger
	http    *http.Client
	timeout time.Duration
	plain   map[string]bool
	slots   *semaphore.Weighted
	perHost int

	mu       sync.Mutex
	hosts    map[string]*host
	contents map[contentKey]content
	configs  map[digest.Digest]ImageConfig
}

var _ Checker = (*Client)(nil)

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
// which certificates are trusted. Default: a transport of its own with HTTP/2
// and the environment's proxy, that trusts what the system trusts and, as the
// engine does, whatever a registry on the loopback shows.
func WithTransport(rt http.RoundTripper) Option {
	return func(c *Client) error {
		if rt == nil {
			return invalid("WithTransport", "nil", "an http.RoundTripper")
		}
		c.http.Transport = rt
		return nil
	}
}

// WithPlainHTTP names registries, host with port, that are asked over plain
// HTTP. Default: none but those on the loopback.
func WithPlainHTTP(hosts ...string) Option {
	return func(c *Client) error {
		for _, h := range hosts {
			c.plain[h] = true
		}
		return nil
	}
}

// WithConcurrency bounds the requests in flight, over all registries. Default:
// DefaultConcurrency.
func WithConcurrency(n int) Option {
	return func(c *Client) error {
		if n < 1 {
			return invalid("WithConcurrency", n, "at least 1")
		}
		c.slots = semaphore.NewWeighted(int64(n))
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
		logger:   slog.New(slog.DiscardHandler),
		http:     &http.Client{CheckRedirect: checkRedirect},
		timeout:  DefaultTimeout,
		plain:    map[string]bool{},
		slots:    semaphore.NewWeighted(DefaultConcurrency),
		perHost:  DefaultHostConcurrency,
		hosts:    map[string]*host{},
		contents: map[contentKey]content{},
		configs:  map[digest.Digest]ImageConfig{},
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
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.http.Transport == nil {
		c.http.Transport = newTransport(c.perHost)
	}
	return c, nil
}

// CloseIdleConnections closes the connections that were kept for the next check;
// they close by themselves after a while. The Client can still be used.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }
