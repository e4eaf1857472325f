package oteldurable

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// instruments are what the package comment lists.
type instruments struct {
	started, endedRuns, parkedRuns  metric.Int64Counter
	attempts, overdueSteps          metric.Int64Counter
	entries, replays, replayEntries metric.Int64Counter
	runDuration, stepDuration       metric.Float64Histogram
}

func newInstruments(m metric.Meter) instruments {
	return instruments{
		started:       counter(m, "durable.runs.started", "{run}", "Runs that began."),
		endedRuns:     counter(m, "durable.runs.ended", "{run}", "Runs that ended."),
		parkedRuns:    counter(m, "durable.runs.parked", "{run}", "Runs that were parked."),
		attempts:      counter(m, "durable.step.attempts", "{attempt}", "Attempts at steps that returned."),
		overdueSteps:  counter(m, "durable.steps.overdue", "{attempt}", "Attempts that ignore their limits."),
		entries:       counter(m, "durable.journal.entries", "{entry}", "Journal entries that became durable."),
		replays:       counter(m, "durable.replays", "{replay}", "Runs brought into memory from their journals."),
		replayEntries: counter(m, "durable.replay.entries", "{entry}", "Journal entries that were replayed."),
		runDuration:   histogram(m, "durable.run.duration", "From a run's beginning to its end."),
		stepDuration:  histogram(m, "durable.step.duration", "How long attempts at steps took."),
	}
}

func counter(m metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return noop.Int64Counter{}
	}
	return c
}

func histogram(m metric.Meter, name, description string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return noop.Float64Histogram{}
	}
	return h
}
