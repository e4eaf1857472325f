package sim

import (
	"fmt"
	"slices"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/shrink"
)

// investigation turns a finding into a report: it runs the world again, twice, with the trace recorded,
// makes the schedule smaller, and saves what is left.
type investigation struct {
	cfg     *Config
	body    func(*World)
	finding *finding
	out     *report
	expired func() bool // whether the time for shrinking is over
}

// investigate reports a finding.
func (v *investigation) investigate() *report {
	f := v.finding
	v.out = &report{
		test: v.cfg.Name, failure: f.failure,
		seed: f.run.Seed, seeded: f.run.Seeded, strategy: f.run.Strategy, explore: v.cfg.explore,
		selfCheck: f.failure.Property == propAlike, faults: v.faultsHeader(), starts: v.startsFlag(), path: f.path,
	}
	if f.blocked {
		return v.out
	}
	if v.out.misuse = f.failure.misuse && v.always(); v.out.misuse {
		return v.out
	}
	first, second := v.perform(v.source()), v.perform(v.source())
	switch {
	case first.trace.hash != second.trace.hash || f.failure.Property == propAlike && first.failure == nil:
		v.parted(first, second)
		return v.out
	case first.failure == nil || f.hash != 0 && first.trace.hash != f.hash:
		v.vanished(first)
		return v.out
	}
	last := first
	if f.path == "" {
		last = v.shrink(first)
	}
	v.describe(last)
	v.save(last)
	return v.out
}

// always reports whether the run without deviations fails in the same way.
func (v *investigation) always() bool {
	w := v.perform(choice.Reproduce(nil))
	return w.failure != nil && w.failure.key() == v.finding.failure.key()
}

// source answers as the failing run was answered.
func (v *investigation) source() choice.Source {
	f := v.finding
	if f.path != "" || f.run.Strategy == "" { // a saved schedule, fuzzing or rapid chose
		return choice.Reproduce(f.devs)
	}
	return f.run.Again()
}

// perform runs one world with its trace recorded, watched, on a goroutine of its own.
func (v *investigation) perform(src choice.Source) *World {
	w := newWorld(v.cfg, v.finding.run.Seed, src, true)
	performAlone(w, v.body)
	return w
}

// performAlone runs a world on a lane of its own and waits until it has ended or hangs.
func performAlone(w *World, body func(*World)) {
	begun := false
	hung := runLanes(1, func(l *lane) bool {
		if begun {
			return false
		}
		begun = true
		l.perform(&job{world: w, ended: func(*World) {}}, body)
		return true
	})
	if hung != nil {
		w.failure, w.hangs = hung.failure, true
	}
}

// shrink looks for a smaller schedule that fails in the same way and returns its run, recorded.
func (v *investigation) shrink(first *World) *World {
	if v.cfg.ShrinkRuns < 0 {
		return first
	}
	lanes := laneCount(v.cfg)
	result := shrink.Shrink(
		shrink.Failure{Property: first.failure.key(), Deviations: first.list.Deviations()},
		shrink.Budget{Tries: v.cfg.ShrinkRuns, Expired: v.expired, Width: lanes},
		func(devs []choice.Deviation) shrink.Outcome {
			w := newWorld(v.cfg, v.finding.run.Seed, choice.Reproduce(devs), false)
			performAlone(w, v.body)
			o := shrink.Outcome{Used: w.list.Deviations(), Choices: w.list.Choices()}
			if w.failure != nil {
				o.Property = w.failure.key()
			}
			return o
		})
	v.out.shrinkRuns, v.out.minimal = result.Tries, result.Minimal
	w := v.perform(choice.Reproduce(result.Deviations))
	if !result.Reproduced || w.failure == nil || w.failure.key() != first.failure.key() {
		v.out.notes = append(v.out.notes, "shrinking gave up: the failing schedule did not fail again")
		return first
	}
	return w
}

// describe fills the report from the run that is shown.
func (v *investigation) describe(w *World) {
	v.out.shown = true
	v.out.failure = w.failure
	v.out.choices = w.list.Len()
	v.out.deviations = w.deviationsInOrder()
	v.out.log = w.trace.log
	if r, ok := w.source.(*choice.Reproducer); ok && v.finding.path != "" {
		v.out.drifted, v.out.deviated = r.Drifted(), len(v.finding.devs)
	}
}

// save writes the schedule of the run that is shown, and its trace.
func (v *investigation) save(w *World) {
	golang, reprise := versions()
	v.out.schedule = choice.Schedule{
		Test: v.cfg.Name, Seed: v.finding.run.Seed, Go: golang, Reprise: reprise, Property: w.failure.Property,
		Faults: v.out.faults, Deviations: w.list.Deviations(),
	}
	var err error
	switch {
	case v.finding.path != "":
		v.out.tracePath, err = saveTrace(v.finding.path, v.traceFile(w))
	case v.cfg.Dir != "":
		v.out.path, v.out.tracePath, err = save(v.cfg.Dir, v.out.schedule, v.traceFile(w))
	default:
		return
	}
	if err == nil && v.cfg.trace == traceJSON {
		err = saveJSON(v.out.tracePath, w.trace.log)
	}
	if err != nil {
		v.out.notes = append(v.out.notes, err.Error())
	}
}

func (v *investigation) traceFile(w *World) string {
	return fmt.Sprintf("%s: %s\n\n%s", v.cfg.Name, w.failure.verdict(), traceAsText(w.trace.log))
}

func (v *investigation) faultsHeader() string {
	if v.cfg.ownFaults {
		return v.cfg.Faults.String()
	}
	return ""
}

func (v *investigation) startsFlag() string {
	switch {
	case !v.cfg.ownStarts:
		return ""
	case v.cfg.RandomStarts:
		return startsRandom
	}
	return startsFIFO
}

// parted reports that two runs of one schedule are not alike.
func (v *investigation) parted(first, second *World) {
	f := &Failure{Property: propAlike, Subject: fmt.Sprintf("seed %d", v.finding.run.Seed)}
	i := 0
	for i < len(first.trace.log) && i < len(second.trace.log) && first.trace.log[i] == second.trace.log[i] {
		i++
	}
	f.Detail = append(f.Detail, fmt.Sprintf("the first event at which two runs part is #%d:", i+1))
	for k, w := range []*World{first, second} {
		side := [...]string{"first run   ", "second run  "}[k]
		if i < len(w.trace.log) {
			e := &w.trace.log[i]
			f.Detail = append(f.Detail, "  "+side+pad(offsetText(e.At), 10)+" "+pad(e.who(), 8)+" "+e.Text)
		} else {
			f.Detail = append(f.Detail, "  "+side+"has ended")
		}
	}
	if i == len(first.trace.log) && i == len(second.trace.log) {
		f.Detail = []string{"the sweep ran it twice and got two traces; two further runs are alike"}
	}
	f.Detail = append(f.Detail, outsideHints...)
	if first.failure != nil {
		f.Detail = append(f.Detail, "", "besides, "+first.failure.verdict())
		f.Detail = append(f.Detail, first.failure.Detail...)
	}
	v.out.failure = f
}

// outsideHints say where to look when a world is not a function of its seed.
var outsideHints = []string{
	"something outside of the simulator decides: look for a range over a map, time.Now, math/rand, a go",
	"statement, or package-level state that one run leaves to the next",
}

// vanished reports a failure that does not come back although the runs are alike.
func (v *investigation) vanished(first *World) {
	f := v.finding
	v.out.vanished = true
	detail := []string{fmt.Sprintf("the run that failed: %s", f.failure.verdict())}
	for _, line := range f.failure.Detail {
		detail = append(detail, "  "+line)
	}
	now := "passed, both times alike"
	if first.failure != nil {
		now = "failed otherwise, both times alike: " + first.failure.verdict()
	}
	detail = append(detail, "run again, it "+now)
	v.out.failure = &Failure{
		Property: propAlike, Subject: fmt.Sprintf("seed %d", f.run.Seed),
		Detail: append(detail, outsideHints...),
	}
}

// deviationsInOrder lists the deviations in the order of the trace, with what they meant.
func (w *World) deviationsInOrder() []deviation {
	var all []deviation
	for _, d := range w.list.Deviations() {
		i := slices.IndexFunc(w.deviations, func(o deviation) bool {
			return o.label == d.Label && o.occurrence == d.Occurrence
		})
		if i >= 0 {
			all = append(all, w.deviations[i])
		} else {
			all = append(all, deviation{label: d.Label, occurrence: d.Occurrence, text: d.String()})
		}
	}
	return all
}

// key tells failures apart when a schedule is shrunk: the property, and the place for failures that all
// have the same one.
func (f *Failure) key() string { return f.Property + "\x00" + f.place }
