package credentials

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Error is why a store could not answer. It holds no secret.
type Error struct {
	// Op is what was tried: "read" a file, "decode" an entry of it, "get" a
	// login from a helper.
	Op string
	// Source is who was asked: a path, a variable's name, a helper's program.
	Source string
	// Host is the registry it was asked about; empty for the source as a whole.
	Host string
	// Err is the cause, with its errdefs class.
	Err error
}

// Error reads "credentials: read /config.json: …" or "credentials: get ghcr.io
// from docker-credential-x: …".
func (e *Error) Error() string {
	subject := e.Source
	if e.Host != "" {
		subject = e.Host + " from " + e.Source
	}
	return fmt.Sprintf("credentials: %s %s: %v", e.Op, subject, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// unreadable is a file error: without the path, which stands before it, and
// with the class that tells a matter of rights from a bad path.
func unreadable(source string, err error) error {
	var class error = errdefs.ErrInvalidArgument
	if errors.Is(err, fs.ErrPermission) {
		class = errdefs.ErrPermissionDenied
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return &Error{Op: "read", Source: source, Err: errclass.With(class, err)}
}

func invalid(format string, args ...any) error {
	return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf(format, args...))
}
