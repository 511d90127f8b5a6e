// Otelobserver shows an observer for OpenTelemetry (observer.go): a trace of each pass,
// with a span for each container and each step of its swap, and metrics. It is a module of
// its own, so that its libraries weigh on nobody else; with a copy of it, leave out the
// replace in go.mod.
//
//	go run -C examples/otelobserver .
//
// needs no Docker, since below it is an engine in memory, on which one update succeeds and
// one fails. A collector of OTLP gets the same by the exporters of that name; this prints
//
//	update [scanned=3 updated=1 failed=0 skipped=0 rolled_back=1] error
//	  container db [rolled back] error
//	    create
//	    rename
//	    stop
//	    start
//	    roll back error
//	  container web [updated]
//	    create
//	    rename
//	    stop
//	    start
//	    verify
//	    remove
//	  pull docker.io/library/db:1
//	  pull docker.io/library/web:1
//	watchtower.downtime: 2 values
//	watchtower.updates{status="rolled back"} 1
//	watchtower.updates{status="updated"} 1
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func run(ctx context.Context, out io.Writer) error {
	spans, reader := &tree{}, sdkmetric.NewManualReader()
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans)) // here goes an exporter of OTLP
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	observer, err := newTelemetry(traces.Tracer("watchtower"), metrics.Meter("watchtower"))
	if err != nil {
		return err
	}

	engine := enginetest.New()
	for name, next := range map[string]enginetest.Image{
		"web": {Env: []string{"VERSION=2"}}, "db": {StartError: "no such file"}, "cache": {},
	} {
		engine.Publish(name+":1", enginetest.Image{})
		engine.Run(name, name+":1", lifecycle.Spec{})
		engine.Publish(name+":1", next)
	}
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), // without these three: Docker, and its registries
		watchtower.WithChecker(engine.Checker()),
		watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithObserver(observer),
		watchtower.WithStableTime(time.Millisecond),
	)
	if err != nil {
		return err
	}
	if _, err := tower.Update(ctx); err != nil {
		return err
	}
	if err := traces.Shutdown(ctx); err != nil { // sends what is left
		return err
	}
	spans.print(out)
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &collected); err != nil {
		return err
	}
	printMetrics(out, collected)
	return metrics.Shutdown(ctx)
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
