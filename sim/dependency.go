package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprise-dst/reprise/fault"
)

// ErrUnavailable is what a dependency answers when it fails. Whether the operation had its effect is unknown.
var ErrUnavailable = errors.New("sim: the dependency is unavailable")

// The answers at a dependency's point for errors.
const (
	dependencyWorks = iota
	dependencyRefuses
	dependencyForgets // the operation has its effect, and its answer is lost
	dependencyAnswers
)

// Dependency is something outside of all nodes that answers slowly or not at all: a payment provider, a
// mail server. It outlives every crash. Its own state is what the test makes of it. It fails only when the
// fault plan has dependency-error, which fault.Default, the plan of a Config without one, does not.
type Dependency struct {
	world  *World
	name   string
	errors site
	slow   site
	down   bool
}

// Dependency makes a dependency. Its name must differ from those of nodes and other dependencies; in a fault
// plan, "dependency-error 5% on NAME" is about it.
func (w *World) Dependency(name string) *Dependency {
	w.current("World.Dependency")
	if d := w.dependencies[name]; d != nil && w.repeats != nil {
		return d
	}
	w.takeName("World.Dependency", name)
	at := func(kind fault.Kind, label string) site {
		return site{w.list.Point(name + label), w.faults.Site(kind, name, name+label)}
	}
	d := &Dependency{
		world: w, name: name, errors: at(fault.DependencyError, "/error"),
		slow: at(fault.Slow, "/slow"),
	}
	if w.dependencies == nil {
		w.dependencies = make(map[string]*Dependency)
	}
	w.dependencies[name] = d
	return d
}

// Do lets the dependency carry out an operation by calling work, for a task of any node or of none. It may
// answer late, in virtual time, or with ErrUnavailable, wrapped: before the operation has its effect, or
// after it. It returns the cause of ctx when that is done first.
func (d *Dependency) Do(ctx context.Context, operation string, work func() error) error {
	w := d.world
	w.current("Dependency.Do")
	if d.down {
		return fmt.Errorf("%w: %s, during %s", ErrUnavailable, d.name, operation)
	}
	if k := d.slow.faults.Ask(len(latencies) + 1); k != 0 {
		d.note(&d.slow, operation, "takes "+latencies[k-1].String())
		if err := w.Sleep(ctx, latencies[k-1]); err != nil {
			return err
		}
	}
	answer := d.errors.faults.Ask(dependencyAnswers)
	if answer == dependencyRefuses {
		d.note(&d.errors, operation, "fails before it has an effect")
		return fmt.Errorf("%w: %s, during %s", ErrUnavailable, d.name, operation)
	}
	err := work()
	if answer == dependencyForgets {
		d.note(&d.errors, operation, "has its effect, and its answer is lost")
		return fmt.Errorf("%w: %s, during %s", ErrUnavailable, d.name, operation)
	}
	return err
}

// Break makes every operation fail until Repair.
func (d *Dependency) Break() { d.set("Dependency.Break", true) }

// Repair ends what Break began.
func (d *Dependency) Repair() { d.set("Dependency.Repair", false) }

func (d *Dependency) set(what string, down bool) {
	d.world.current(what)
	d.down = down
	state := "is repaired"
	if down {
		state = "is broken"
	}
	d.world.event(evFault, nil, d.name, state, 0)
}

// note puts a fault of the dependency into the trace and among the deviations.
func (d *Dependency) note(s *site, operation, text string) {
	w := d.world
	w.event(evFault, nil, d.name, operation, 0)
	if w.trace.record {
		text = fmt.Sprintf("%q %s", operation, text)
		w.retext(d.name + ": " + text)
		w.deviate(s.point, nil, d.name, text)
	}
}
