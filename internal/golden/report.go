package golden

import (
	"os"
	"regexp"
	"strings"
)

var number = regexp.MustCompile(`[0-9][0-9,.]*`)

const (
	fenceOpen  = "```report\n"
	fenceClose = "\n```\n"
)

// Report fails the test unless the page shows this report of a failing sweep, in its one block that is fenced
// as "report". How to reproduce it is left out of both, since a page names its own command, and other numbers
// are taken for the same: they change with every event more or less. With -update it writes the block.
func Report(t tester, page, report string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("golden: %v", err)
		return
	}
	before, rest, opened := strings.Cut(string(data), fenceOpen)
	shown, after, closed := strings.Cut(rest, fenceClose)
	want := essence(report)
	switch {
	case !opened || !closed:
		t.Fatalf("golden: %s has no block that begins with %q and ends; write one", page, fenceOpen)
	case number.ReplaceAllString(shown, "0") == number.ReplaceAllString(want, "0"):
	case *update:
		if err := save(page, before+fenceOpen+want+fenceClose+after); err != nil {
			t.Fatalf("golden: %v", err)
			return
		}
		t.Logf("golden: wrote %s", page)
	default:
		t.Fatalf("golden: %s shows another report:\n\n%s\nIf the new one is right, accept it with:\n  %s",
			page, Diff(page, shown+"\n", "what the test produced", want+"\n"), command(t))
	}
}

// essence is a report without the paragraph that says how to reproduce it.
func essence(report string) string {
	var kept []string
	for _, paragraph := range strings.Split(strings.TrimSpace(report), "\n\n") {
		if !strings.HasPrefix(strings.TrimSpace(paragraph), "Reproduce:") {
			kept = append(kept, paragraph)
		}
	}
	return strings.Join(kept, "\n\n")
}
