package dockerengine

import (
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
	setting    string // what named it, for errors
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
	a := address{setting: setting, raw: raw}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || rest == "" {
		return a, invalid(setting, raw, acceptedHosts)
	}
	a.scheme, a.target = scheme, rest
	switch scheme {
	case "unix", "npipe":
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

// redacted keeps what may be a password out of a message about a URL that
// cannot be parsed.
func redacted(raw string) string {
	scheme, rest, _ := strings.Cut(raw, "://")
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = "***" + rest[i:]
	}
	return scheme + "://" + rest
}

// http returns the address in the client's terms, and the base of our own
// requests.
func (a address) http() (host, base string) {
	switch a.scheme {
	case "unix", "npipe":
		return a.scheme + "://" + a.target, "http://" + client.DummyHost
	case "ssh":
		return "http://" + client.DummyHost, "http://" + client.DummyHost
	case "tcp", "http", "https":
		if a.tls {
			return "tcp://" + a.target + a.path, "https://" + a.target + a.path
		}
		return "tcp://" + a.target + a.path, "http://" + a.target + a.path
	default: // a socket nobody named
		return "unix:///var/run/docker.sock", "http://" + client.DummyHost
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
	return fmt.Errorf("no engine at %s: %w", a, cause(err))
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
