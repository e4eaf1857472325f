package sim

import (
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/internal/choice"
)

// deviation is what a non-zero answer meant in the world that gave it.
type deviation struct {
	label      string
	occurrence int
	event      int
	at         time.Duration
	subject    string
	text       string
}

// deviate records what the last answer of a point, which was not zero, meant. It costs nothing unless the
// trace is recorded.
func (w *World) deviate(p *choice.Point, n *Node, group, text string) {
	if !w.trace.record {
		return
	}
	p.Note(text)
	subject := group
	if subject == "" {
		subject = n.label()
	}
	w.deviations = append(w.deviations, deviation{
		label: p.Label(), occurrence: p.Occurrences(), event: w.trace.count, at: w.offset(),
		subject: subject, text: text,
	})
}

// say formats the text of a deviation, only when it will be read.
func (w *World) say(format string, args ...any) string {
	if !w.trace.record {
		return ""
	}
	return fmt.Sprintf(format, args...)
}
