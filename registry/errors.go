package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Error is why a registry gave no answer.
type Error struct {
	// Op is what was asked: "head", "get", "token for".
	Op string
	// Host is the registry, as references name it.
	Host string
	// Reference is what it was asked about.
	Reference string
	// Status is the HTTP status; 0 if there was none.
	Status int
	// RetryAfter is when the registry may be asked again; zero if it did not
	// say. Until then a Client answers for it without asking.
	RetryAfter time.Time
	// Err is the cause, with its errdefs class.
	Err error

	whole  bool // it is about the registry, not the reference alone
	silent bool // the registry was not reached, so that it has said nothing
}

// Error reads "registry: head ghcr.io/x/y:1: 429 Too Many Requests".
func (e *Error) Error() string {
	return fmt.Sprintf("registry: %s %s: %v", e.Op, e.Reference, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// denied is an answer that is no answer.
func denied(op string, ref Reference, resp *http.Response) *Error {
	text := strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
	e := &Error{
		Op: op, Host: ref.Host, Reference: ref.String(), Status: resp.StatusCode,
		whole: resp.StatusCode == http.StatusTooManyRequests || op == opToken && resp.StatusCode >= 500,
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	if !e.RetryAfter.IsZero() {
		text += ", to be asked again at " + e.RetryAfter.Format(time.RFC3339)
	}
	e.Err = errclass.With(class(op, resp.StatusCode), errors.New(text))
	return e
}

// opToken is the operation that asks a token service, not the registry.
const opToken = "token for"

func class(op string, status int) error {
	switch status {
	case http.StatusUnauthorized:
		return errdefs.ErrUnauthenticated
	case http.StatusForbidden:
		return errdefs.ErrPermissionDenied
	case http.StatusNotFound:
		if op == opToken {
			return errdefs.ErrUnavailable // the service is missing, not the image
		}
		return errdefs.ErrNotFound
	case http.StatusTooManyRequests:
		return errdefs.ErrResourceExhausted
	default:
		return errdefs.ErrUnavailable
	}
}

// maxRetryAfter bounds what a registry may ask for: a day is the longest window
// of a limit any of them is known for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads both forms of the header, seconds and a date.
func retryAfter(text string, now time.Time) time.Time {
	var at time.Time
	if seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32); err == nil {
		at = now.Add(time.Duration(seconds) * time.Second)
	} else if at, err = http.ParseTime(text); err != nil {
		return time.Time{}
	}
	if !at.After(now) {
		return time.Time{}
	}
	if at.After(now.Add(maxRetryAfter)) {
		return now.Add(maxRetryAfter)
	}
	return at
}

// unanswered is a request that got no answer. The URL in net/http's error may
// hold what a token service is asked with; only its cause is kept.
func unanswered(ctx context.Context, op string, ref Reference, err error) *Error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	if strings.HasPrefix(err.Error(), "failed to parse Location header") { // which may be signed
		err = errclass.With(errdefs.ErrFailedPrecondition, errors.New("it redirects to what is no address"))
	}
	e := &Error{Op: op, Host: ref.Host, Reference: ref.String(), Err: err}
	switch {
	case ctx.Err() != nil:
		e.Err = context.Cause(ctx)
	case errdefs.IsFailedPrecondition(err): // a redirect that is not followed
	case errdefs.IsInvalidArgument(err): // what we are to reach it with
	default:
		e.Err, e.whole, e.silent = errclass.With(errdefs.ErrUnavailable, err), !brokenOff(err), op != opToken
	}
	return e
}

// brokenOff: it was there, and what happened to one request need not happen to the
// next.
func brokenOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) ||
		strings.HasPrefix(err.Error(), "http2: ") || strings.HasPrefix(err.Error(), "stream error: ")
}

// broken is a registry that breaks its own rules.
func broken(ref Reference, err error) *Error {
	return &Error{Op: "ask about", Host: ref.Host, Reference: ref.String(), Err: errclass.With(errdefs.ErrUnavailable, err)}
}
