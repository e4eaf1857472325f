// Package tidy keeps the rules of the house as a test.
//
// A rule that only a document states is forgotten under pressure; a rule that a test states is a
// line of output that says what to write instead:
//
//	durable/engine.go:88: time.Now in deterministic code is banned, use the host's Now, or …
//
// `go test ./internal/tidy` reads the whole tree (Go files, Markdown, Makefile, CI) and applies every
// Rule of Rules to it. Each rule has an archive of small bad sources in testdata/ with the findings
// that it must give, so that a rule that went blind is a failing test as well.
//
// # Words
//
// A finding is one line of output; a warning is a finding that does not fail the test. Deterministic
// code is what may run inside a simulated world: the packages in the table deterministic, without
// their tests, their conformance suites, and the files in the table outside, which are the far side of
// a seam (goroutines, the wall clock) or drive worlds from without.
//
// # Marks
//
// Two rules can be answered on the line itself, always with a reason:
//
//	for id := range seen { //tidy:unordered only counts
//	t.Skip("no SIGKILL here") //tidy:skip Windows has no such signal
//
// A mark without a reason, and a mark that nothing needs, are findings.
//
// # Limits
//
// The package type-checks the project's own sources against the export data of the standard library.
// Other modules are not loaded (that would mean building Pebble to look for a map), so a map that
// comes straight out of a third-party call is not recognised. Tests are exempt from the rules on
// determinism and imports.
package tidy

import (
	"cmp"
	"fmt"
	"slices"
)

// A Finding is one place where the tree breaks a rule.
type Finding struct {
	Path string // slash-separated, relative to the root
	Line int    // 1-based; 0 when the finding is about the file or folder as a whole
	What string // what stands there
	Use  string // what to write instead
	Warn bool   // reported, but does not fail
}

// String prints the finding as file:line: X is banned, use Y.
func (f Finding) String() string {
	place := f.Path
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.Path, f.Line)
	}
	if f.Warn {
		return fmt.Sprintf("%s: warning: %s; %s", place, f.What, f.Use)
	}
	return fmt.Sprintf("%s: %s is banned, use %s", place, f.What, f.Use)
}

// A Rule looks at the whole tree and says what is wrong with it.
type Rule struct {
	Name  string // also the name of its archive in testdata/
	Why   string // one sentence, printed above the findings
	Check func(*Tree) []Finding
}

// Rules returns all rules in the order in which they are reported.
func Rules() []Rule {
	return []Rule{
		{"parse", "What can't be read can't be checked.", parseErrors},
		{
			"determinism", "One seed must decide everything: goroutines, the wall clock, map order and " +
				"hidden generators decide things behind its back. (A file on the far side of a seam is " +
				"named in the table outside in internal/tidy/determinism.go, with its reason.)", determinism,
		},
		{
			"imports", "Each package knows as little as it can: who may import whom is in " +
				"docs/ARCHITECTURE.md.", imports,
		},
		{"docs", "The package comment is the manual, and every exported name says what it does.", docs},
		{"size", "A file has one responsibility, a function one thought, a line room beside a diff.", size},
		{
			"examples", "People copy an example that they can read in one go: short, checked, with a bug that " +
				"shows what a report looks like.", examples,
		},
		{"names", "A package is named after the concept that it holds.", names},
		{"marks", "What is left over is either done now or said plainly as a limit.", marks},
		{"skips", "A skipped test looks like a passed one.", skips},
		{"house", "A newcomer finds licence, manual, decisions and changes where they belong.", house},
		{"snippets", "Code in a document is code that was compiled and tested.", snippets},
		{"links", "A document that leads nowhere costs its reader the trust in all others.", links},
	}
}

// Run applies one rule and returns its findings, ordered by place.
func (r Rule) Run(t *Tree) []Finding {
	found := r.Check(t)
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	return slices.Compact(found)
}
