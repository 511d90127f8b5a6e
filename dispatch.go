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
	engine   string // the name of the Tower's
	logger   *slog.Logger
	now      func() time.Time

	mu       sync.Mutex
	events   []message
	missed   int
	overflow message // that tells so
	working  bool
	idle     chan struct{} // closed while nothing is being delivered
}

// message is an event with the context of its delivery.
type message struct {
	event Event
	ctx   context.Context
	end   func()
}

// newMessage gives the event a context that outlasts the pass's, for what a pass
// that was cut short still has to tell, by the time an observer is waited for.
// One that goes by its context blocks no longer than that.
func newMessage(ctx context.Context, e Event) message {
	lasting, end := outliving(ctx, drainTimeout)
	return message{e, lasting, end}
}

// outliving is a context that ends so long after the given one.
func outliving(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return lasting, func() { stop(); cancel() }
}

func newQueue(o Observer, engine string, l *slog.Logger, now func() time.Time) *queue {
	idle := make(chan struct{})
	close(idle)
	return &queue{observer: o, engine: engine, logger: l, now: now, idle: idle}
}

func (q *queue) put(ctx context.Context, e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	records, all := q.observer.(*audit)
	if all && !records.records(e) {
		return
	}
	if _, progress := e.(PullProgressed); progress && len(q.events) >= queueLength/2 {
		return // there will be more of it; what happens to containers needs the room
	}
	if len(q.events) >= queueLength && !all {
		if q.missed++; q.missed == 1 {
			q.overflow = newMessage(ctx, nil)
		}
		return
	}
	q.events = append(q.events, newMessage(ctx, e))
	if !q.working {
		q.working, q.idle = true, make(chan struct{})
		go q.deliver()
	}
}

func (q *queue) deliver() {
	for {
		q.mu.Lock()
		var m message
		switch {
		case len(q.events) > 0:
			m, q.events = q.events[0], q.events[1:]
		case q.missed > 0:
			m = q.overflow
			m.event, q.missed = ObserverOverflowed{At: q.now(), Engine: q.engine, Missed: q.missed}, 0
		default:
			q.working = false
			close(q.idle)
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		q.observe(m)
	}
}

func (q *queue) observe(m message) {
	defer m.end()
	defer func() {
		if r := recover(); r != nil {
			q.logger.Error("an observer panicked", "event", fmt.Sprintf("%T", m.event), "panic", fmt.Sprint(r))
		}
	}()
	q.observer.Observe(m.ctx, m.event)
}

// emit tells every observer, and the log, one fact about this Tower's engine.
func (t *Tower) emit(ctx context.Context, e Event) {
	e, _ = e.on(t.cfg.engineName)
	t.pulse.note(e)
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
