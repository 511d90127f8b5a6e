package registry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// levelTrace is below debug: each request of each check.
const levelTrace = slog.LevelDebug - 4

const userAgent = "watchtower-go"

// forKey is the context's key for the registry that a request is made for.
type forKey struct{}

// askedFor is the registry for whose sake a request is made: the one it goes to,
// or that named the token service or place it goes to.
func askedFor(ctx context.Context) *host {
	h, _ := ctx.Value(forKey{}).(*host)
	return h
}

// send sends one request, within the bounds: its time begins when it is its
// turn, and ends with the body, which the caller closes.
func (h *host) send(req *http.Request, token bool) (*http.Response, error) {
	c := h.client
	if err := c.slots.Acquire(req.Context(), 1); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(context.WithValue(req.Context(), forKey{}, h), c.timeout, timeout{c.timeout})
	end := sync.OnceFunc(func() { cancel(); c.slots.Release(1) })
	req.Header.Set("User-Agent", userAgent)
	resp, err := h.do(req.WithContext(ctx), token)
	if c.logger.Enabled(ctx, levelTrace) {
		attrs := []any{"method", req.Method, "url", req.URL.Scheme + "://" + req.URL.Host + req.URL.Path}
		if resp != nil {
			attrs = append(attrs, "status", resp.StatusCode)
		}
		c.logger.Log(ctx, levelTrace, "registry request", attrs...)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		end()
		return nil, err
	}
	resp.Body = &body{resp.Body, func() error { return context.Cause(ctx) }, end}
	return resp, nil
}

// timeout is how a request ends that was not answered in time.
type timeout struct{ after time.Duration }

func (t timeout) Error() string { return "no answer within " + t.after.String() }

// body ends the request with what is read of its answer.
type body struct {
	io.ReadCloser
	cause func() error // what ended the request; nil while nothing did
	end   func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if cause := b.cause(); err != nil && !errors.Is(err, io.EOF) && cause != nil {
		err = cause
	}
	return n, err
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// discardWithin is how long what is left of an answer is worth waiting for: more
// than a round trip, less than a connection costs elsewhere.
const discardWithin = 500 * time.Millisecond

// discard is done with an answer. What little is left of it is read, so that the
// connection is used again.
func discard(resp *http.Response) {
	if b, ok := resp.Body.(*body); ok {
		defer time.AfterFunc(discardWithin, b.end).Stop()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
}
