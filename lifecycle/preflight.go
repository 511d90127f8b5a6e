package lifecycle

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Preflighter is an engine that can be asked, before a container is touched, whether
// it would let an update through to its end. Who stands between may deny a call that
// is needed halfway: to start the old container again.
type Preflighter interface {
	// Preflight tries, without effect, the calls without which an update could be
	// begun and neither finished nor undone, and those that are needed besides. The
	// error names all that are denied, of class PermissionDenied, or tells, of class
	// Unavailable, that nothing is known.
	Preflight(ctx context.Context, needs Needs) error
}

// Needs are calls that not every update needs. The zero value: none of them.
type Needs struct {
	// Paused are those for a container that is paused.
	Paused bool
	// Exec are those that run a command in a container: an exec probe's.
	Exec bool
}

// allowed refuses what the engine, if it can tell, would not let through.
func (r *recreator) allowed(ctx context.Context, what string, needs Needs) error {
	e, ok := r.engine.(Preflighter)
	if !ok {
		return nil
	}
	err := errclass.Within(ctx, callTimeout, func(ctx context.Context) error { return e.Preflight(ctx, needs) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
