package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// headerWithin bounds how long a client may take to send a request's header.
const headerWithin = 10 * time.Second

// ProxyFault is what happens to one call on its way through a Proxy. The zero
// value lets it pass.
type ProxyFault struct {
	// Fault says whether it reaches the engine: Before, it does not; After, it
	// does, and the caller is not told how it went.
	Fault Fault
	// Drop closes the connection without an answer; otherwise the answer is
	// status 500.
	Drop bool
	// Hook, if not nil, is called in place of the call (Before) or once it was
	// made (After), and before the caller gets its answer: to kill the caller,
	// or the engine. Calls that come meanwhile wait for it.
	Hook func()
}

// Proxy stands between a Docker engine and its clients, and lets calls that
// change a container fail: what a swap makes of a fault can be tried at every
// call, on a real engine.
//
// Reads, pulls, and whatever concerns images and tags pass, answers that stream
// as they come. It is safe for use by many goroutines.
type Proxy struct {
	socket  string
	server  *http.Server
	backend *http.Transport
	forward *httputil.ReverseProxy

	gate    sync.Mutex // held while a fault happens
	mu      sync.Mutex
	calls   []Call
	fault   func(n int, c Call) ProxyFault
	changes int
}

// NewProxy listens on a new unix socket at the path and sends on to the engine,
// whose address is as DOCKER_HOST has it: "unix:///var/run/docker.sock" or
// "tcp://127.0.0.1:2375", without TLS. An error is that of listening, or tells
// that the address is of neither kind. Close ends it.
func NewProxy(socket, engine string) (*Proxy, error) {
	network, target, _ := strings.Cut(engine, "://")
	if network != "unix" && network != "tcp" || target == "" {
		return nil, fmt.Errorf("enginetest: %q is no address of an engine: want unix:// or tcp://", engine)
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("enginetest: %w", err)
	}
	p := &Proxy{socket: socket, backend: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, target)
	}}}
	p.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport:     p.backend,
		FlushInterval: -1,                         // what the engine streams is not held back
		ErrorLog:      log.New(io.Discard, "", 0), // clients that hang up are not worth a word
		// An engine that is gone does not answer either.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: headerWithin, ErrorLog: p.forward.ErrorLog}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// Address is what DOCKER_HOST would hold.
func (p *Proxy) Address() string { return "unix://" + p.socket }

// Close stops listening, drops what is under way, and removes the socket.
func (p *Proxy) Close() error {
	err := p.server.Close()
	p.backend.CloseIdleConnections()
	if removed := os.Remove(p.socket); !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// Calls returns the calls that were to change a container, since the last time
// it was asked. Those of the HTTP API are named as lifecycle.Engine names them
// where it has them ("Remove"), else as Docker does; a container is named by its
// name even if the call had its ID, and a call with two names has both
// ("web to www").
func (p *Proxy) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.calls
	p.calls = nil
	return out
}

// SetFault lets f decide over each call that changes a container, n counting
// them from 1 on. Nil ends it.
func (p *Proxy) SetFault(f func(n int, c Call) ProxyFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.changes = f, 0
}

// ServeHTTP sends one request on, unless it is to fail.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := p.call(r)
	if !ok {
		p.forward.ServeHTTP(w, r)
		return
	}
	fault := p.count(c)
	switch fault.Fault {
	case None:
		p.forward.ServeHTTP(w, r)
		return
	case After:
		p.do(r)
	case Before:
	}
	if fault.Hook != nil {
		fault.Hook()
	}
	p.gate.Unlock()
	if fault.Drop {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = fmt.Fprintf(w, `{"message":"enginetest: %s: a fault"}`, c.Method)
}

// count keeps the call and asks what is to happen to it. Unless that is
// nothing, the gate is closed: while one call fails, no other slips through.
func (p *Proxy) count(c Call) ProxyFault {
	p.gate.Lock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	var fault ProxyFault
	if p.changes++; p.fault != nil {
		fault = p.fault(p.changes, c)
	}
	if fault.Fault == None {
		p.gate.Unlock()
	}
	return fault
}

// do makes a call of which nobody will be told.
func (p *Proxy) do(r *http.Request) {
	out := r.Clone(context.WithoutCancel(r.Context()))
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", "engine", ""
	resp, err := p.backend.RoundTrip(out)
	if err != nil {
		return
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
}
