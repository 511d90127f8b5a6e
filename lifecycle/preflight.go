package lifecycle

import "context"

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
