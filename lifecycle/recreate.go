package lifecycle

import (
	"fmt"
	"os"
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
// lives. Empty: this process's number, which tells another watcher nothing.
func WithHolder(containerID string) RecreateOption {
	return func(r *recreator) {
		if containerID != "" {
			r.holder = containerID
		}
	}
}

// Recreate makes the Updater that replaces each container of a target by one
// with the same configuration on the new image, as a transaction: the old
// container exists whole until the new one has been verified. If anything fails
// before that, the old one serves again, under its own name and ID and in the
// state it was in.
//
// Its errors are of type *Error and of class FailedPrecondition (the container
// is not what was judged, or cannot be recreated), Conflict (another watcher
// has it in hand), Aborted (rolled back) or Unavailable (the engine stopped
// answering in mid-swap; the next pass finds an unfinished swap).
func Recreate(engine Engine, opts ...RecreateOption) Updater {
	r := &recreator{
		engine: engine,
		stable: DefaultStableTime,
		holder: fmt.Sprintf("process/%d", os.Getpid()),
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
	holder string
}
