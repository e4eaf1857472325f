package eventloop_test

import (
	"errors"
	"testing"

	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/internal/eventloop/looptest"
)

func TestConformance(t *testing.T) {
	looptest.Run(t, openLoop, loopErrors)
}

func TestConformanceOfTheReference(t *testing.T) {
	looptest.Run(t, func() looptest.Loop { return looptest.NewReference() }, looptest.Errors{
		Killed: looptest.ErrRefKilled,
		Panic: func(err error) (any, []byte, bool) {
			var p *looptest.RefPanic
			if !errors.As(err, &p) {
				return nil, nil, false
			}
			return p.Value, p.Stack, true
		},
	})
}

var loopErrors = looptest.Errors{
	Killed: eventloop.ErrKilled,
	Panic: func(err error) (any, []byte, bool) {
		var p *eventloop.PanicError
		if !errors.As(err, &p) {
			return nil, nil, false
		}
		return p.Value, p.Stack, true
	},
}

// loop and task fit the package to the suite's interfaces.
type loop struct{ *eventloop.Loop }

type task struct{ *eventloop.Task }

func openLoop() looptest.Loop { return loop{eventloop.New()} }

func (l loop) Go(name string, fn func()) looptest.Task { return task{l.Loop.Go(name, fn)} }

func (l loop) Current() looptest.Task {
	if t := l.Loop.Current(); t != nil {
		return task{t}
	}
	return nil
}

func (l loop) Tasks() (all []looptest.Task) {
	for _, t := range l.Loop.Tasks() {
		all = append(all, task{t})
	}
	return all
}

func (t task) OnDone(fn func()) { t.Task.OnDone(func(*eventloop.Task) { fn() }) }
