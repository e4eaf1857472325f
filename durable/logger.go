package durable

import (
	"context"
	"log/slog"
	"time"
)

// Logger returns a logger for workflow code, with the run, its workflow and, outside of the workflow
// function, the branch: the operation that it was started as. What it gets is written to Config.Logger when
// the events that led to it are durable, and never on replay: a line is written once, whether the run is
// kept in memory, evicted or recovered; a crash just after the commit may lose it. Only when the run is
// parked, what its code said in answer to its last event is written each time that it tries again.
//
// A line has the time of the run (Now). Its values are formatted after the commit: log what does not change.
func (ctx Context) Logger() *slog.Logger {
	b := ctx.enter("Logger")
	if b.log == nil {
		h := workflowLog{m: b.m, to: b.m.def.log}
		if h.to != nil {
			h.to = h.to.WithAttrs([]slog.Attr{slog.String("run", b.m.run), slog.String("workflow", b.m.def.name)})
			if b.prefix != "" {
				h.to = h.to.WithAttrs([]slog.Attr{slog.String("branch", b.prefix[:len(b.prefix)-1])})
			}
		}
		b.log = slog.New(h)
	}
	return b.log
}

// workflowLog keeps what live workflow code logs until the round is committed.
type workflowLog struct {
	m  *machine
	to slog.Handler // nil when nothing is written
}

// logged is a line that waits for the commit of its round.
type logged struct {
	to     slog.Handler
	record slog.Record
}

// Enabled is false on replay, so that replay does not even format.
func (h workflowLog) Enabled(ctx context.Context, level slog.Level) bool {
	return h.live() && h.to.Enabled(ctx, level)
}

// Handle keeps a record until the commit.
func (h workflowLog) Handle(_ context.Context, r slog.Record) error {
	if h.live() {
		r.Time = h.m.now
		h.m.lines = append(h.m.lines, logged{h.to, r.Clone()})
	}
	return nil
}

// live reports whether what is logged now is to be written.
func (h workflowLog) live() bool {
	if h.m.current() == nil {
		panic("durable: a workflow's Logger was used outside of the workflow, perhaps in a step or after the run " +
			"had ended; a step uses durable.Logger with its own context.Context")
	}
	return h.to != nil && h.m.replayed == nil && !h.m.ended
}

// WithAttrs returns a handler that adds these attributes to each record.
func (h workflowLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	if h.to != nil {
		h.to = h.to.WithAttrs(attrs)
	}
	return h
}

// WithGroup returns a handler whose keys are in this group.
func (h workflowLog) WithGroup(name string) slog.Handler {
	if h.to != nil {
		h.to = h.to.WithGroup(name)
	}
	return h
}

// writeLines writes what the run has logged since its last commit.
func (r *run) writeLines() {
	if r.machine == nil {
		return
	}
	lines := r.machine.lines
	r.machine.lines = nil
	for i := range lines {
		_ = lines[i].to.Handle(context.Background(), lines[i].record)
	}
}

// Logger returns a logger for the step that ctx belongs to, with the run, its workflow, the step, its id and
// the attempt. It writes to Config.Logger at once, so a step that runs again writes again. Outside of steps
// it is slog.Default.
func Logger(ctx context.Context) *slog.Logger {
	s, err := stepOf(ctx, "Logger")
	if err != nil {
		return slog.Default()
	}
	return slog.New(stepLog{s.engine.cfg.Logger.Handler(), s.engine.host.Now}).With(
		"run", s.u.info.Run, "workflow", s.u.info.Workflow, "step", s.u.info.Name, "id", s.u.info.ID,
		"attempt", s.u.info.Attempt)
}

// stepLog gives records the host's time.
type stepLog struct {
	slog.Handler
	now func() time.Time
}

// Handle passes a record on.
func (h stepLog) Handle(ctx context.Context, r slog.Record) error {
	r.Time = h.now()
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that adds these attributes to each record.
func (h stepLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return stepLog{h.Handler.WithAttrs(attrs), h.now}
}

// WithGroup returns a handler whose keys are in this group.
func (h stepLog) WithGroup(name string) slog.Handler {
	return stepLog{h.Handler.WithGroup(name), h.now}
}
