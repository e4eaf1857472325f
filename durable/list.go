package durable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/reprise-dst/reprise/store"
)

// Status is how far a run has come.
type Status string

// The states that a store tells. A parked run is unended; only the engine that parked it knows that.
const (
	Unended Status = "unended"
	Done    Status = "done"
	Failed  Status = "failed"
)

// Listing is one run of a store, as List tells it.
type Listing struct {
	Run      string
	Workflow string
	Status   Status
}

// List calls visit for every run in the store, sorted by id, until visit returns false. It needs no engine.
func List(st store.Store, visit func(Listing) bool) error {
	from := []byte{tableRun}
	for {
		var run string
		err := st.Scan(from, []byte{tableRun + 1}, func(key, _ []byte) bool {
			id, _, _ := bytes.Cut(key[1:], []byte{0})
			run = string(id)
			return false
		})
		if err != nil || run == "" {
			return err
		}
		l, err := listing(st, run)
		if err != nil || !visit(l) {
			return err
		}
		from = append(append([]byte{tableRun}, run...), 1) // the first key after all of this run's
	}
}

func listing(st store.Store, run string) (Listing, error) {
	l := Listing{Run: run, Status: Unended}
	data, found, err := st.Get(runKey(run, partHeader))
	if err == nil && !found {
		err = fmt.Errorf("%w: run %q has no header", ErrDamaged, run)
	}
	if err != nil {
		return l, err
	}
	h, err := decodeHeader(run, data)
	if err != nil {
		return l, err
	}
	l.Workflow = h.workflow
	end, found, err := st.Get(runKey(run, partEnd))
	if found && len(end) > 0 {
		l.Status = Done
		if end[0] == endFailure {
			l.Status = Failed
		}
	}
	return l, err
}

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
			out.WriteString("                 (the code could not answer: the run is parked)\n")
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
	case ev.Failure != nil:
		s += ": error " + ev.Failure.Text
	case ev.Kind == EventStepEnded:
		s += ": " + string(ev.Result)
	}
	return s
}

// MarshalJSON writes the journal with its kinds as words. Results and inputs that are JSON themselves stay
// readable; others are written as strings.
func (j Journal) MarshalJSON() ([]byte, error) {
	entries := make([]jsonEntry, len(j.Entries))
	for i := range j.Entries {
		entries[i] = toJSON(&j.Entries[i])
	}
	return json.Marshal(struct {
		Run     string      `json:"run"`
		Entries []jsonEntry `json:"entries"`
	}{j.Run, entries})
}

type jsonEntry struct {
	Seq        int             `json:"seq"`
	Event      string          `json:"event"`
	Time       time.Time       `json:"time"`
	Op         string          `json:"op,omitempty"`
	Workflow   string          `json:"workflow,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Failure    *Failure        `json:"failure,omitempty"`
	Commands   []jsonCommand   `json:"commands,omitempty"`
	Unanswered bool            `json:"unanswered,omitempty"`
}

type jsonCommand struct {
	Kind        string     `json:"kind"`
	Op          string     `json:"op,omitempty"`
	Name        string     `json:"name,omitempty"`
	Fingerprint string     `json:"fingerprint"`
	Deadline    *time.Time `json:"deadline,omitempty"`
}

func toJSON(e *Entry) jsonEntry {
	ev := &e.Event
	out := jsonEntry{
		Seq: e.Seq, Event: ev.Kind.String(), Time: ev.Time, Op: ev.Op,
		Result: raw(ev.Result), Failure: ev.Failure, Unanswered: e.Unanswered,
	}
	if s := ev.Start; s != nil {
		out.Workflow, out.Input = s.Workflow, raw(s.Input)
	}
	for i := range e.Commands {
		c := &e.Commands[i]
		jc := jsonCommand{
			Kind: c.Kind.String(), Op: c.Op, Name: c.Name, Fingerprint: fmt.Sprintf("%016x", c.Fingerprint),
		}
		if !c.Deadline.IsZero() {
			jc.Deadline = &c.Deadline
		}
		out.Commands = append(out.Commands, jc)
	}
	return out
}

// raw is data as JSON: as it is when it is valid, as a string when it isn't.
func raw(data []byte) json.RawMessage {
	if len(data) == 0 || json.Valid(data) {
		return data
	}
	text, _ := json.Marshal(string(data))
	return text
}
