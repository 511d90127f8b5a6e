package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tree is an exporter that keeps the spans.
type tree struct {
	mu       sync.Mutex
	children map[trace.SpanID][]sdktrace.ReadOnlySpan
}

// ExportSpans keeps spans, which come when they end.
func (t *tree) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.children == nil {
		t.children = map[trace.SpanID][]sdktrace.ReadOnlySpan{}
	}
	for _, s := range spans {
		parent := s.Parent().SpanID()
		t.children[parent] = append(t.children[parent], s)
	}
	return nil
}

// Shutdown has nothing left to do.
func (t *tree) Shutdown(context.Context) error { return nil }

// print writes the spans below each other: steps in their order, all else by name, since
// it goes on at the same time.
func (t *tree) print(out io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.below(out, trace.SpanID{}, "")
}

func (t *tree) below(out io.Writer, parent trace.SpanID, indent string) {
	spans := t.children[parent]
	steps := func(s sdktrace.ReadOnlySpan) bool {
		return len(t.children[s.SpanContext().SpanID()]) == 0 && indent == "    "
	}
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int {
		if steps(a) && steps(b) {
			return 0 // they ended one after the other
		}
		return strings.Compare(a.Name(), b.Name())
	})
	for _, s := range spans {
		_, _ = fmt.Fprint(out, indent, s.Name())
		for _, a := range s.Attributes() {
			if a.Key == "status" || a.Key == "watchtower.summary" {
				_, _ = fmt.Fprintf(out, " [%s]", a.Value.AsString())
			}
		}
		if s.Status().Code == codes.Error {
			_, _ = fmt.Fprint(out, " error")
		}
		_, _ = fmt.Fprintln(out)
		t.below(out, s.SpanContext().SpanID(), indent+"  ")
	}
}

// printMetrics writes counters by their attributes, and how many values histograms have.
func printMetrics(out io.Writer, collected metricdata.ResourceMetrics) {
	for _, scope := range collected.ScopeMetrics {
		slices.SortFunc(scope.Metrics, func(a, b metricdata.Metrics) int { return cmp.Compare(a.Name, b.Name) })
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				var lines []string
				for _, p := range data.DataPoints {
					status, _ := p.Attributes.Value("status")
					lines = append(lines, fmt.Sprintf("%s{status=%q} %d\n", m.Name, status.AsString(), p.Value))
				}
				slices.Sort(lines)
				_, _ = fmt.Fprint(out, strings.Join(lines, ""))
			case metricdata.Histogram[float64]:
				_, _ = fmt.Fprintf(out, "%s: %d values\n", m.Name, data.DataPoints[0].Count)
			}
		}
	}
}
