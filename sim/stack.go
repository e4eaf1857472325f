package sim

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

const modulePrefix = "github.com/reprise-dst/reprise/"

// userFrames picks from a stack, as runtime/debug.Stack prints it, the frames of the code under test.
func userFrames(stack []byte) []string {
	lines := strings.Split(strings.TrimRight(string(stack), "\n"), "\n")
	var frames []string
	// A frame is two lines: the function with its arguments, then a tab, the file and the line.
	for i := 1; i+1 < len(lines); i++ {
		place, isPlace := strings.CutPrefix(lines[i+1], "\t")
		if !isPlace || strings.HasPrefix(lines[i], "\t") {
			continue
		}
		file, line := splitPlace(place)
		function := strings.TrimPrefix(lines[i], "created by ")
		if notUsers(function, file) {
			continue
		}
		frames = append(frames, "at "+shortPath(file)+":"+line)
	}
	return frames
}

// framesOrAll is userFrames, and the whole stack when there are none: then the fault may be ours.
func framesOrAll(stack []byte) []string {
	if frames := userFrames(stack); len(frames) > 0 {
		return frames
	}
	return strings.Split(strings.TrimRight(string(stack), "\n"), "\n")
}

// splitPlace takes "file.go:12 +0x1d" apart.
func splitPlace(place string) (file, line string) {
	place, _, _ = strings.Cut(place, " ")
	i := strings.LastIndexByte(place, ':')
	if i < 0 {
		return place, "?"
	}
	return place[:i], place[i+1:]
}

// notUsers reports whether a frame belongs to the simulator, the standard library or an assertion library.
func notUsers(function, file string) bool {
	pkg := packageOf(function)
	if rest, ours := strings.CutPrefix(pkg, modulePrefix); ours {
		return !strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(rest, "examples/") &&
			!strings.HasPrefix(rest, "cmd/") && rest != "properties/kernels"
	}
	if strings.HasPrefix(pkg, "github.com/stretchr/testify/") || pkg == "pgregory.net/rapid" || pkg == "panic" {
		return true
	}
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "main" && !strings.Contains(first, ".") && strings.HasPrefix(file, goRoot)
}

// packageOf is the import path in a function's full name.
func packageOf(function string) string {
	path := function
	if i := strings.IndexAny(path, "(["); i >= 0 {
		path = path[:i]
	}
	slash := strings.LastIndexByte(path, '/')
	if dot := strings.IndexByte(path[slash+1:], '.'); dot >= 0 {
		return path[:slash+1+dot]
	}
	return path
}

// goRoot is where the standard library's files lie, as this binary knows them: empty with -trimpath.
var goRoot = func() string {
	f := runtime.FuncForPC(reflect.ValueOf(debug.Stack).Pointer())
	file, _ := f.FileLine(f.Entry())
	return strings.TrimSuffix(file, "runtime/debug/stack.go")
}()

// shortPath is a file's name as a person at the package's folder would write it.
func shortPath(file string) string {
	if dir, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(dir, file); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
}

// callerOutside is the place of the user's code that called into the simulator.
func callerOutside() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if frame.File != "" && !notUsers(frame.Function, frame.File) {
			return shortPath(frame.File) + ":" + strconv.Itoa(frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// assertionLines takes the message of an assertion library apart: testify's is a table whose rows "Error
// Trace" and "Test" say what the report says better.
func assertionLines(text string) []string {
	var lines []string
	drop := false
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		row, isRow := strings.CutPrefix(line, "\t")
		label, content, hasLabel := strings.Cut(row, "\t")
		if !isRow || !hasLabel {
			lines = append(lines, strings.TrimRight(line, " \t"))
			continue
		}
		if label = strings.TrimSpace(label); label != "" {
			drop = label == "Error Trace:" || label == "Test:"
		}
		if !drop {
			lines = append(lines, strings.TrimRight(content, " \t"))
		}
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}
