package dockerengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
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

// wrap gives an error its place, and a lost connection its address and class.
func (e *Engine) wrap(op, subject string, err error) error {
	var request *url.Error
	switch {
	case client.IsErrConnectionFailed(err), errors.As(err, &request):
		err = e.unreachable(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errclass.With(errdefs.ErrUnavailable, fmt.Errorf("%s: the answer broke off: %w", e.address, err))
	case strings.Contains(err.Error(), "no space left on device"):
		err = errclass.With(errdefs.ErrResourceExhausted, err) // the engine has no class for a full disk
	default:
		err = ofPodman(err)
	}
	return &Error{Op: op, Subject: subject, Err: err}
}

// unreachable says why a request got no answer, without its URL, which says
// nothing a reader can use. That the caller gave up is no fault of the engine's.
func (e *Engine) unreachable(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e.mu.Lock()
	dialErr := e.dialErr
	e.mu.Unlock()
	if dialErr != nil {
		return errclass.With(errdefs.ErrUnavailable, dialErr)
	}
	return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("no answer from %s: %w", e.address, err))
}

// silent is an engine that takes connections and says nothing.
func (e *Engine) silent(after time.Duration) error {
	return &Error{Op: "ping", Err: errclass.With(errdefs.ErrUnavailable,
		fmt.Errorf("no answer from %s within %v", e.address, after.Round(time.Millisecond)))}
}

func invalid(setting, value, accepted string) error {
	return errclass.With(errdefs.ErrInvalidArgument,
		fmt.Errorf("dockerengine: %s: %q: want %s", setting, value, accepted))
}
