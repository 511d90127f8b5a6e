package dockerengine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Error is what the Engine's methods return.
type Error struct {
	// Op is the call: "create", "pull", …
	Op string
	// Subject is what it was about: a container, an image, a reference.
	Subject string
	// Err is the cause, with the engine's errdefs class.
	Err error
}

// Error reads "dockerengine: start web: …".
func (e *Error) Error() string {
	text := "dockerengine: " + e.Op
	if e.Subject != "" {
		text += " " + e.Subject
	}
	return text + ": " + strings.TrimPrefix(e.Err.Error(), "Error response from daemon: ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// wrap gives an error its place, and a failed connection its address and class.
func (e *Engine) wrap(op, subject string, err error) error {
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	if client.IsErrConnectionFailed(err) {
		e.mu.Lock()
		dialErr := e.dialErr
		e.mu.Unlock()
		if dialErr != nil {
			err = dialErr
		} else {
			err = fmt.Errorf("%s: %w", e.address, err)
		}
		err = errclass.With(errdefs.ErrUnavailable, err)
	}
	return &Error{Op: op, Subject: subject, Err: err}
}

// silent is an engine that takes connections and says nothing.
func (e *Engine) silent(after time.Duration) error {
	return &Error{Op: "ping", Err: errclass.With(errdefs.ErrUnavailable,
		fmt.Errorf("%s: no answer within %v", e.address, after.Round(time.Second)))}
}

func invalid(setting, value, accepted string) error {
	return errclass.With(errdefs.ErrInvalidArgument,
		fmt.Errorf("dockerengine: %s: %q: want %s", setting, value, accepted))
}
