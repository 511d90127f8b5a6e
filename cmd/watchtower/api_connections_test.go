package main

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// queue is a listener in memory.
type queue struct {
	calls, ended chan struct{}
}

func (q queue) Accept() (net.Conn, error) {
	select {
	case <-q.calls:
		conn, _ := net.Pipe()
		return conn, nil
	case <-q.ended:
		return nil, net.ErrClosed
	}
}

func (q queue) Close() error { close(q.ended); return nil }

func (queue) Addr() net.Addr { return &net.TCPAddr{} }

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := queue{make(chan struct{}, 10), make(chan struct{})}
		l := newBounded(q, 2)
		accepted, ended := make(chan net.Conn, 10), make(chan error, 1)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				accepted <- c
			}
		}()
		for range 4 {
			q.calls <- struct{}{}
		}
		synctest.Wait()
		require.Len(t, accepted, 2, "there is no room for more")
		first := <-accepted
		require.NoError(t, first.Close())
		require.NoError(t, first.Close(), "which gives nothing back twice")
		synctest.Wait()
		assert.Len(t, accepted, 2)
		require.NoError(t, l.Close(), "while one waits for room")
		require.ErrorIs(t, <-ended, net.ErrClosed)

		for range len(q.calls) {
			<-q.calls
		}
		l = newBounded(q, 1)
		for range 2 {
			_, err := l.Accept()
			require.ErrorIs(t, err, net.ErrClosed, "what is no connection takes no room")
		}
	})
}
