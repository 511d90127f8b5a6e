package main

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// telemetry is an observer that makes a span of each pass, in it one of each pull and of
// each container that is updated, and in that one of each step; and that counts. Events
// come one at a time, later than they happened: spans have the events' own times.
type telemetry struct {
	tracer   trace.Tracer
	updates  metric.Int64Counter
	downtime metric.Float64Histogram

	pass       trace.Span // nil between two passes
	pulls      map[string]trace.Span
	containers map[string]*swap // by what their spans are called
}

// swap is a container on its way.
type swap struct {
	span trace.Span
	step trace.Span // the one that goes on; nil before the first
}

// newTelemetry makes the observer.
func newTelemetry(tracer trace.Tracer, meter metric.Meter) (*telemetry, error) {
	updates, err := meter.Int64Counter("watchtower.updates", metric.WithDescription("Updates by how they ended."))
	if err != nil {
		return nil, err
	}
	downtime, err := meter.Float64Histogram("watchtower.downtime", metric.WithUnit("s"),
		metric.WithDescription("How long nothing served during an update."))
	if err != nil {
		return nil, err
	}
	return &telemetry{
		tracer: tracer, updates: updates, downtime: downtime,
		pulls: map[string]trace.Span{}, containers: map[string]*swap{},
	}, nil
}

// Observe is told every event, in order.
func (t *telemetry) Observe(ctx context.Context, e watchtower.Event) {
	switch e := e.(type) {
	case watchtower.PassStarted:
		t.pass = t.start(ctx, nil, string(e.Kind), e.At)
	case watchtower.PassEnded:
		t.endPass(e.At, e.Report.Err(), attribute.String("watchtower.summary", e.Report.Summary()))
	case watchtower.PassFailed:
		t.endPass(e.At, e.Err)
	case watchtower.PullStarted:
		t.pulls[e.Reference] = t.start(ctx, t.pass, "pull "+e.Reference, e.At)
	case watchtower.PullEnded:
		if span := t.pulls[e.Reference]; span != nil {
			delete(t.pulls, e.Reference)
			end(span, e.At, e.Err)
		}
	case watchtower.StepStarted:
		s := t.container(ctx, called(e.Step.Container, e.Service != ""), e.At)
		s.endStep(e.At, nil)
		s.step = t.start(ctx, s.span, e.Step.Action, e.At)
	case watchtower.UpdateEnded:
		t.endContainer(ctx, e)
	case watchtower.ServiceRecovered: // its steps came before, and no UpdateEnded comes
		name := called(e.Recovery.Name, false)
		if s := t.containers[name]; s != nil {
			delete(t.containers, name)
			s.endStep(e.At, e.Recovery.Err)
			s.span.SetAttributes(attribute.String("status", string(e.Recovery.Outcome)))
			end(s.span, e.At, e.Recovery.Err)
		}
	default: // there may be more kinds of events one day
	}
}

// start begins a span below another, if there is one.
func (t *telemetry) start(ctx context.Context, parent trace.Span, name string, at time.Time) trace.Span {
	if parent != nil {
		ctx = trace.ContextWithSpan(ctx, parent)
	}
	_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(at))
	return span
}

// called is what the span of a container is called. A swarm's service may have its name.
func called(name string, service bool) string {
	if service {
		return "service " + name
	}
	return "container " + name
}

func (t *telemetry) container(ctx context.Context, name string, at time.Time) *swap {
	if t.containers[name] == nil {
		t.containers[name] = &swap{span: t.start(ctx, t.pass, name, at)}
	}
	return t.containers[name]
}

func (t *telemetry) endContainer(ctx context.Context, e watchtower.UpdateEnded) {
	c := e.Entry.Container
	name, status := called(c.Name, c.Service != nil), attribute.String("status", string(e.Entry.Status))
	s := t.container(ctx, name, e.At) // one that moved with another has no steps of its own
	delete(t.containers, name)
	s.endStep(e.At, e.Entry.Err)
	s.span.SetAttributes(status, attribute.String("image", c.Image), attribute.String("image.to", e.Entry.NewImageID))
	end(s.span, e.At, e.Entry.Err)
	ctx = trace.ContextWithSpan(ctx, s.span) // by which a histogram finds an example of a value
	t.updates.Add(ctx, 1, metric.WithAttributes(status))
	if e.Entry.Downtime > 0 {
		t.downtime.Record(ctx, e.Entry.Downtime.Seconds())
	}
}

func (t *telemetry) endPass(at time.Time, err error, attributes ...attribute.KeyValue) {
	if t.pass == nil {
		return // it failed before its turn
	}
	t.pass.SetAttributes(attributes...)
	end(t.pass, at, err)
	t.pass = nil
}

func (s *swap) endStep(at time.Time, err error) {
	if s.step != nil {
		end(s.step, at, err)
	}
}

func end(span trace.Span, at time.Time, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error()) // no error here holds a secret
	}
	span.End(trace.WithTimestamp(at))
}
