package registry

import (
	"net/http"
	"time"
)

// Request is one request that a Client has made, for those who count them.
type Request struct {
	// Host is the registry it was made for, as references name it, or a mirror: never
	// the host of a token service, or that of a redirect.
	Host string
	// Token is set if a token service was asked for a token.
	Token bool
	// Method is the request's: "HEAD".
	Method string
	// Status is the answer's; 0 if there was none.
	Status int
	// Duration is how long it took to the answer's header, redirects included.
	Duration time.Duration
}

// WithRequestFunc sets who is told of each request once it is answered, or failed: at
// once, by many goroutines, so that f must be quick. Default: nobody.
func WithRequestFunc(f func(Request)) Option {
	return func(c *Client) error {
		if f == nil {
			return invalid("WithRequestFunc", "nil", "a function")
		}
		c.onRequest = f
		return nil
	}
}

// do sends a request and tells of it.
func (h *host) do(req *http.Request, token bool) (*http.Response, error) {
	start := time.Now()
	resp, err := h.client.http.Do(req)
	if tell := h.client.onRequest; tell != nil {
		r := Request{Host: h.name, Token: token, Method: req.Method, Duration: time.Since(start)}
		if resp != nil {
			r.Status = resp.StatusCode
		}
		tell(r)
	}
	return resp, err
}
