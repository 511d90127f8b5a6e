package credentials

import (
	"fmt"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Error is why a store could not answer. It holds no secret.
type Error struct {
	// Source is who was asked: a path, a helper's name.
	Source string
	// Host is the registry it was asked about; empty for the source as a whole.
	Host string
	// Err is the cause, with its errdefs class.
	Err error
}

// Error reads "credentials: /config.json: ghcr.io: …".
func (e *Error) Error() string {
	if e.Host == "" {
		return fmt.Sprintf("credentials: %s: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("credentials: %s: %s: %v", e.Source, e.Host, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func invalid(source, host, format string, args ...any) error {
	return &Error{Source: source, Host: host, Err: errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf(format, args...))}
}

func unavailable(source, host string, err error) error {
	return &Error{Source: source, Host: host, Err: errclass.With(errdefs.ErrUnavailable, err)}
}
