package eventloop

import (
	"slices"
	"strconv"
	"strings"
)

// A goroutineDump is one goroutine of a stack dump.
type goroutineDump struct {
	number uint64
	state  string // without the minutes and what else follows it
	places []Place
	text   string
}

// parseDump reads what runtime.Stack prints for all goroutines. It skips what it does not understand.
func parseDump(text string) []goroutineDump {
	var all []goroutineDump
	for part := range strings.SplitSeq(text, "\n\n") {
		if g, ok := parseGoroutine(part); ok {
			all = append(all, g)
		}
	}
	return all
}

// parseGoroutine reads a head and pairs of lines:
//
//	goroutine 17 [chan receive, 2 minutes]:
//	main.wait(0xc000012345, {0x4a, 0x3})
//		/src/app/wait.go:41 +0x1d
//	created by main.main in goroutine 1
//		/src/app/main.go:7 +0x25
func parseGoroutine(text string) (goroutineDump, bool) {
	head, rest, _ := strings.Cut(text, "\n")
	number, ok := parseGoroutineNumber([]byte(head))
	_, state, found := strings.Cut(head, " [")
	if !ok || !found {
		return goroutineDump{}, false
	}
	state, _, _ = strings.Cut(state, "]")
	state, _, _ = strings.Cut(state, ",")
	g := goroutineDump{number: number, state: state, text: text}
	for rest != "" {
		var call, at string
		call, rest, _ = strings.Cut(rest, "\n")
		at, rest, _ = strings.Cut(rest, "\n")
		if strings.HasPrefix(call, "created by ") {
			break
		}
		g.places = append(g.places, parsePlace(call, at))
	}
	return g, true
}

func parsePlace(call, at string) Place {
	if i := strings.LastIndex(call, "("); i > 0 {
		call = call[:i] // the arguments; a method's receiver stands before them
	}
	at, _, _ = strings.Cut(strings.TrimSpace(at), " ")
	file, line, _ := cutLast(at, ":")
	n, _ := strconv.Atoi(line)
	return Place{Function: call, File: file, Line: n}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// waits are the states in which a goroutine waits until another one, a file or the native clock wakes it.
// States that the runtime itself causes, such as help with garbage collection, are not among them, nor are
// "running", "runnable" and "syscall", however long they last.
var waits = []string{
	"chan receive", "chan receive (nil chan)", "chan send", "chan send (nil chan)",
	"select", "select (no cases)", "sleep", "semacquire", "IO wait",
	"sync.Cond.Wait", "sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock", "sync.WaitGroup.Wait",
}

func (g goroutineDump) blocked() bool {
	state := strings.TrimSuffix(strings.TrimSuffix(g.state, " (scan)"), " (durable)")
	return slices.Contains(waits, state)
}

// idle reports whether the goroutine will not act before someone else does. One that waits for a file, or
// sleeps natively, will act of its own; one that runs may.
func (g goroutineDump) idle() bool {
	switch {
	case g.state == "IO wait" || g.state == "sleep":
		return false
	case g.blocked() || g.state == "coroutine":
		return true
	case g.state == "syscall":
		return g.calls("os/signal.signal_recv") // waits for signals as long as the process lives
	}
	return false
}

func (g goroutineDump) inLoop() bool {
	return g.calls(module+"internal/eventloop.(*Loop).run") ||
		g.calls(module+"internal/eventloop.(*worker).loop")
}

func (g goroutineDump) inCallback() bool {
	return g.calls(module + "internal/eventloop.(*Loop).callback")
}

func (g goroutineDump) calls(function string) bool {
	return slices.ContainsFunc(g.places, func(p Place) bool { return p.Function == function })
}
