package dockerengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/docker/docker/client"
)

// dialTimeout bounds the making of one connection.
const dialTimeout = 5 * time.Second

const acceptedHosts = "unix:///path, tcp://host:port, ssh://[user@]host[:port] or npipe:////./pipe/name"

// address is where an engine is reached. The zero candidates are sockets to be
// tried in order, for an engine nobody named.
type address struct {
	raw        string
	scheme     string
	target     string // path or host:port
	path       string // in front of the API's own
	candidates []string
	ssh        sshCommand
	tls        bool
}

// String is the address without a password.
func (a address) String() string {
	if len(a.candidates) > 0 {
		return "unix://" + a.candidates[0]
	}
	return a.raw
}

// parseAddress reads an address as DOCKER_HOST holds it.
func parseAddress(setting, raw string) (address, error) {
	a := address{raw: raw}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || rest == "" {
		return a, invalid(setting, redacted(raw), acceptedHosts)
	}
	a.scheme, a.target = scheme, rest
	switch scheme {
	case "unix":
		return a, nil
	case "npipe":
		if !hasPipes {
			return a, invalid(setting, raw, acceptedHosts+" (named pipes are for Windows)")
		}
		return a, nil
	case "tcp", "http", "https":
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return a, invalid(setting, redacted(raw), acceptedHosts)
		}
		a.target, a.path = u.Host, strings.TrimSuffix(u.Path, "/")
		a.tls = scheme == "https"
		return a, nil
	case "ssh":
		u, err := url.Parse(raw)
		if err != nil {
			return a, invalid(setting, redacted(raw), acceptedHosts)
		}
		a.raw = u.Redacted()
		if a.ssh, err = newSSHCommand(u); err != nil {
			return a, invalid(setting, a.raw, acceptedHosts+" ("+err.Error()+")")
		}
		return a, nil
	default:
		return a, invalid(setting, redacted(raw), acceptedHosts)
	}
}

// redacted keeps what may be a password out of a message about a text that is
// no address: all in front of the last @ but the scheme, and any query.
func redacted(raw string) string {
	start := 0
	if i := strings.Index(raw, "://"); i >= 0 {
		start = i + len("://")
	}
	scheme, rest := raw[:start], raw[start:]
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + "***"
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = "***" + rest[i:]
	}
	return scheme + rest
}

// withPort completes the host:port of an address by the ports that are usual
// for it: 2375 and 2376 are registered for Docker's API.
func (a address) withPort() address {
	u := url.URL{Host: a.target}
	if u.Port() != "" && u.Hostname() != "" {
		return a
	}
	port := "2375"
	switch {
	case a.scheme == "https":
		port = "443"
	case a.scheme == "http":
		port = "80"
	case a.tls:
		port = "2376"
	}
	a.target = net.JoinHostPort(cmp.Or(u.Hostname(), "localhost"), cmp.Or(u.Port(), port))
	return a
}

// overTCP reports whether TLS can be had.
func (a address) overTCP() bool {
	return a.scheme == "tcp" || a.scheme == "http" || a.scheme == "https"
}

// request returns the scheme and what follows it in the URLs of requests. What
// is not TCP has no name in them: our own dial knows where it is.
func (a address) request() (scheme, rest string) {
	switch {
	case !a.overTCP():
		return "http", client.DummyHost
	case a.tls:
		return "https", a.target + a.path
	default:
		return "http", a.target + a.path
	}
}

func (a address) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dialer := net.Dialer{}
	switch a.scheme {
	case "unix":
		conn, err := dialer.DialContext(ctx, "unix", a.target)
		return conn, a.named(err)
	case "npipe":
		conn, err := dialPipe(ctx, a.target)
		return conn, a.named(err)
	case "ssh":
		conn, err := a.ssh.dial()
		return conn, a.named(err)
	case "tcp", "http", "https":
		conn, err := dialer.DialContext(ctx, "tcp", a.target)
		return conn, a.named(err)
	default:
		return a.dialFirst(ctx, dialer)
	}
}

func (a address) named(err error) error {
	if err == nil {
		return nil
	}
	// The text alone: a connection that timed out is no deadline of the caller's.
	return fmt.Errorf("no engine at %s: %v", a, cause(err)) //nolint:errorlint // see above
}

// dialFirst tries the usual sockets and says of all that it did.
func (a address) dialFirst(ctx context.Context, dialer net.Dialer) (net.Conn, error) {
	var tried []string
	for _, path := range a.candidates {
		conn, err := dialer.DialContext(ctx, "unix", path)
		if err == nil {
			return conn, nil
		}
		tried = append(tried, fmt.Sprintf("unix://%s (%v)", path, cause(err)))
	}
	return nil, fmt.Errorf("no engine found; tried %s; set DOCKER_HOST to name one", strings.Join(tried, ", "))
}

// cause is the end of a chain that repeats the address at each link.
func cause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no such socket")
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
