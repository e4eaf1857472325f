package sim

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/internal/span"
)

// The properties that every world must have.
const (
	propPanic    = "no task panics"
	propDeadlock = "the world does not deadlock"
	propProgress = "the world makes progress"
	propLiveness = "when faults stop, every task ends"
	propAssert   = "the test's assertions hold"
	propExit     = "no task ends the test by itself"
	propAlike    = "the same schedule gives the same trace"
	propDies     = "a task of a crashed node ends"
	propBlocked  = "no task blocks outside of the simulator"
	propDisk     = "the simulated disk survives a crash"
)

// Failure says which property does not hold, for what, and why.
type Failure struct {
	// Property is the name of what should hold. A shrunk schedule breaks the same property.
	Property string
	// Subject is what it does not hold for, such as a run or a node; it may be empty.
	Subject string
	// Detail is what a reader needs to understand it, line by line.
	Detail []string
	// Event is the number of the trace's event at which it showed, At its virtual offset.
	Event int
	At    time.Duration

	place  string // tells failures of one property apart: where it was asserted, what panicked
	misuse bool   // a package of ours refused what it was given
}

// Error is the verdict in one line.
func (f *Failure) Error() string { return f.verdict() }

func (f *Failure) verdict() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q does not hold", f.Property)
	if f.Subject != "" {
		b.WriteString(" for " + f.Subject)
	}
	if f.Event > 0 {
		fmt.Fprintf(&b, " at event #%d, %s", f.Event, offsetText(f.At))
	}
	return b.String()
}

// failed makes f the world's failure, unless it has one already. The world ends at the next switch.
func (w *World) failed(f *Failure) {
	if w.failure != nil || w.ended {
		return
	}
	w.event(evFail, nil, f.Subject, f.Property, 0)
	if w.trace.record {
		w.retext("FAIL " + f.verdict())
	}
	f.Event, f.At = w.trace.count, w.offset()
	for _, explain := range w.explains {
		f.Detail = append(f.Detail[:len(f.Detail):len(f.Detail)], explain()...)
	}
	w.failure = f
}

// Explain adds lines to the report, after the details of the failure, should the world fail: what it was made
// of, such as a generated input. They don't tell failures apart.
func (w *World) Explain(lines func() []string) {
	w.current("World.Explain")
	if w.repeats == nil {
		w.explains = append(w.explains, lines)
	}
}

// Fail ends the world with the failure of a property. Failures are told apart by the property's name; the
// subject is what it fails for, and the details explain it line by line. It does not return.
func (w *World) Fail(property, subject string, detail ...string) {
	w.current("World.Fail")
	w.failed(&Failure{Property: property, Subject: subject, Detail: detail})
	w.FailNow()
}

// Errorf fails the world, which ends at the next switch. With FailNow and Helper it makes a World
// something that require and assert accept.
func (w *World) Errorf(format string, args ...any) {
	w.current("World.Errorf")
	text := fmt.Sprintf(format, args...)
	where := callerOutside()
	w.failed(&Failure{Property: propAssert, Subject: where, Detail: assertionLines(text), place: where})
}

// FailNow ends the world as failed. It does not return.
func (w *World) FailNow() {
	w.current("World.FailNow")
	if w.failure == nil {
		where := callerOutside()
		w.failed(&Failure{
			Property: propAssert, Subject: where, place: where,
			Detail: []string{"FailNow was called"},
		})
	}
	_ = w.loop.Park("the end of the world")
	panic("invariant: a task ran on after the world failed")
}

// Helper does nothing: the report names the line that called into the simulator.
func (w *World) Helper() {}

// panicked makes a task's panic the world's failure.
func (w *World) panicked(t *eventloop.Task, p *eventloop.PanicError) {
	subject := fmt.Sprintf("task %q", t.Name())
	if n := nodeOf(t); n != nil {
		subject += " on " + n.name
	}
	f := &Failure{
		Property: propPanic, Subject: subject, Detail: []string{fmt.Sprintf("panic: %v", p.Value)},
		misuse: isMisuse(p.Value),
	}
	f.place = f.Detail[0]
	frames := userFrames(p.Stack)
	if len(frames) > 0 {
		f.place = frames[0]
	} else if !f.misuse {
		frames = framesOrAll(p.Stack)
	}
	f.Detail = append(f.Detail, frames...)
	w.failed(f)
}

// refusal is how the text begins with which a package of ours panics when it is used wrongly.
var refusal = regexp.MustCompile(`^(choice|clock|durable|eventloop|fault|properties|sim|store)[:.]`)

func isMisuse(panicked any) bool {
	text, ok := panicked.(string)
	return ok && refusal.MatchString(text)
}

// deadlock fails the world because no task can run, nothing is to arrive and no timer is set.
func (w *World) deadlock() {
	detail := []string{"no task can run, nothing is to arrive and no timer is set"}
	w.failed(&Failure{Property: w.livenessOr(propDeadlock), Detail: append(detail, w.waiting()...)})
}

// stuck fails the world because it reached one of its limits.
func (w *World) stuck() {
	var why string
	switch {
	case w.offset() > w.cfg.MaxTime:
		why = fmt.Sprintf("virtual time has passed the limit of %s (Config.MaxTime)", span.Text(w.cfg.MaxTime))
	case w.spun > w.cfg.MaxSpin:
		why = fmt.Sprintf("%d events without any progress of time (Config.MaxSpin): it spins",
			w.cfg.MaxSpin)
	default:
		why = fmt.Sprintf("the limit of %d events is reached (Config.MaxEvents)", w.cfg.MaxEvents)
	}
	w.failed(&Failure{Property: w.livenessOr(propProgress), Detail: append([]string{why}, w.waiting()...)})
}

func (w *World) livenessOr(property string) string {
	if w.faultless {
		return propLiveness
	}
	return property
}
