package lifecycle

import "context"

// Preflighter is an engine that can be asked, before a container is touched, whether
// it would let an update through to its end. Who stands between may deny a call that
// is needed halfway: to start the old container again.
type Preflighter interface {
	// Preflight tries, without effect, the calls without which an update could be
	// begun and neither finished nor undone; with those for a container that is
	// paused, if asked to. The error names all that are denied, of class
	// PermissionDenied, or tells, of class Unavailable, that nothing is known.
	Preflight(ctx context.Context, paused bool) error
}
