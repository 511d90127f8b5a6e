package httpapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

// The defaults, which are the fork's.
const (
	DefaultCheckTimeout  = 5 * time.Minute
	DefaultUpdateTimeout = 10 * time.Minute
	DefaultRateLimit     = 60
)

// Option sets one thing of a Handler.
type Option func(*config) error

type config struct {
	endpoints                   map[Endpoint]bool
	token, events, webhook      *[sha256.Size]byte // of the secret; nil: there is none
	webhookSecret               credentials.Secret
	metrics                     http.Handler
	shown                       any
	checkTimeout, updateTimeout time.Duration
	rateLimit                   int
	proxies                     []netip.Prefix
	proxyHeader                 string
	origins                     []string
	logger                      *slog.Logger
}

func invalid(format string, args ...any) error {
	return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("httpapi: "+format, args...))
}

func newConfig(opts []Option) (config, error) {
	c := config{
		endpoints: map[Endpoint]bool{}, checkTimeout: DefaultCheckTimeout, updateTimeout: DefaultUpdateTimeout,
		rateLimit: DefaultRateLimit, logger: slog.New(slog.DiscardHandler),
	}
	var errs []error
	for _, opt := range opts {
		if opt != nil {
			errs = append(errs, opt(&c))
		}
	}
	return c, errors.Join(append(errs, c.whole())...)
}

// whole says what is missing for what is served.
func (c *config) whole() error {
	var errs []error
	for _, r := range routes {
		if !c.endpoints[r.endpoint] {
			continue
		}
		switch {
		case r.access == withToken && c.token == nil:
			errs = append(errs, invalid("%s: want WithToken along with it", r.endpoint))
		case r.access == withEventsToken && c.token == nil && c.events == nil:
			errs = append(errs, invalid("%s: want WithEventsToken or WithToken along with it", r.endpoint))
		case r.access == withSignature && c.webhook == nil:
			errs = append(errs, invalid("%s: want WithWebhookSecret along with it", r.endpoint))
		case r.endpoint == Page && c.token == nil:
			errs = append(errs, invalid("%s: want WithToken along with it", r.endpoint))
		case r.endpoint == Metrics && c.metrics == nil:
			errs = append(errs, invalid("%s: want WithMetrics along with it", r.endpoint))
		}
	}
	return errors.Join(errs...)
}

// WithEndpoints serves these. Default: none. Those given by several options add up.
func WithEndpoints(endpoints ...Endpoint) Option {
	return func(c *config) error {
		for _, e := range endpoints {
			if !slices.ContainsFunc(routes, func(r route) bool { return r.endpoint == e }) {
				return invalid("WithEndpoints: %q: want some of %v", e, Endpoints())
			}
			c.endpoints[e] = true
		}
		if c.endpoints[Page] {
			for _, e := range pageReads {
				c.endpoints[e] = true
			}
		}
		return nil
	}
}

// WithToken sets what a caller must show, as "Authorization: Bearer TOKEN" or the token
// alone. Every endpoint but Health, Swagger, Events and Webhook needs it, and Page for what
// it shows. Only its hash is kept. An empty one is refused; white space around it, which no
// header can show, as a secret that ends in a new line has it, is left out.
func WithToken(token credentials.Secret) Option {
	return func(c *config) error { return hashed(&c.token, "WithToken", token) }
}

// WithEventsToken sets what a caller must show to follow events, as WithToken says, or
// as access_token in the URL, since a browser's EventSource sends no headers. It opens
// nothing else. Default: the token of WithToken, which always does, and never in a URL.
func WithEventsToken(token credentials.Secret) Option {
	return func(c *config) error { return hashed(&c.events, "WithEventsToken", token) }
}

// WithWebhookSecret sets what a registry must show that tells of a push: GitHub's
// signature of the body with it, or the secret itself as WithToken says, or as secret
// in the URL, since Docker Hub sends nothing else.
func WithWebhookSecret(secret credentials.Secret) Option {
	return func(c *config) error {
		c.webhookSecret = trimmed(secret) // a signature's key cannot be a hash
		return hashed(&c.webhook, "WithWebhookSecret", secret)
	}
}

func trimmed(secret credentials.Secret) credentials.Secret {
	return credentials.NewSecret(strings.TrimSpace(secret.Reveal()))
}

func hashed(field **[sha256.Size]byte, option string, secret credentials.Secret) error {
	if secret = trimmed(secret); secret.IsZero() {
		return invalid("%s: want a secret that is not empty", option)
	}
	sum := sha256.Sum256([]byte(secret.Reveal()))
	*field = &sum
	return nil
}

// WithMetrics sets what answers /v1/metrics.
func WithMetrics(h http.Handler) Option {
	return func(c *config) error { c.metrics = h; return nil }
}

// WithConfig sets what /v1/config shows as "config": a value for encoding/json in which
// secrets are masked already. Default: null.
func WithConfig(shown any) Option {
	return func(c *config) error { c.shown = shown; return nil }
}

// WithCheckTimeout sets how long a check over HTTP may take, at most and by default.
// 0: DefaultCheckTimeout.
func WithCheckTimeout(d time.Duration) Option {
	return func(c *config) error { return timeout(&c.checkTimeout, "WithCheckTimeout", d, DefaultCheckTimeout) }
}

// WithUpdateTimeout sets how long a caller waits for an update, at most and by default.
// The update itself goes on. 0: DefaultUpdateTimeout.
func WithUpdateTimeout(d time.Duration) Option {
	return func(c *config) error { return timeout(&c.updateTimeout, "WithUpdateTimeout", d, DefaultUpdateTimeout) }
}

func timeout(field *time.Duration, option string, d, fallback time.Duration) error {
	if d < 0 {
		return invalid("%s: %v: want 0 or more", option, d)
	}
	if *field = d; d == 0 {
		*field = fallback
	}
	return nil
}

// WithRateLimit sets how many requests a minute one address may make, of IPv6 one /64,
// after as many at once. Probes and metrics do not count, but after as many wrong
// tokens an address gets no metrics either. 0: DefaultRateLimit.
func WithRateLimit(perMinute int) Option {
	return func(c *config) error {
		if perMinute < 0 {
			return invalid("WithRateLimit: %d: want 0 or more", perMinute)
		}
		if c.rateLimit = perMinute; perMinute == 0 {
			c.rateLimit = DefaultRateLimit
		}
		return nil
	}
}

// WithTrustedProxies believes what these say in the header about whom they speak for:
// of a list the last address that is none of theirs. Default: nobody is believed. An
// empty header is X-Forwarded-For.
func WithTrustedProxies(header string, networks ...netip.Prefix) Option {
	return func(c *config) error {
		if header == "" {
			header = "X-Forwarded-For"
		}
		c.proxyHeader, c.proxies = header, append(c.proxies, networks...)
		return nil
	}
}

// WithOrigins lets pages of these origins ("https://status.example", or "*" for all)
// call from a browser. Default: those of the handler's own host.
func WithOrigins(origins ...string) Option {
	return func(c *config) error {
		for _, o := range origins {
			u, err := url.Parse(o)
			if o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
				return invalid("WithOrigins: %q: want a scheme and a host (https://status.example), or *", o)
			}
		}
		c.origins = append(c.origins, origins...)
		return nil
	}
}

// WithLogger sets the log, for callers who are refused and webhooks that came. No line
// has a token, nor a query. Default: none.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return invalid("WithLogger: nil: want a logger")
		}
		c.logger = l
		return nil
	}
}
