package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// proxy stands before one service. Its backend can be exchanged while it serves: a request
// stays with the one that it began with.
type proxy struct {
	mu   sync.Mutex
	live *backend
}

// backend is where requests go.
type backend struct {
	http.Handler
	pending sync.WaitGroup // requests on their way
}

// ServeHTTP hands a request to the backend there is.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	b := p.live
	if b != nil {
		b.pending.Add(1)
	}
	p.mu.Unlock()
	if b == nil {
		http.Error(w, "nothing serves yet", http.StatusServiceUnavailable)
		return
	}
	defer b.pending.Done()
	b.ServeHTTP(w, r)
}

// turn sends what comes from now on to another backend. What it returns waits for the
// requests that are still with the one before, until ctx ends.
func (p *proxy) turn(to *url.URL) (drain func(context.Context)) {
	next := &backend{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
	}}}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.live
	p.live = next
	return func(ctx context.Context) {
		if before == nil {
			return
		}
		drained := make(chan struct{})
		go func() {
			before.pending.Wait()
			close(drained)
		}()
		select {
		case <-drained:
		case <-ctx.Done():
		}
	}
}
