package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// push is what a registry of the distribution project sends; others' words are known, too.
const push = `{"events": [{"action": "push", "target": {"repository": "team/web", "tag": "1"}, "request": {"host": "registry.example"}}]}`

// asked tells what a registry is asked.
type asked struct {
	out io.Writer
	http.RoundTripper
}

// RoundTrip tells of a request, and makes it.
func (a asked) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = fmt.Fprintln(a.out, "the registry is asked:", r.Method, r.URL.Path)
	return a.RoundTripper.RoundTrip(r)
}

// demo pushes to one of two repositories, in an engine's registry in memory. The other has
// something new, too, and is not asked.
func demo(ctx context.Context, out io.Writer) error {
	engine := enginetest.New()
	for _, name := range []string{"web", "db"} {
		engine.Publish("registry.example/team/"+name+":1", enginetest.Image{})
		engine.Run(name, "registry.example/team/"+name+":1", lifecycle.Spec{})
		engine.Publish("registry.example/team/"+name+":1", enginetest.Image{Env: []string{"VERSION=2"}})
	}
	checker, err := registry.New(registry.WithTransport(asked{out, engine.Transport()}))
	if err != nil {
		return err
	}
	tell, ended := teller(out), make(chan struct{})
	p, err := newProgram(
		credentials.NewSecret("a long random text"),
		watchtower.WithEngine(engine), watchtower.WithChecker(checker), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithStableTime(time.Millisecond),
		watchtower.WithObserver(watchtower.ObserverFunc(func(ctx context.Context, e watchtower.Event) {
			tell(ctx, e)
			if _, ok := e.(watchtower.PassEnded); ok {
				close(ended)
			}
		})),
	)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- p.serve(ctx, listener) }()
	for _, call := range []struct{ method, path, secret string }{
		{http.MethodGet, "/", ""}, {http.MethodPost, "/v1/webhook", "a guess"}, {http.MethodPost, "/v1/webhook", "a long random text"},
	} {
		if err := tellAnswer(ctx, out, call.method, "http://"+listener.Addr().String(), call.path, call.secret); err != nil {
			cancel()
			return errors.Join(err, <-served)
		}
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
	cancel()
	return <-served
}

// tellAnswer makes a request, and tells what became of it.
func tellAnswer(ctx context.Context, out io.Writer, method, server, path, secret string) error {
	req, err := http.NewRequestWithContext(ctx, method, server+path, strings.NewReader(push))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, method, path, resp.Status)
	return resp.Body.Close()
}
