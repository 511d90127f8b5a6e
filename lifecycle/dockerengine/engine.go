package dockerengine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Engine is a Docker engine. It is safe for use by many goroutines.
type Engine struct {
	address   address
	version   string // asked for; empty: negotiated
	transport *http.Transport
	onRequest func(Request) // nil: nobody

	mu      sync.Mutex
	session *session
	dialErr error // the last dial's
	peer    netip.AddrPort
	swarm   swarmInfo // the last /info's
}

var (
	_ lifecycle.Engine    = (*Engine)(nil)
	_ lifecycle.Pinger    = (*Engine)(nil)
	_ lifecycle.Describer = (*Engine)(nil)
	_ lifecycle.LogReader = (*Engine)(nil)

	_ lifecycle.PlatformInspector  = (*Engine)(nil)
	_ lifecycle.RegistryConfigurer = (*Engine)(nil)
	_ lifecycle.Preflighter        = (*Engine)(nil)
	_ lifecycle.PeerTeller         = (*Engine)(nil)
)

// session is a client whose API version is agreed with the engine.
type session struct {
	*client.Client
	base    string // scheme, host and path of our own requests
	version string
	newest  string // that the engine has; the client may speak none so new
}

// atLeast reports whether the agreed API has what the given version brought.
func (s *session) atLeast(version string) bool {
	return versions.GreaterThanOrEqualTo(s.version, version)
}

// dial connects, and keeps the reason if it cannot: the client's own message
// names an address that we may have made up.
func (e *Engine) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := e.address.dial(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dialErr = err
	if err == nil {
		e.peer = netip.AddrPort{}
		if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			at := tcp.AddrPort()
			e.peer = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		}
	}
	return conn, err
}

// Peer is where the last connection by TCP went; the zero value if it went elsewhere.
func (e *Engine) Peer() netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.peer
}

// connect returns the session, making it first if there is none.
func (e *Engine) connect(ctx context.Context) (*session, error) {
	e.mu.Lock()
	s := e.session
	e.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := e.open()
	if err != nil {
		return nil, err
	}
	ping, err := s.Ping(ctx)
	if err != nil {
		return nil, err
	}
	s.NegotiateAPIVersionPing(ping)
	s.version, s.newest = s.ClientVersion(), ping.APIVersion
	if e.version != "" || s.newest == "" {
		s.newest = s.version
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.session = s
	return s, nil
}

// open makes a session that has agreed on nothing yet.
func (e *Engine) open() (*session, error) {
	scheme, rest := e.address.request()
	carrier := &http.Client{Transport: e.transport, CheckRedirect: client.CheckRedirect}
	cli, err := client.NewClientWithOpts(
		client.WithHost("tcp://"+rest),
		// After the host, which sets up the transport it finds: ours is in use,
		// and takes no proxy from the environment.
		client.WithHTTPClient(carrier),
		client.WithVersion(e.version),
	)
	if err != nil {
		return nil, err
	}
	if e.onRequest != nil {
		// Not before: the client looks for the transport's TLS itself.
		carrier.Transport = teller{carrier.Transport, e.onRequest, Endpoints(), e.address.path}
	}
	return &session{Client: cli, base: scheme + "://" + rest, version: cli.ClientVersion()}, nil
}

// do runs one call. The engine refuses a version it does not speak before it
// does anything, so that the call is made again after a new negotiation.
func (e *Engine) do(ctx context.Context, op, subject string, call func(*session) error) error {
	for attempt := 0; ; attempt++ {
		s, err := e.connect(ctx)
		if err == nil {
			err = call(s)
		}
		if err == nil {
			return nil
		}
		if attempt == 0 && e.version == "" && versionRefused(err) {
			e.forget(s)
			continue
		}
		return e.wrap(op, subject, err)
	}
}

func (e *Engine) forget(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.session == s {
		e.session = nil
	}
}

// versionRefused reads the refusal from its words. An answer to a HEAD has none:
// there any bad request may be one.
func versionRefused(err error) bool {
	text := err.Error()
	if errdefs.IsInvalidArgument(err) && strings.Contains(text, "check if the server supports the requested API version") {
		return true
	}
	return strings.Contains(text, "client version") && (strings.Contains(text, "too old") || strings.Contains(text, "too new"))
}

// Ping asks the engine whether it is there: Unavailable if not.
func (e *Engine) Ping(ctx context.Context) error {
	start := time.Now()
	err := e.do(ctx, "ping", "", func(s *session) error {
		_, err := s.Ping(ctx)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return e.silent(time.Since(start))
	}
	return err
}

// Describe asks the engine what it is. The address, and the API version as soon as
// it is agreed, are there along with an error, too.
func (e *Engine) Describe(ctx context.Context) (lifecycle.EngineInfo, error) {
	info := lifecycle.EngineInfo{Address: e.address.String()}
	err := e.do(ctx, "version", "", func(s *session) error {
		info.APIVersion = s.version
		v, err := s.ServerVersion(ctx)
		if err != nil {
			return err
		}
		info.Name, info.Version = product(v), v.Version
		info.Platform = v.Os + "/" + v.Arch
		return nil
	})
	return info, err
}
