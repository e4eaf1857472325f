package eventloop

import (
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

func quote(s string) string { return strconv.Quote(s) }

// A Place is a position in source code. The zero value means that it is not known.
type Place struct {
	Function string // with its package path
	File     string // the whole path
	Line     int
}

// String is the file's name and the line: order.go:41.
func (p Place) String() string {
	if p.File == "" {
		return "an unknown place"
	}
	return filepath.Base(p.File) + ":" + strconv.Itoa(p.Line)
}

// Where is the call in user code that the task waits in: the innermost frame that belongs to neither this
// module's machinery nor Go's own library. It is not known for a task that runs, has not started or has
// ended.
func (t *Task) Where() Place { return userPlace(t.Stack()) }

// Stack is the whole stack of a task that waits, innermost call first; nil if it runs, has not started or
// has ended.
func (t *Task) Stack() []Place {
	t.l.mustBeInside("Stack")
	if t.state == running || t.w.get() == nil || t.abandoned {
		return nil
	}
	// Its stack is known to its coroutine only. So it is resumed to answer, and waits on.
	t.probing, t.roused = true, true
	t.l.resume(t)
	t.probing = false
	pcs := t.l.answer
	t.l.answer = nil
	var places []Place
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		places = append(places, Place{f.Function, f.File, f.Line})
		if !more {
			return places
		}
	}
}

// maxDepth is how much of a waiting task's stack is looked at.
const maxDepth = 64

func (t *Task) answerProbe() {
	pcs := make([]uintptr, maxDepth)
	t.l.answer = pcs[:runtime.Callers(3, pcs)]
}

// userPlace picks the frame to show. If all frames are ours, it is the first outside this package.
func userPlace(stack []Place) Place {
	var fallback Place
	for _, p := range stack {
		switch {
		case !machinery(p):
			return p
		case fallback.File == "" && !strings.HasPrefix(p.Function, module+"internal/eventloop.") && !standard(p):
			fallback = p
		}
	}
	return fallback
}

const module = "github.com/reprise-dst/reprise/"

// machinery reports whether a frame belongs to this module's packages or to the runtime. Tests are users.
func machinery(p Place) bool {
	if standard(p) {
		return true
	}
	rest, ours := strings.CutPrefix(p.Function, module)
	if !ours || strings.HasSuffix(p.File, "_test.go") {
		return false
	}
	for _, folder := range []string{"clock", "durable", "fault", "internal", "properties", "sim", "store"} {
		if after, ok := strings.CutPrefix(rest, folder); ok && (after[0] == '.' || after[0] == '/') {
			return true
		}
	}
	return false
}

// standard reports whether a frame belongs to Go itself.
func standard(p Place) bool {
	if standardRoot != "" {
		return strings.HasPrefix(p.File, standardRoot)
	}
	// Built with -trimpath: a file is called after its package. Those of the standard library have no dot in
	// the first part of the path, and most modules have one.
	first, _, _ := strings.Cut(p.File, "/")
	return !strings.Contains(first, ".") && !strings.HasPrefix(p.Function, "main.") &&
		(mainModule == "" || !strings.HasPrefix(p.File, mainModule+"/"))
}

// standardRoot is the folder of the standard library's source, as this program knows it.
var standardRoot = func() string {
	const known = "strings/strings.go"
	file, _ := runtime.FuncForPC(reflect.ValueOf(strings.Index).Pointer()).FileLine(0)
	root, _ := strings.CutSuffix(file, known)
	return root
}()

// mainModule is the path of the module that this program was built from, if it is known.
var mainModule = func() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	return info.Main.Path
}()
