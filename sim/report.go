package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

// report is what a person reads about a failure: the verdict first, then one command that can be pasted,
// then only the events that matter.
type report struct {
	test      string
	failure   *Failure
	seed      uint64
	seeded    bool   // the seed and the strategy say all there is to say
	strategy  string // as -sim.explore takes it
	explore   string // the strategy of the test itself
	selfCheck bool   // the failure shows only when a passing run runs again
	faults    string // the fault plan when it isn't the test's own
	starts    string // the order of starts when it isn't the test's own
	input     string // the name of the fuzzing input, as -run takes it; empty when none was run

	deviations []deviation
	shown      bool // a run is described, with its deviations and choices
	choices    int
	shrinkRuns int
	minimal    bool
	drifted    []choice.Deviation
	deviated   int // deviations of the schedule that was run

	schedule  choice.Schedule
	path      string // of the schedule; empty when none was saved
	tracePath string
	vanished  bool // the run alone doesn't fail
	misuse    bool // no run can pass: the code uses the simulator, or what runs in it, wrongly
	notes     []string
	log       []Event
	showLog   bool
}

// String is the report. Its first line is the verdict.
func (r *report) String() string {
	var b strings.Builder
	verdict, detail := r.failure.verdict(), r.failure.Detail
	if r.misuse {
		verdict, detail = strings.TrimPrefix(detail[0], "panic: "), detail[1:]
	}
	b.WriteString("reprise: " + verdict + "\n")
	for _, line := range detail {
		b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
	}
	if r.misuse {
		return strings.TrimRight(b.String(), "\n")
	}
	r.writeCommand(&b)
	r.writeDeviations(&b)
	r.writeDrift(&b)
	for _, note := range r.notes {
		b.WriteString("    Note: " + note + "\n")
	}
	if r.tracePath != "" {
		b.WriteString("    Full trace: " + r.tracePath + "\n")
	}
	if r.showLog {
		b.WriteString("    Trace:\n")
		for line := range strings.Lines(traceAsText(r.log)) {
			b.WriteString("      " + line)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// writeCommand says how to see the failure again.
func (r *report) writeCommand(b *strings.Builder) {
	seed := r.seedArgs()
	if r.vanished {
		seed = nil
		b.WriteString("\n    It takes the whole sweep to see it again:\n      " + command(r.test) + "\n")
	}
	switch {
	case r.path != "":
		b.WriteString("\n    Reproduce:\n      " + command(r.test, "-sim.schedule="+shellArg(r.path)) + "\n")
		if len(seed) > 0 {
			b.WriteString("      (or " + strings.Join(seed, " ") + ", before shrinking)\n")
		}
	case r.input != "":
		b.WriteString("\n    Reproduce:\n      " + command(r.input) + "\n")
	case len(seed) > 0:
		b.WriteString("\n    Reproduce:\n      " + command(r.test, seed...) + "\n")
	}
}

// seedArgs are the flags that lead to the run as the sweep met it; none when only its schedule does.
func (r *report) seedArgs() []string {
	if r.input != "" {
		return []string{"-run " + runPattern(r.input)}
	}
	if !r.seeded {
		return nil
	}
	args := []string{"-sim.seed=" + strconv.FormatUint(r.seed, 10)}
	if r.strategy != r.explore {
		args = append(args, "-sim.explore="+r.strategy)
	}
	if r.selfCheck {
		args = append(args, "-sim.selfcheck=1")
	}
	if r.faults != "" {
		args = append(args, "-sim.faults="+shellArg(r.faults))
	}
	if r.starts != "" {
		args = append(args, "-sim.starts="+r.starts)
	}
	return args
}

// writeDeviations lists what distinguishes the run from the dullest one.
func (r *report) writeDeviations(b *strings.Builder) {
	if !r.shown {
		return
	}
	cost := fmt.Sprintf("of %s", count(int64(r.choices), "choice"))
	if r.shrinkRuns > 0 {
		cost += fmt.Sprintf("; %s to shrink", count(int64(r.shrinkRuns), "run"))
		if !r.minimal {
			cost += ", stopped by the budget"
		}
	}
	if len(r.deviations) == 0 {
		fmt.Fprintf(b, "\n    No deviation from the FIFO, fault-free run is needed (%s).\n", cost)
		return
	}
	fmt.Fprintf(b, "\n    %s from the FIFO, fault-free run (%s):\n",
		count(int64(len(r.deviations)), "deviation"), cost)
	rows := make([][]string, len(r.deviations))
	for i, d := range r.deviations {
		rows[i] = []string{"#" + strconv.Itoa(d.event), offsetText(d.at), d.subject, d.text}
	}
	writeTable(b, "      ", rows)
}

// writeDrift says which deviations of the schedule had no effect.
func (r *report) writeDrift(b *strings.Builder) {
	if len(r.drifted) == 0 {
		return
	}
	fmt.Fprintf(b, "    Drift: %d of the schedule's %s met no such choice, the code has changed:\n",
		len(r.drifted), count(int64(r.deviated), "deviation"))
	for _, d := range r.drifted {
		b.WriteString("      " + d.String() + "\n")
	}
}

// writeTable writes rows whose columns, but the last, are as wide as their widest cell.
func writeTable(b *strings.Builder, indent string, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		b.WriteString(indent)
		for i, cell := range row {
			if i < len(row)-1 {
				cell = pad(cell, widths[i]) + "  "
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
}
