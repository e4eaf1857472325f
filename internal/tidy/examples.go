package tidy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

const (
	exampleLines     = 199 // of all files of an example but its tests
	exampleTestLines = 119 // of a test file, benchmarks aside
)

// example is a folder of examples/.
type example struct {
	lines int    // without tests
	tests string // the text of all
}

func examples(t *Tree) []Finding {
	var found []Finding
	all := map[string]*example{}
	for _, f := range t.Go() {
		dir, name := path.Split(f.Path)
		if path.Dir(path.Clean(dir)) != "examples" {
			continue
		}
		e := all[f.Dir()]
		if e == nil {
			e = &example{}
			all[f.Dir()] = e
		}
		lines := strings.Count(f.Text, "\n")
		switch {
		case !f.Test():
			e.lines += lines
		case name != "bench_test.go" && lines > exampleTestLines:
			found = append(found, Finding{
				Path: f.Path, What: fmt.Sprintf("a test of %d lines (over %d)", lines, exampleTestLines),
				Use: "less of it: what is not needed to read the properties",
			})
			fallthrough
		default:
			e.tests += f.Text
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		found = append(found, exampleParts(t, dir, all[dir])...)
	}
	return found
}

// exampleParts says what an example lacks.
func exampleParts(t *Tree, dir string, e *example) []Finding {
	var found []Finding
	if e.lines > exampleLines {
		found = append(found, Finding{
			Path: dir, What: fmt.Sprintf("an example of %d lines without its tests (over %d)", e.lines, exampleLines),
			Use: "a shorter program that shows the same",
		})
	}
	page := t.text(dir + "/README.md")
	for _, want := range []struct{ text, must, what, use string }{
		{e.tests, "properties.", "an example without a property test", "package properties in a test"},
		{e.tests, "plantedtest.Found(", "an example without a planted bug", "internal/plantedtest in a test"},
		{page, "```report", "an example that does not show its bug's report", "a block for it in README.md"},
		{page, "go run ./" + dir, "an example that does not say how to run it", "a line of README.md"},
		{
			page, "go test -tags planted ./" + dir,
			"an example that does not say how to see its bug", "a line of README.md",
		},
		{t.text("README.md"), dir + "/README.md", "an example that the first page does not name", "its table"},
	} {
		if !strings.Contains(want.text, want.must) {
			found = append(found, Finding{Path: dir, What: want.what, Use: want.use})
		}
	}
	return found
}

// text is that of a file, and empty when there is none.
func (t *Tree) text(name string) string {
	if f, ok := t.Files[name]; ok {
		return f.Text
	}
	return ""
}
