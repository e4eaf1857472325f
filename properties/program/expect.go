package program

import (
	"fmt"
	"strings"
)

// Missing compares the result of a run with what is known of all runs of the program with this input, and
// returns the first thing that the result should have and has not; empty when it has everything. It knows of
// the operations that always run and can end in one way only. A program in which a run may be cancelled from
// outside says nothing.
func (p Program) Missing(in int, result string) string {
	if p.Uses("quit") {
		return ""
	}
	lines := strings.Split(result, "\n")
	for _, want := range p.certain(in) {
		found := false
		for !found && len(lines) > 0 {
			found, lines = lines[0] == want, lines[1:]
		}
		if !found {
			return fmt.Sprintf("the line %q, in its place", want)
		}
	}
	return ""
}

// certain are lines of the log that come in this order, with others in between.
func (p Program) certain(in int) []string {
	var lines []string
	for i := range p {
		op := &p[i]
		switch op.Verb {
		case "step":
			if op.N != argSeen {
				lines = append(lines, worked(op.argument(in)))
			}
		case "sleep", "publish", "post":
			lines = append(lines, "<nil>")
		case "part", "detached":
			lines = append(lines, op.Body.certain(in)...)
		}
	}
	return lines
}

// argument is what the step is called with, unless it depends on what the run has seen.
func (op *Op) argument(in int) int {
	if op.N == argInput {
		return in % seconds
	}
	return op.N
}

// worked is what work returns.
func worked(n int) string {
	if n == seconds-1 {
		return " odd"
	}
	return fmt.Sprint("done ", n, " <nil>")
}
