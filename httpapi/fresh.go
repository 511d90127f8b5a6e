package httpapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// freshFor is for how long what the engine said is good enough for the next caller, and how
// long one of several is waited for that gave no answer the last time.
const freshFor = time.Second

// fresh is what the engine was asked last, once for all who want to know at a time.
type fresh[T any] struct {
	// impatient: others have answers for who asks, whom one that gave none the last time
	// does not keep.
	impatient bool

	mu         sync.Mutex
	last, said *question[T] // asked last, and answered last
}

// question is one, and once it is done the answer.
type question[T any] struct {
	done  chan struct{}
	at    time.Time
	value T
	err   error
}

// get asks again if it was longer ago. The question is not the caller's, who may go: the
// others want the answer.
func (f *fresh[T]) get(ctx context.Context, within time.Duration, ask func(context.Context) (T, error)) (T, error) {
	q, before := f.ask(ctx, within, ask)
	var enough <-chan time.Time
	if f.impatient && before != nil && before.err != nil {
		soon := time.NewTimer(freshFor)
		defer soon.Stop()
		enough = soon.C
	}
	select {
	case <-q.done:
		return q.value, q.err
	case <-enough:
		return before.value, before.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// ask returns the question that is good enough, and what was said before.
func (f *fresh[T]) ask(ctx context.Context, within time.Duration, ask func(context.Context) (T, error)) (q, before *question[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != nil && (f.last != f.said || time.Since(f.said.at) <= freshFor) {
		return f.last, f.said
	}
	q = &question[T]{done: make(chan struct{})}
	f.last = q
	go func() {
		q.err = errclass.Within(context.WithoutCancel(ctx), within, func(ctx context.Context) (err error) {
			defer func() {
				if r := recover(); r != nil { // as a server does with its callers' own
					err = errors.Join(err, fmt.Errorf("httpapi: the engine was asked: panic: %v", r))
				}
			}()
			q.value, err = ask(ctx)
			return err
		})
		f.mu.Lock()
		defer f.mu.Unlock()
		q.at, f.said = time.Now(), q
		close(q.done)
	}()
	return q, f.said
}
