package main

import (
	"net"
	"sync"
)

// maxConnections bounds those to the API. Each takes a file and some memory, which
// whoever floods would else take from passes. Those who follow events and the API's other
// bounds are far below.
const maxConnections = 1024

// bounded is a listener with so many connections at a time. Those beyond wait in the
// system's queue until one ends.
type bounded struct {
	net.Listener

	room  chan struct{}
	ended chan struct{}
	end   func()
}

func newBounded(l net.Listener, most int) *bounded {
	ended := make(chan struct{})
	return &bounded{l, make(chan struct{}, most), ended, sync.OnceFunc(func() { close(ended) })}
}

// Accept waits for room first.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.room <- struct{}{}:
	case <-b.ended:
		return nil, net.ErrClosed
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err
	}
	return &held{conn, sync.OnceFunc(func() { <-b.room })}, nil
}

// Close ends a wait for room, too.
func (b *bounded) Close() error {
	b.end()
	return b.Listener.Close()
}

// held is a connection that gives its room back.
type held struct {
	net.Conn

	leave func()
}

func (h *held) Close() error {
	defer h.leave()
	return h.Conn.Close()
}

// CloseWrite lets the server's last word arrive where it did not read all that came.
func (h *held) CloseWrite() error {
	if c, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
