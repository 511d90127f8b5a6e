package registry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// levelTrace is below debug: each request of each check.
const levelTrace = slog.LevelDebug - 4

const userAgent = "watchtower-go"

// send sends one request, within the bounds: its time begins when it is its
// turn, and ends with the body, which the caller closes.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	if err := c.slots.Acquire(req.Context(), 1); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), c.timeout,
		errclass.With(errdefs.ErrUnavailable, errors.New("no answer within "+c.timeout.String())))
	end := sync.OnceFunc(func() { cancel(); c.slots.Release(1) })
	req.Header.Set("User-Agent", userAgent)
	resp, err := c.http.Do(req.WithContext(ctx))
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
	resp.Body = &body{resp.Body, end}
	return resp, nil
}

// body ends the request with what is read of its answer.
type body struct {
	io.ReadCloser
	end func()
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// discard is done with an answer. What little is left of it is read, so that the
// connection is used again.
func discard(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
}
