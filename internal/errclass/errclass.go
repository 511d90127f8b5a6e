// Package errclass attaches a containerd/errdefs class to an error without
// touching its text, so that callers can ask errdefs.IsNotFound and the like
// while people read only what happened.
package errclass

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
)

type classified struct {
	err   error
	class error
}

func (e *classified) Error() string   { return e.err.Error() }
func (e *classified) Unwrap() []error { return []error{e.err, e.class} }

// With returns err with the class attached; nil stays nil. The class is one of
// the sentinels of github.com/containerd/errdefs.
func With(class, err error) error {
	if err == nil {
		return nil
	}
	return &classified{err: err, class: class}
}

// Within makes a call to an engine, which has so long to answer. One that does not
// is as good as gone, class Unavailable: it has said nothing about what was asked.
// That the caller has given up is no fault of the engine's.
func Within(ctx context.Context, patience time.Duration, call func(context.Context) error) error {
	inner, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := call(inner)
	if err != nil && inner.Err() != nil && ctx.Err() == nil {
		return With(errdefs.ErrUnavailable, fmt.Errorf("no answer within %v: %w", patience, err))
	}
	return err
}
