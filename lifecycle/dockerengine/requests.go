package dockerengine

import (
	"net/http"
	"strings"
	"time"
)

// Request is one request that an Engine has made, for those who count them.
type Request struct {
	// Method is the request's: "GET".
	Method string
	// Path is the Endpoint's that it was for, "/containers/{id}/json"; empty if it is
	// none of those.
	Path string
	// Status is the answer's; 0 if there was none.
	Status int
	// Duration is how long it took to the answer's header.
	Duration time.Duration
}

// WithRequestFunc sets who is told of each request once it is answered, or failed: at
// once, by many goroutines, so that f must be quick. Default: nobody.
func WithRequestFunc(f func(Request)) Option {
	return func(s *settings) error {
		if f == nil {
			return invalid("WithRequestFunc", "nil", "a function")
		}
		s.onRequest = f
		return nil
	}
}

// teller tells of the requests that next carries.
type teller struct {
	next      http.RoundTripper
	tell      func(Request)
	endpoints []Endpoint
	under     string // the path that all requests begin with
}

// RoundTrip sends the request and tells of it.
func (t teller) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := t.next.RoundTrip(req)
	r := Request{Method: req.Method, Duration: time.Since(start)}
	path := strings.TrimPrefix(req.URL.Path, t.under)
	for _, e := range t.endpoints {
		if e.Match(req.Method, path) {
			r.Path = e.Path
			break
		}
	}
	if resp != nil {
		r.Status = resp.StatusCode
	}
	t.tell(r)
	return resp, err
}
