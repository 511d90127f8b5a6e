package lifecycle

import (
	"context"
	"net"
	"sync"
	"time"
)

// RecreateOption sets one thing of the Updater that Recreate makes.
type RecreateOption func(*recreator)

// WithStableTime sets how long a successor without a health check must stay up
// to be good. Zero or less: DefaultStableTime.
func WithStableTime(d time.Duration) RecreateOption {
	return func(r *recreator) {
		if d > 0 {
			r.stable = d
		}
	}
}

// WithProbe sets the probe that successors must pass, once, beside what else
// they are judged by, and how long it may take from their start; zero or less:
// DefaultProbeTimeout. A container's labels win: LabelProbe and
// LabelProbeTimeout. The zero Probe: only those with a label have one.
//
// A one-shot that has ended well is not asked any more, nor is the successor of a
// container that is not running. An exec probe needs an Execer. The others
// connect from this process to each of the container's addresses in turn, those of
// its parent if it uses another's network: a process in a container of its own
// must be on one of its networks. On the host's network that is 127.0.0.1, if the
// engine is reached by a local socket and this process runs in no container, or
// in one (see WithHolder) on the host's network. Where there is no way, the update
// is refused with FailedPrecondition.
//
// A try is made every second. An address may take 5 seconds to answer, and
// exec all the time there is.
func WithProbe(p Probe, timeout time.Duration) RecreateOption {
	return func(r *recreator) {
		r.probe, r.probeTimeout = p, DefaultProbeTimeout
		if timeout > 0 {
			r.probeTimeout = timeout
		}
	}
}

// WithProbeDialer sets how http, https and tcp probes connect: for an engine whose
// containers' networks are not this process's. The address is the container's,
// with the port, the network "tcp". Nil: a net.Dialer.
func WithProbeDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) RecreateOption {
	return func(r *recreator) {
		if dial != nil {
			r.dial = dial
		}
	}
}

// WithHolder sets what the swap's labels name as its holder: the ID of the
// container this process runs in, so that another watcher can see whether it
// lives. Empty: none. The process and its start are named in any case.
func WithHolder(containerID string) RecreateOption {
	return func(r *recreator) {
		r.me.container = containerID
	}
}

// Recreate makes the Updater that replaces each container of a target by one
// with the same configuration on the new image, as a transaction: the old
// container exists whole until the new one has been verified. If anything fails
// before that, the old one serves again, under its own name and ID and in the
// state it was in; or the new one, verified, if the engine will not start the old
// one again, as one that was killed while it stopped a container may.
//
// Its errors are of type *Error and of class FailedPrecondition (the container
// is not what was judged, or cannot be recreated), Conflict (another watcher
// has it in hand), Aborted (rolled back) or Unavailable (the engine stopped
// answering in mid-swap; the next pass finds an unfinished swap).
func Recreate(engine Engine, opts ...RecreateOption) Updater {
	r := &recreator{
		engine: engine,
		stable: DefaultStableTime,
		lease:  leaseTTL,
		me:     thisHolder(),
		seen:   map[string]sighting{},
		inHand: map[string]bool{},

		probeTimeout: DefaultProbeTimeout,
		dial:         new(net.Dialer).DialContext,
	}
	for _, opt := range opts {
		if opt != nil {
			opt(r)
		}
	}
	return r
}

type recreator struct {
	engine Engine
	stable time.Duration
	lease  time.Duration
	me     holder

	probe        Probe // of those that have no label
	probeTimeout time.Duration
	dial         func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	seen   map[string]sighting // by leader: what may be another's swap in hand
	inHand map[string]bool     // by leader: this one's own
}
