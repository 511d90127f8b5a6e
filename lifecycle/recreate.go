package lifecycle

import (
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

	mu     sync.Mutex
	seen   map[string]sighting // by leader: what may be another's swap in hand
	inHand map[string]bool     // by leader: this one's own
}
