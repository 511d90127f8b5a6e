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
	"sync/atomic"
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
	servers := map[string]*httptest.Server{}
	for version, answers := range map[string]int64{"VERSION=1": many, "VERSION=2": many, "VERSION=3": 0, "VERSION=4": 1} {
		servers[version] = serve(version, answers)
		defer servers[version].Close()
	}
	b := &blueGreen{
		engine: engine, proxy: &proxy{}, within: 5 * time.Second, soak: 50 * time.Millisecond, drain: time.Second,
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
	front := httptest.NewServer(b.proxy)
	defer front.Close()
	for _, version := range []string{"VERSION=1", "VERSION=2", "VERSION=3", "VERSION=4"} {
		engine.Publish("web:1", enginetest.Image{Env: []string{version}})
		_, _ = fmt.Fprintln(out, version, "is published")
		if _, err := tower.Update(ctx); err != nil {
			return err
		}
		if err := look(ctx, out, engine, front.URL); err != nil {
			return err
		}
	}
	return nil
}

// many is more than anybody asks here.
const many = 1000

// serve answers well so many times.
func serve(version string, times int64) *httptest.Server {
	var asked atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > times {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, version)
	}))
}

// look tells what the proxy answers, and which containers there are.
func look(ctx context.Context, out io.Writer, engine *enginetest.Engine, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "  the proxy answers %s\n", answer)
	containers, err := engine.Containers(ctx)
	if err != nil {
		return err
	}
	for _, c := range containers {
		whole, err := engine.Inspect(ctx, c.ID)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "  %s is %s, with %s\n", c.Name, c.State, strings.Join(whole.Config.Texts("Env"), " "))
	}
	return nil
}
