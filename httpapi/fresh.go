package httpapi

import (
	"context"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// freshFor is for how long what the engine said is good enough for the next caller.
const freshFor = time.Second

// fresh is what the engine was asked last, once for all who want to know at a time.
type fresh[T any] struct {
	mu    sync.Mutex
	at    time.Time
	value T
	err   error
}

// get asks again if it was longer ago. The question is not the caller's, who may go: the
// others want the answer.
func (f *fresh[T]) get(ctx context.Context, within time.Duration, ask func(context.Context) (T, error)) (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at.IsZero() || time.Since(f.at) > freshFor {
		f.err = errclass.Within(context.WithoutCancel(ctx), within, func(ctx context.Context) (err error) {
			f.value, err = ask(ctx)
			return err
		})
		f.at = time.Now()
	}
	return f.value, f.err
}
