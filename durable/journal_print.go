package durable

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/reprise-dst/reprise/internal/span"
)

// Print writes the journal as a readable listing: an entry per event, and below it what the run asked for in
// answer. Times are offsets from the start, in days of 24 hours, hours, minutes and seconds: +400d, +1h30m.
func (j Journal) Print(w io.Writer) error {
	var out bytes.Buffer
	width := 10 // of the offsets
	for i := range j.Entries {
		width = max(width, len(j.offset(i)))
	}
	for i := range j.Entries {
		e := &j.Entries[i]
		if i == 0 {
			fmt.Fprintf(&out, "run %s", j.Run)
			if s := e.Event.Start; s != nil {
				fmt.Fprintf(&out, " of workflow %s", s.Workflow)
			}
			fmt.Fprintf(&out, ", started %s\n", e.Event.Time.UTC().Format(time.RFC3339Nano))
		}
		fmt.Fprintf(&out, "%4d  %-*s %s\n", e.Seq, width, j.offset(i), e.Event.describe())
		for c := range e.Commands {
			fmt.Fprintf(&out, "      %*s -> %s\n", width, "", &e.Commands[c])
		}
		if e.Unanswered {
			fmt.Fprintf(&out, "      %*s (the code has not answered yet)\n", width, "")
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// offset is when an entry was made, from the first one on.
func (j Journal) offset(i int) string {
	return "+" + span.Text(j.Entries[i].Event.Time.Sub(j.Entries[0].Event.Time))
}

// describe says what happened, with its data.
func (ev *Event) describe() string {
	s := ev.Kind.String()
	if ev.Op != "" {
		s += " (id " + ev.Op + ")"
	}
	switch {
	case ev.Start != nil:
		s += " with " + string(ev.Start.Input)
	case ev.Reason != "":
		s += ": " + ev.Reason
	case ev.Failure != nil:
		s += ": error " + ev.Failure.Text
	case ev.Kind == EventMessage && ev.From != "":
		s += " from " + ev.From + ": " + string(ev.Result)
	case ev.Kind == EventUpdate:
		s += " " + ev.Message + ": " + string(ev.Result)
	case ev.Kind == EventStepEnded, ev.Kind == EventMessage, ev.Kind == EventChildEnded:
		s += ": " + string(ev.Result)
	}
	return s
}
