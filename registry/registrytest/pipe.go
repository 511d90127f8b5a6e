package registrytest

import (
	"context"
	"errors"
	"net"
	"sync"
)

// pipe is a listener that only its own dial reaches. It works in a bubble of
// time, where a listener of the network's blocks the clock.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	end   func()
}

func newPipe() *pipe {
	p := &pipe{conns: make(chan net.Conn), done: make(chan struct{})}
	p.end = sync.OnceFunc(func() { close(p.done) })
	return p
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	p.end()
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errors.New("registrytest: connection refused: the registry is closed")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
