package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// mostWaiting bounds the tasks that a report lists.
const mostWaiting = 20

// waiting lists the tasks that have not ended, what each of them waits for and where; then what else could
// be the reason that nothing happens.
func (w *World) waiting() []string {
	var lines []string
	tasks, all := w.loop.Tasks(), w.loop.Waiting()
	for i, t := range tasks {
		if i == mostWaiting {
			lines = append(lines, "and "+count(int64(len(tasks)-i), "more task"))
			break
		}
		where := ""
		if n := nodeOf(t); n != nil {
			where = " on " + n.name
		}
		line := fmt.Sprintf("task %q%s waits for %s", t.Name(), where, all[i].On)
		if place := userPlace(t.Stack()); place != "" {
			line += ", at " + place
		}
		if all[i].Cancelled != nil {
			line += fmt.Sprintf(" (it was cancelled: %v)", all[i].Cancelled)
		}
		lines = append(lines, line)
	}
	if d := w.loop.Deadlock(); d != nil && len(d.Cycle) > 0 {
		lines = append(lines, "a cycle: "+strings.Join(append(d.Cycle, d.Cycle[0]), " waits for "))
	}
	for _, n := range w.nodes {
		if n.inc == nil {
			lines = append(lines, fmt.Sprintf("node %q is down", n.name))
		}
	}
	for _, l := range w.links {
		if len(l.waiting) > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s back, by Hold or Partition", l.subject(),
				plural(int64(len(l.waiting)), "message is held", "messages are held")))
		}
	}
	return lines
}

// userPlace is the innermost frame of a stack that is the user's.
func userPlace(stack []eventloop.Place) string {
	for _, p := range stack {
		if !notUsers(p.Function, p.File) {
			return shortPath(p.File) + ":" + strconv.Itoa(p.Line)
		}
	}
	return ""
}

// blockedFailure is the failure of a world whose running task waits for something of Go's own.
func blockedFailure(b eventloop.Blocked) *Failure {
	subject := fmt.Sprintf("task %q", b.Task)
	if b.Task == "" {
		subject = "a callback"
	}
	detail := []string{"it is blocked natively: " + b.State}
	detail = append(detail, framesOrAll([]byte(b.Stack))...)
	return &Failure{Property: propBlocked, Subject: subject, Detail: append(detail,
		"no other task of its world can run meanwhile, and it can't be stopped: its goroutine is left behind",
		"wait through the simulator instead: its futures, channels, locks, Sleep and contexts")}
}
