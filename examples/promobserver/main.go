// Promobserver shows an observer that counts for Prometheus (observer.go), and the handler
// that is scraped. Its library is one that the module needs for its own program, not for
// whoever imports it, so that it has no go.mod of its own.
//
//	go run ./examples/promobserver
//
// needs no Docker, since below it is an engine in memory, on which one update succeeds and
// one fails. A scrape then tells, without lines of help and a histogram's buckets, what this prints
//
//	example_containers{status="fresh"} 1
//	example_containers{status="rolled back"} 1
//	example_containers{status="updated"} 1
//	example_downtime_seconds_count 2
//	example_last_pass_timestamp_seconds 1.8940068e+09
//	example_passes_total{kind="update",outcome="ended"} 1
//	example_updates_total{status="rolled back"} 1
//	example_updates_total{status="updated"} 1
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// office is a clock that stands still, so that this prints the same each time.
type office struct{ time.Time }

// Now is always that time.
func (o office) Now() time.Time { return o.Time }

// Wait ends with its context.
func (office) Wait(ctx context.Context, _ time.Time) { <-ctx.Done() }

func run(ctx context.Context, out io.Writer) error {
	engine := enginetest.New()
	for name, next := range map[string]enginetest.Image{
		"web": {Env: []string{"VERSION=2"}}, "db": {StartError: "no such file"}, "cache": {},
	} {
		engine.Publish(name+":1", enginetest.Image{})
		engine.Run(name, name+":1", lifecycle.Spec{})
		engine.Publish(name+":1", next)
	}
	collected := prometheus.NewRegistry()
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), // without these three: Docker, and its registries
		watchtower.WithChecker(engine.Checker()),
		watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithObserver(newMetrics(collected)),
		watchtower.WithClock(office{time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC)}),
		watchtower.WithStableTime(time.Millisecond),
	)
	if err != nil {
		return err
	}
	if _, err := tower.Update(ctx); err != nil {
		return err
	}
	server := httptest.NewServer(promhttp.HandlerFor(collected, promhttp.HandlerOpts{}))
	defer server.Close()
	return scrape(ctx, out, server.URL)
}

// scrape writes what a handler tells, without its comments and a histogram's sum and
// buckets, which may be others each time.
func scrape(ctx context.Context, out io.Writer, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if line := lines.Text(); !strings.HasPrefix(line, "#") && !strings.Contains(line, "_sum ") && !strings.Contains(line, "_bucket{") {
			_, _ = fmt.Fprintln(out, line)
		}
	}
	return lines.Err()
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
