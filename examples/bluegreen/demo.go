package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// demo has an engine in memory, in which nothing serves: what a container would serve by
// its VERSION, this process does. Version 3 never answers well, version 4 only at first.
func demo(ctx context.Context, out io.Writer) error {
	engine := enginetest.New()
	p := &proxy{}
	servers := map[string]*httptest.Server{}
	asked := 0
	for _, version := range []string{"VERSION=1", "VERSION=2", "VERSION=3", "VERSION=4"} {
		servers[version] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if version == "VERSION=4" {
				asked++
			}
			if version == "VERSION=3" || asked > 1 {
				w.WriteHeader(http.StatusInternalServerError)
			}
			_, _ = io.WriteString(w, version)
		}))
		defer servers[version].Close()
	}
	b := &blueGreen{
		engine: engine, proxy: p, within: 2 * time.Second, soak: 50 * time.Millisecond, drain: time.Second,
		address: func(c lifecycle.Snapshot) (*url.URL, error) {
			for _, v := range c.Config.Texts("Env") {
				if server := servers[v]; server != nil {
					return url.Parse(server.URL)
				}
			}
			return nil, errors.New("it serves nowhere")
		},
	}
	engine.Publish("web:1", enginetest.Image{Env: []string{"VERSION=1"}})
	engine.Run("web-blue", "web:1", lifecycle.Spec{Config: lifecycle.Document{
		"Labels": map[string]any{service: "web"}, "Env": []any{"MODE=production"},
	}})
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithUpdater(b), watchtower.WithObserver(teller(out)),
	)
	if err != nil {
		return err
	}
	if err := b.resume(ctx, "web"); err != nil {
		return err
	}
	front := httptest.NewServer(p)
	defer front.Close()
	for _, version := range []string{"VERSION=1", "VERSION=2", "VERSION=3", "VERSION=4"} {
		engine.Publish("web:1", enginetest.Image{Env: []string{version}})
		_, _ = fmt.Fprintln(out, version, "is published")
		if _, err := tower.Update(ctx); err != nil {
			return err
		}
		answer, err := http.Get(front.URL) //nolint:noctx // it is this process that answers
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		containers, err := engine.Containers(ctx)
		if err != nil {
			return err
		}
		c, err := engine.Inspect(ctx, containers[0].ID)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "  the proxy answers %s; there is %d container, %s with %s\n",
			body, len(containers), c.Name, strings.Join(c.Config.Texts("Env"), " "))
	}
	return nil
}
