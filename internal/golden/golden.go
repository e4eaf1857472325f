// Package golden compares what a test produced with a file that a person has read and accepted.
//
// A golden file holds the exact text that a piece of code must produce: a report, a trace, the
// printed form of a plan. It lies in the testdata folder of the package under test, is reviewed like
// code, and changes only when somebody asks for it:
//
//	func TestReport(t *testing.T) {
//		golden.Assert(t, "deadlock.txt", report.String())
//	}
//
// When the text differs, the test fails with a unified diff and the one command that accepts the new
// text:
//
//	go test ./sim -run '^TestReport$' -update
//
// The command writes the file and logs its name; the diff is then for git to show. `make golden`
// does the same for every package at once.
//
// # Limits
//
// A golden file is text: it is compared byte by byte, with no placeholders. What changes from run to
// run (durations, temporary folders, addresses) must be replaced by the test before it asserts, or,
// better, not be printed. Importing the package registers the flag -update, so only tests import it.
package golden

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// tester is the part of testing.TB that Assert needs.
type tester interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Updating reports whether the test runs with -update, for tests that keep another file than one
// under testdata/ up to date.
func Updating() bool { return *update }

// Assert fails the test unless got is exactly the text of testdata/name. With -update it writes the
// file, folders included, and passes. name uses slashes and stays inside testdata/.
func Assert(t tester, name, got string) {
	t.Helper()
	file(t, "testdata", name, got, *update)
}

// file is Assert with its folder and its mode given.
func file(t tester, folder, name, got string, write bool) {
	t.Helper()
	if !fs.ValidPath(name) || name == "." {
		t.Fatalf("golden: %q is not a file name inside testdata/; use a relative path with slashes", name)
		return
	}
	path := filepath.Join(folder, filepath.FromSlash(name))
	want, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		t.Fatalf("golden: %v", err)
	case !missing && string(want) == got:
		return
	case write:
		if err := save(path, got); err != nil {
			t.Fatalf("golden: %v", err)
			return
		}
		t.Logf("golden: wrote %s", path)
	case missing:
		t.Fatalf("golden: %s does not exist yet. The test produced:\n\n%s\n\nAccept it with:\n  %s",
			path, indent(got), command(t))
	default:
		t.Fatalf("golden: %s differs:\n\n%s\nIf the new text is right, accept it with:\n  %s",
			path, Diff(path, string(want), "what the test produced", got), command(t))
	}
}

// Diff returns the difference between two texts in unified form, and the empty text when they are
// equal. Texts that differ only in their end-of-line characters are shown quoted, so that the
// difference can be seen.
func Diff(oldName, before, newName, after string) string {
	if before == after {
		return ""
	}
	if visible(before) == visible(after) {
		before, after = quoteLines(before), quoteLines(after)
	}
	text := string(diff.Diff(oldName, []byte(before), newName, []byte(after)))
	// The first line repeats the names as a command line that was never run.
	if first, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(first, "diff ") {
		text = rest
	}
	return text
}

// visible is the text without what a terminal doesn't show at the end of a line.
func visible(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func quoteLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "%q\n", line)
	}
	return b.String()
}

func save(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// command is what a person pastes to accept the text. A subtest's slashes separate patterns in -run,
// so each level is anchored on its own.
func command(t tester) string {
	levels := strings.Split(t.Name(), "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return fmt.Sprintf("go test %s -run '%s' -update", here(), strings.Join(levels, "/"))
}

// here is the tested package's folder as seen from the module's root: tests run in their folder.
func here() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			rel, err := filepath.Rel(root, dir)
			if err != nil || rel == "." {
				return "."
			}
			return "./" + filepath.ToSlash(rel)
		}
		if root == filepath.Dir(root) {
			return "."
		}
	}
}

func indent(text string) string {
	return "  | " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  | ")
}
