// Package oteldurable makes OpenTelemetry traces and metrics of what an engine of package durable does.
//
//	engine, err := durable.Open(durable.Config{
//		Store: st, Workflows: workflows,
//		Interceptors: []durable.Interceptor{oteldurable.New(oteldurable.Config{})},
//	})
//
// It uses the API of OpenTelemetry only; which SDK and exporters stand behind it is the program's choice.
//
// # Traces
//
// Workflow.Start is a span, "start <workflow>", below the span of the caller. Its context is recorded with
// the run, so that everything that follows belongs to the same trace, in this process or after a crash in
// another one, and the same holds for the run's children: each attempt at a step is a span, "step <name>",
// that the step's own spans are below; the run's end makes a span "run <workflow>", from when the run began
// until it ended; a run that is parked makes an empty span "parked <workflow>". Replay makes none. A crash
// loses the spans that are open: an attempt that was interrupted is not in the trace, the one after it has a
// higher number.
//
// The attributes are durable.workflow, durable.run.id, durable.step.name, durable.step.id,
// durable.step.attempt and durable.run.status.
//
// # Metrics
//
//	durable.runs.started     runs, by workflow
//	durable.runs.ended       runs, by workflow and status
//	durable.runs.parked      how often runs were parked, by workflow
//	durable.run.duration     seconds from a run's beginning to its end, by workflow and status
//	durable.step.attempts    attempts at steps, by workflow, step and whether they failed
//	durable.step.duration    seconds that an attempt took, likewise
//	durable.steps.overdue    attempts that ignore their limits, by workflow and step
//	durable.journal.entries  entries that became durable, by workflow
//	durable.replays          how often runs were brought into memory, by workflow
//	durable.replay.entries   entries that were replayed for that, by workflow
//
// What happened just before a crash may be missing from a count; nothing is counted twice.
package oteldurable
