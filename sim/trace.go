package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/internal/span"
)

// eventKind is what an event of the trace is about.
type eventKind uint8

const (
	evBoot eventKind = iota
	evUp
	evSpawn
	evStart
	evEnd
	evComplete
	evCommit
	evRefused
	evAcknowledged
	evTimer
	evCrash
	evReboot
	evCall
	evReturn
	evSend
	evMessage
	evPick
	evLog
	evFault
	evFail
	evLost
)

// Event is one numbered line of a world's trace. The first event is number 1.
type Event struct {
	At   time.Duration // virtual time since the world began
	Node string        // empty for what happens outside of nodes
	Task string        // which task wrote it, when it was logged with World.Logger
	Text string
}

// trace is what happened in a world: always as a running hash, and as text when it is recorded. Sweeps
// keep only the hash; a failing seed runs again with the text.
type trace struct {
	hash   uint64
	count  int
	record bool
	log    []Event
}

// event adds an event. It formats nothing unless the trace is recorded.
func (w *World) event(kind eventKind, n *Node, group, name string, x int64) {
	t := &w.trace
	t.count++
	at := w.offset()
	h := mix(t.hash, uint64(at)<<5^uint64(kind))
	if n != nil {
		h = mix(h, uint64(n.index)+1)
	}
	h = mixString(mixString(mix(h, uint64(x)), group), name)
	t.hash = h
	if t.record {
		t.log = append(t.log, Event{At: at, Node: n.label(), Text: eventText(kind, group, name, x)})
	}
}

// retext replaces the text of the last event, when the trace is recorded, by one that is too dear to build
// in a sweep.
func (w *World) retext(text string) {
	if w.trace.record {
		w.trace.log[len(w.trace.log)-1].Text = text
	}
}

// eventText is the line of the trace that an event becomes.
func eventText(kind eventKind, group, name string, x int64) string {
	subject := ""
	if group != "" {
		subject = group + ": "
	}
	switch kind {
	case evBoot:
		return "boots (" + ordinal(x) + " incarnation)"
	case evUp:
		return "is up"
	case evSpawn:
		return "starts task " + strconv.Quote(name)
	case evStart:
		return subject + strconv.Quote(name) + " begins"
	case evEnd:
		return subject + strconv.Quote(name) + " ends"
	case evComplete:
		return subject + strconv.Quote(name) + " completes"
	case evCommit:
		return "commit " + strconv.FormatInt(x, 10) + " is on disk"
	case evAcknowledged:
		return "commit " + strconv.FormatInt(x, 10) + " is acknowledged"
	case evTimer:
		return "a timer fires, set for " + offsetText(time.Duration(x))
	case evReboot:
		if x == never {
			return "stays down"
		}
		return "will boot in " + span.Text(time.Duration(x))
	case evCall:
		return "call " + strconv.Quote(name)
	case evReturn:
		return "call " + strconv.Quote(name) + " " + group
	case evSend:
		return "sends " + strconv.Quote(name) + " to " + group
	case evMessage:
		return "receives " + strconv.Quote(name) + " from " + group
	case evPick:
		return "picks " + strconv.FormatInt(x, 10) + " at " + strconv.Quote(name)
	default:
		return subject + name
	}
}

// traceAsText is the trace as text, one line for every event.
func traceAsText(log []Event) string {
	var b strings.Builder
	for i := range log {
		b.WriteString(eventLine(i+1, &log[i]))
		b.WriteByte('\n')
	}
	return b.String()
}

// eventLine is event number i as one line.
func eventLine(i int, e *Event) string {
	text := strings.ReplaceAll(e.Text, "\n", "\n"+strings.Repeat(" ", 28))
	if e.Task != "" {
		text = e.Task + ": " + text
	}
	return pad("#"+strconv.Itoa(i), 6) + " " + pad(offsetText(e.At), 12) + " " + pad(e.who(), 8) + " " + text
}

// who is the node, or a dash for what happens outside of nodes.
func (e *Event) who() string {
	if e.Node == "" {
		return "-"
	}
	return e.Node
}

func pad(s string, width int) string {
	if len(s) >= width {
		return s
	}
	return s + strings.Repeat(" ", width-len(s))
}

// offsetText is a virtual offset as the report shows it: +0s, +1.2s, +400d.
func offsetText(d time.Duration) string { return "+" + span.Text(d) }

func ordinal(n int64) string {
	s := strconv.FormatInt(n, 10)
	if n%100 >= 11 && n%100 <= 13 {
		return s + "th"
	}
	switch n % 10 {
	case 1:
		return s + "st"
	case 2:
		return s + "nd"
	case 3:
		return s + "rd"
	}
	return s + "th"
}

// mix adds a word to a running hash. It is a step of wyhash: one multiplication.
func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, v^0xd6e8feb86659fd93)
	return hi ^ lo ^ h>>7
}

// mixString adds a string to a running hash, eight bytes at a time.
func mixString(h uint64, s string) uint64 {
	h = mix(h, uint64(len(s)))
	for len(s) >= 8 {
		_ = s[7]
		h = mix(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	if len(s) > 0 {
		var tail uint64
		for i := range len(s) {
			tail |= uint64(s[i]) << (8 * i)
		}
		h = mix(h, tail)
	}
	return h
}

// traceAsJSON is the trace as JSON lines.
func traceAsJSON(log []Event) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, e := range log {
		line := struct {
			Event int    `json:"event"`
			At    int64  `json:"at_ns"`
			Node  string `json:"node,omitempty"`
			Task  string `json:"task,omitempty"`
			Text  string `json:"text"`
		}{i + 1, int64(e.At), e.Node, e.Task, e.Text}
		if err := enc.Encode(line); err != nil {
			panic("invariant: an event has no JSON: " + err.Error())
		}
	}
	return b.String()
}

// saveJSON writes the trace as JSON lines beside the text.
func saveJSON(tracePath string, log []Event) error {
	path := strings.TrimSuffix(tracePath, traceSuffix) + ".trace.jsonl"
	if err := os.WriteFile(path, []byte(traceAsJSON(log)), 0o644); err != nil {
		return fmt.Errorf("sim: the trace can't be saved: %w", err)
	}
	return nil
}
