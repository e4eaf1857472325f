package oteldurable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/durable/oteldurable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// telemetry is an SDK that keeps everything in memory, with ids that count.
type telemetry struct {
	spans    *tracetest.InMemoryExporter
	reader   *sdkmetric.ManualReader
	provider *sdktrace.TracerProvider
	meters   *sdkmetric.MeterProvider
	ids      counting
}

type counting struct{ n byte }

func (c *counting) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	c.n++
	return trace.TraceID{15: c.n}, c.NewSpanID(ctx, trace.TraceID{})
}

func (c *counting) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	c.n++
	return trace.SpanID{7: c.n}
}

func newTelemetry() *telemetry {
	t := &telemetry{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithSyncer(t.spans), sdktrace.WithIDGenerator(&t.ids))
	t.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(t.reader))
	return t
}

// tracesOf returns the traces that have attempts of a run or its child, or their ends.
func (t *telemetry) tracesOf(run string) map[trace.TraceID]bool {
	traces := map[trace.TraceID]bool{}
	for _, s := range t.spans.GetSpans() {
		for _, a := range s.Attributes {
			if a.Key == "durable.run.id" && strings.HasPrefix(a.Value.AsString(), run) &&
				!strings.HasPrefix(s.Name, "start ") {
				traces[s.SpanContext.TraceID()] = true
			}
		}
	}
	return traces
}

// print writes every span in the order in which they ended, and every metric by name.
func (t *telemetry) print() string {
	var out strings.Builder
	for _, s := range t.spans.GetSpans() {
		fmt.Fprintf(&out, "%s\n", s.Name)
		fmt.Fprintf(&out, "  trace %x span %x below %x, %v to %v", lastByte(s.SpanContext.TraceID()),
			lastByte(s.SpanContext.SpanID()), lastByte(s.Parent.SpanID()),
			s.StartTime.Sub(sim.Epoch), s.EndTime.Sub(sim.Epoch))
		if s.Status.Description != "" {
			fmt.Fprintf(&out, ", %s: %s", s.Status.Code, s.Status.Description)
		}
		for i, a := range s.Attributes {
			fmt.Fprintf(&out, "%s %s=%s", []string{"\n ", ""}[min(i, 1)], a.Key, a.Value.String())
		}
		out.WriteString("\n")
	}
	out.WriteString(t.printMetrics())
	return out.String()
}

func lastByte[ID ~[8]byte | ~[16]byte](id ID) byte { return id[len(id)-1] }

func (t *telemetry) printMetrics() string {
	var all metricdata.ResourceMetrics
	if err := t.reader.Collect(context.Background(), &all); err != nil {
		return err.Error()
	}
	var lines []string
	point := func(name string, set attribute.Set, value string) {
		lines = append(lines, fmt.Sprintf("%s %s = %s\n", name, set.Encoded(attribute.DefaultEncoder()), value))
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					point(m.Name, p.Attributes, fmt.Sprint(p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					point(m.Name, p.Attributes, fmt.Sprintf("%d of %gs", p.Count, p.Sum))
				}
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

var errBusy = errors.New("busy")

// trip books a hotel, sleeps, and lets a child book a flight, whose first attempt fails.
func trip(tracer trace.Tracer, now func() time.Time) (trip, flight *durable.Workflow[string, string]) {
	slow := func(ctx context.Context, what string) (string, error) {
		_, span := tracer.Start(ctx, "call "+what, trace.WithTimestamp(now()))
		defer func() { span.End(trace.WithTimestamp(now())) }()
		if s, _ := durable.Info(ctx); what == "flight" && s.Attempt == 1 {
			return "", errBusy
		}
		return what, nil
	}
	again := durable.StepOptions{Retry: durable.Retry{Attempts: 3, Interval: time.Minute}}
	flight = durable.Define("flight", func(ctx durable.Context, s string) (string, error) {
		return durable.StepWith(ctx, again, "book", slow, s)
	})
	return durable.Define("trip", func(ctx durable.Context, s string) (string, error) {
		if s == "broken" {
			panic("no route")
		}
		hotel, err := durable.Step(ctx, "hotel", slow, "hotel")
		if err != nil {
			return "", err
		}
		if err := ctx.Sleep(time.Hour); err != nil {
			return "", err
		}
		seat, err := durable.StartChild(ctx, flight, "flight").Await(ctx)
		return hotel + " " + seat, err
	}), flight
}

// travel starts a trip from a span of the client's, crashes the process while the run sleeps, and waits.
func travel(w *sim.World, tel *telemetry) {
	var engine *durable.Engine
	tracer := tel.provider.Tracer("client")
	trips, flight := trip(tracer, w.Now)
	node := w.Node("worker", func(n *sim.Node) {
		e, err := durable.Open(durable.Config{
			Store: n.Store(), Host: n, Workflows: []durable.Definition{trips, flight},
			Interceptors: []durable.Interceptor{oteldurable.New(oteldurable.Config{
				TracerProvider: tel.provider, MeterProvider: tel.meters, Now: n.Now,
			})},
		})
		require.NoError(w, err)
		engine = e
	})
	call := func(id, in string, result bool) {
		for {
			err := node.Call(w.Context(), id, func(ctx context.Context) error {
				ctx, span := tracer.Start(ctx, "request", trace.WithTimestamp(w.Now()))
				defer func() { span.End(trace.WithTimestamp(w.Now())) }()
				_, err := trips.Start(ctx, engine, id, in)
				if result && err == nil {
					_, err = trips.Run(engine, id).Result(ctx)
				}
				return err
			})
			if !errors.Is(err, sim.ErrCrashed) {
				require.NoError(w, err)
				return
			}
		}
	}
	call("rome", "", false)
	require.NoError(w, w.Sleep(w.Context(), time.Minute))
	node.Crash()
	call("rome", "", true)
	call("nowhere", "broken", false)
	require.NoError(w, w.Sleep(w.Context(), time.Minute))
}

// TestATripIsOneTrace: the steps before and after a crash, those of the child included, are below the span in
// which the client started the run.
func TestATripIsOneTrace(t *testing.T) {
	var tel *telemetry
	r, err := sim.Sweep(sim.Config{
		Name: t.Name(), Runs: 1, NoFaults: true, SelfCheck: -1, Disk: store.NewMemoryDisk,
	}, func(w *sim.World) {
		tel = newTelemetry()
		travel(w, tel)
	})
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	var steady []string // how often a run is replayed depends on when it is evicted
	replays := 0
	for _, line := range strings.SplitAfter(tel.print(), "\n") {
		if strings.HasPrefix(line, "durable.replay") {
			replays++
		} else {
			steady = append(steady, line)
		}
	}
	require.Equal(t, 4, replays)
	golden.Assert(t, "trip.txt", strings.Join(steady, ""))
}

// TestTelemetryIsAFunctionOfTheSeed: with every fault on, a seed gives the same spans and metrics each time,
// and every span of a run and its child is in one trace.
func TestTelemetryIsAFunctionOfTheSeed(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		var printed [2]string
		for i := range printed {
			r, err := sim.Sweep(sim.Config{
				Name: t.Name(), Runs: 1, Seed: seed, SelfCheck: -1, Disk: store.NewMemoryDisk,
			}, func(w *sim.World) {
				tel := newTelemetry()
				travel(w, tel)
				printed[i] = tel.print()
				require.Len(w, tel.tracesOf("rome"), 1, printed[i])
			})
			require.NoError(t, err)
			require.Nil(t, r.Failure, r.Report)
		}
		require.Equal(t, printed[0], printed[1], "seed %d", seed)
	}
}

func TestTheZeroConfigWorks(t *testing.T) {
	trips, flight := trip(newTelemetry().provider.Tracer("x"), time.Now)
	e, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{trips, flight},
		Interceptors: []durable.Interceptor{oteldurable.New(oteldurable.Config{})},
	})
	require.NoError(t, err)
	run, err := flight.Start(t.Context(), e, "f", "x")
	require.NoError(t, err)
	out, err := run.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "x", out)
	require.NoError(t, e.Close(t.Context()))
}
