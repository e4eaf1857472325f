package sim

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// Logger is a logger whose records become events of the trace, with node, task and virtual time. Tasks of
// every node, and of none, may use it; records of a task that is unwinding are dropped.
func (w *World) Logger() *slog.Logger { return slog.New(&logHandler{world: w}) }

// logHandler puts records into the trace. Attributes are formatted only when the trace is recorded.
type logHandler struct {
	world  *World
	attrs  string // formatted already, with a space before each
	groups string // the prefix of keys: "run.step."
}

// Enabled is always true: a trace shows every level.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle adds one event.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	w := h.world
	t := w.current("Logger")
	w.event(evLog, nodeOf(t), r.Level.String(), r.Message, 0)
	if w.trace.record {
		w.trace.log[len(w.trace.log)-1].Task = t.Name()
		var b strings.Builder
		b.WriteString(r.Level.String() + " " + r.Message + h.attrs)
		r.Attrs(func(a slog.Attr) bool {
			writeAttr(&b, h.groups, a)
			return true
		})
		w.retext(b.String())
	}
	return nil
}

// WithAttrs returns a handler that adds these attributes to each record.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !h.world.trace.record {
		return h
	}
	var b strings.Builder
	for _, a := range attrs {
		writeAttr(&b, h.groups, a)
	}
	return &logHandler{h.world, h.attrs + b.String(), h.groups}
}

// WithGroup returns a handler whose keys have this prefix.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &logHandler{h.world, h.attrs, h.groups + name + "."}
}

// writeAttr writes one attribute as key=value, groups flattened.
func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range value.Group() {
			writeAttr(b, prefix, inner)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	text := value.String()
	if strings.ContainsAny(text, " \n\t\"=") || text == "" {
		text = strconv.Quote(text)
	}
	b.WriteString(" " + prefix + a.Key + "=" + text)
}
