package oteldurable

import (
	"cmp"
	"context"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Config says where traces and metrics go. Its zero value uses the global providers of package otel.
type Config struct {
	// TracerProvider makes the tracer; otel.GetTracerProvider() when nil.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the instruments; otel.GetMeterProvider() when nil.
	MeterProvider metric.MeterProvider
	// Propagator writes the caller's trace into a run's headers and reads it back; when nil, W3C trace
	// context and baggage.
	Propagator propagation.TextMapPropagator
	// Now is the clock of spans and durations, such as a simulated world's; the wall clock when nil.
	Now func() time.Time
}

// scope is the name of the tracer and the meter.
const scope = "github.com/reprise-dst/reprise/durable/oteldurable"

// New makes an interceptor that traces and counts. When an instrument can't be made, that is told to
// otel.Handle, and it counts nothing.
func New(cfg Config) durable.Interceptor {
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	if cfg.Propagator == nil {
		cfg.Propagator = propagation.NewCompositeTextMapPropagator(
			propagation.TraceContext{}, propagation.Baggage{})
	}
	if cfg.Now == nil {
		cfg.Now = wallClock
	}
	o := &observer{
		tracer: cfg.TracerProvider.Tracer(scope), carrier: cfg.Propagator, now: cfg.Now,
		instruments: newInstruments(cfg.MeterProvider.Meter(scope)),
	}
	return durable.Interceptor{
		Start: o.start, Step: o.step, StepOverdue: o.overdue,
		Committed: o.committed, Ended: o.ended, Replayed: o.replayed, Parked: o.parked,
	}
}

type observer struct {
	tracer  trace.Tracer
	carrier propagation.TextMapPropagator
	now     func() time.Time
	instruments
}

// start makes the span that the whole run is below.
func (o *observer) start(
	ctx context.Context, run durable.RunInfo, next func(context.Context) error,
) (err error) {
	ctx, span := o.begin(ctx, "start "+run.Workflow, run, trace.WithSpanKind(trace.SpanKindProducer))
	defer func() { o.end(span, err) }()
	o.carrier.Inject(ctx, propagation.MapCarrier(run.Headers))
	return next(ctx)
}

// step makes the span of an attempt, and counts it.
func (o *observer) step(
	ctx context.Context, s durable.StepInfo, next func(context.Context) error,
) (err error) {
	began := o.now()
	ctx, span := o.begin(o.of(ctx, s.RunInfo), "step "+s.Name, s.RunInfo, trace.WithAttributes(
		attribute.String("durable.step.name", s.Name), attribute.String("durable.step.id", s.ID),
		attribute.Int("durable.step.attempt", s.Attempt)))
	returned := false
	defer func() {
		o.end(span, err)
		outcome := metric.WithAttributes(workflow(s.RunInfo), attribute.String("durable.step.name", s.Name),
			attribute.Bool("durable.step.failed", err != nil || !returned))
		o.attempts.Add(ctx, 1, outcome)
		o.stepDuration.Record(ctx, o.now().Sub(began).Seconds(), outcome)
	}()
	err = next(ctx)
	returned = true
	return err
}

func (o *observer) overdue(s durable.StepInfo) {
	o.overdueSteps.Add(context.Background(), 1, metric.WithAttributes(
		workflow(s.RunInfo), attribute.String("durable.step.name", s.Name)))
}

func (o *observer) committed(run durable.RunInfo, entries []durable.Entry) {
	ctx, of := context.Background(), metric.WithAttributes(workflow(run))
	answered := 0
	for i := range entries {
		if entries[i].Unanswered {
			continue // it is told again
		}
		answered++
		if entries[i].Event.Kind == durable.EventStarted {
			o.started.Add(ctx, 1, of)
		}
	}
	o.entries.Add(ctx, int64(answered), of)
}

func (o *observer) ended(run durable.RunInfo, status durable.Status, err error) {
	ctx := o.of(context.Background(), run)
	how := attribute.String("durable.run.status", string(status))
	now := o.now()
	if !run.Started.IsZero() {
		_, span := o.begin(
			ctx, "run "+run.Workflow, run, trace.WithTimestamp(run.Started), trace.WithAttributes(how))
		o.end(span, err)
		o.runDuration.Record(ctx, now.Sub(run.Started).Seconds(), metric.WithAttributes(workflow(run), how))
	}
	o.endedRuns.Add(ctx, 1, metric.WithAttributes(workflow(run), how))
}

func (o *observer) replayed(run durable.RunInfo, what durable.Replayed) {
	ctx, of := context.Background(), metric.WithAttributes(workflow(run))
	o.replays.Add(ctx, 1, of)
	o.replayEntries.Add(ctx, int64(what.Entries), of)
}

func (o *observer) parked(run durable.RunInfo, err error) {
	ctx := o.of(context.Background(), run)
	_, span := o.begin(ctx, "parked "+run.Workflow, run)
	o.end(span, err)
	o.parkedRuns.Add(ctx, 1, metric.WithAttributes(workflow(run)))
}

// of returns a context that is below the span that the run was started in.
func (o *observer) of(ctx context.Context, run durable.RunInfo) context.Context {
	return o.carrier.Extract(ctx, propagation.MapCarrier(run.Headers))
}

func (o *observer) begin(
	ctx context.Context, name string, run durable.RunInfo, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	return o.tracer.Start(ctx, name, append([]trace.SpanStartOption{
		trace.WithTimestamp(o.now()),
		trace.WithAttributes(
			attribute.String("durable.workflow", run.Workflow), attribute.String("durable.run.id", run.Run)),
	}, options...)...)
}

func (o *observer) end(span trace.Span, err error) {
	now := trace.WithTimestamp(o.now())
	if err != nil {
		span.RecordError(err, now)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End(now)
}

func workflow(run durable.RunInfo) attribute.KeyValue {
	return attribute.String("durable.workflow", cmp.Or(run.Workflow, "unknown"))
}
