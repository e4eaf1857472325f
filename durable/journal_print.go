package durable

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// Print writes the journal as a readable listing: an entry per event, and below it what the run asked for in
// answer. Times are offsets from the start.
func (j Journal) Print(w io.Writer) error {
	var out bytes.Buffer
	var began time.Time
	for i := range j.Entries {
		e := &j.Entries[i]
		if i == 0 {
			began = e.Event.Time
			fmt.Fprintf(&out, "run %s", j.Run)
			if s := e.Event.Start; s != nil {
				fmt.Fprintf(&out, " of workflow %s", s.Workflow)
			}
			fmt.Fprintf(&out, ", started %s\n", began.UTC().Format(time.RFC3339Nano))
		}
		fmt.Fprintf(&out, "%4d  %-10s %s\n", e.Seq, "+"+e.Event.Time.Sub(began).String(), e.Event.describe())
		for c := range e.Commands {
			fmt.Fprintf(&out, "                 -> %s\n", &e.Commands[c])
		}
		if e.Unanswered {
			out.WriteString("                 (the code has not answered yet)\n")
		}
	}
	_, err := w.Write(out.Bytes())
	return err
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
