package main

import (
	"context"
	"sync"
	"time"
)

// queue holds the keys that are to be looked at, for any number of workers. A key is in
// it once, however often it is added, and is never in two workers' hands: one that is
// added while a worker has it comes again when that worker is done. Keys say what to look
// at and never what has happened, so that nothing is lost where several events become one.
type queue struct {
	first, slowest time.Duration // of the waits between tries

	mu       sync.Mutex
	ready    []string
	waiting  map[string]bool // in ready, or to be there once its worker is done
	inHand   map[string]bool
	failures map[string]int
	later    map[string]*time.Timer
	wake     chan struct{} // closed when something comes
}

func newQueue(first, slowest time.Duration) *queue {
	return &queue{
		first: first, slowest: slowest,
		waiting: map[string]bool{}, inHand: map[string]bool{}, failures: map[string]int{},
		later: map[string]*time.Timer{}, wake: make(chan struct{}),
	}
}

// add puts a key at the end.
func (q *queue) add(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting[key] {
		return
	}
	q.waiting[key] = true
	if !q.inHand[key] {
		q.offer(key)
	}
}

func (q *queue) offer(key string) {
	q.ready = append(q.ready, key)
	close(q.wake)
	q.wake = make(chan struct{})
}

// addAfter adds a key after a while, which replaces the while it was to wait before.
func (q *queue) addAfter(key string, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t := q.later[key]; t != nil {
		t.Stop()
	}
	q.later[key] = time.AfterFunc(d, func() { q.add(key) })
}

// stop drops what is to come later.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.later {
		t.Stop()
	}
}

// get waits for a key, which is in its caller's hand until done; false once ctx ends.
func (q *queue) get(ctx context.Context) (key string, ok bool) {
	for ctx.Err() == nil {
		q.mu.Lock()
		if len(q.ready) > 0 {
			key, q.ready = q.ready[0], q.ready[1:]
			delete(q.waiting, key)
			q.inHand[key] = true
			q.mu.Unlock()
			return key, true
		}
		wake := q.wake
		q.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
		}
	}
	return "", false
}

// done gives a key back.
func (q *queue) done(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.inHand, key)
	if q.waiting[key] {
		q.offer(key)
	}
}

// retry adds a key that failed, each time after twice as long, and says how long.
func (q *queue) retry(key string) time.Duration {
	q.mu.Lock()
	wait := q.first
	for range q.failures[key] {
		wait = min(2*wait, q.slowest)
	}
	q.failures[key]++
	q.mu.Unlock()
	q.addAfter(key, wait)
	return wait
}

// succeeded forgets the failures of a key.
func (q *queue) succeeded(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.failures, key)
}
