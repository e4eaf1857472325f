package program

import "context"

// SpoilNames makes the names of steps go through f.
func (o *Outside) SpoilNames(f func(step string) string) { o.name = f }

// What the code of programs uses.
var (
	Mail     = mail
	Progress = progress
	Options  = options
	Count    = count
	Patience = patience
	Check    = check
	Beats    = beats
	OneByOne = oneByOne
)

// Steps are the functions of the steps.
func (o *Outside) Steps() (work, flaky, letter, ask, quit, beat func(context.Context, int) (string, error)) {
	return o.work, o.flaky, o.letter, o.ask, o.quit, o.beat
}
