package lifecycle

import "strings"

// Error is what this package's functions return: the operation, what it was
// done to, and the cause. The errdefs class is the cause's, or Aborted for an
// update that was rolled back.
type Error struct {
	// Op is what was tried: "create", "start", "verify", …
	Op string
	// Container is the service's name.
	Container string
	// Err is the cause.
	Err error
}

// Error reads "create web: no such image: app:2".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Container != "" {
		b.WriteString(" " + e.Container)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
