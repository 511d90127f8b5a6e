package watchtower

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// queueLength is how many events an observer may be behind.
	queueLength = 1024
	// drainTimeout is how long the end of a pass waits for its observers.
	drainTimeout = 5 * time.Second
)

// queue hands events to one observer, in order. A goroutine works on it only
// while there is something in it, so that an idle Tower holds none.
type queue struct {
	observer Observer
	logger   *slog.Logger

	mu      sync.Mutex
	events  []Event
	missed  int
	working bool
	idle    chan struct{} // closed while nothing is being delivered
}

func newQueue(o Observer, l *slog.Logger) *queue {
	idle := make(chan struct{})
	close(idle)
	return &queue{observer: o, logger: l, idle: idle}
}

func (q *queue) put(ctx context.Context, e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, progress := e.(PullProgressed); progress && len(q.events) >= queueLength/2 {
		return // there will be more of it; what happens to containers needs the room
	}
	if len(q.events) >= queueLength {
		q.missed++
		return
	}
	q.events = append(q.events, e)
	if !q.working {
		q.working, q.idle = true, make(chan struct{})
		go q.deliver(context.WithoutCancel(ctx))
	}
}

func (q *queue) deliver(ctx context.Context) {
	for {
		q.mu.Lock()
		var e Event
		switch {
		case len(q.events) > 0:
			e, q.events = q.events[0], q.events[1:]
		case q.missed > 0:
			e, q.missed = ObserverOverflowed{At: time.Now(), Missed: q.missed}, 0
		default:
			q.working = false
			close(q.idle)
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		q.observe(ctx, e)
	}
}

func (q *queue) observe(ctx context.Context, e Event) {
	defer func() {
		if r := recover(); r != nil {
			q.logger.Error("an observer panicked", "event", fmt.Sprintf("%T", e), "panic", fmt.Sprint(r))
		}
	}()
	q.observer.Observe(ctx, e)
}

// emit tells every observer, and the log, one fact.
func (t *Tower) emit(ctx context.Context, e Event) {
	logEvent(ctx, t.cfg.logger, e)
	for _, q := range t.queues {
		q.put(ctx, e)
	}
}

// drain waits until the observers have seen everything, or a while.
func (t *Tower) drain() {
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	for _, q := range t.queues {
		q.mu.Lock()
		idle := q.idle
		q.mu.Unlock()
		select {
		case <-idle:
		case <-timeout.C:
			return
		}
	}
}
