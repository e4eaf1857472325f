package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorder is a tester that remembers what a test would have shown.
type recorder struct {
	name   string
	logs   []string
	failed string
}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return r.name }

func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

func TestEqualTextPasses(t *testing.T) {
	Assert(t, "poem.txt", "one\ntwo\nthree\n")
}

func TestADifferenceShowsADiffAndTheCommand(t *testing.T) {
	r := &recorder{name: "TestReport/after_a_crash"}
	file(r, "testdata", "poem.txt", "one\n2\nthree\n", false)
	Assert(t, "difference.txt", r.failed)
}

func TestAMissingFileShowsWhatWasProduced(t *testing.T) {
	r := &recorder{name: "TestReport"}
	file(r, "testdata", "no-such.txt", "a\nb\n", false)
	Assert(t, "missing.txt", r.failed)
}

func TestInvisibleDifferencesAreQuoted(t *testing.T) {
	text := Diff("old", "same\nend \n", "new", "same\nend\n")
	require.Contains(t, text, `-"end \n"`)
	require.Contains(t, text, `+"end\n"`)
	require.Empty(t, Diff("old", "x", "new", "x"))
}

func TestUpdateWritesTheFileAndThenItPasses(t *testing.T) {
	dir := t.TempDir()
	r := &recorder{name: "TestReport"}
	file(r, dir, "deep/down.txt", "new\n", true)
	require.Empty(t, r.failed)
	require.Len(t, r.logs, 1)
	require.True(t, strings.HasPrefix(r.logs[0], "golden: wrote "), r.logs[0])

	text, err := os.ReadFile(filepath.Join(dir, "deep", "down.txt"))
	require.NoError(t, err)
	require.Equal(t, "new\n", string(text))

	again := &recorder{name: "TestReport"}
	file(again, dir, "deep/down.txt", "new\n", true)
	require.Empty(t, again.failed)
	require.Empty(t, again.logs, "an equal file is left alone")
}

func TestAFileOutsideTestdataIsRefused(t *testing.T) {
	for _, name := range []string{"../golden.go", "", ".", "/etc/passwd"} {
		r := &recorder{name: "TestReport"}
		file(r, "testdata", name, "", true)
		require.Contains(t, r.failed, "is not a file name inside testdata/", "name %q", name)
	}
}

func TestAnUnreadableFileIsAnError(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.txt"), 0o755))
	r := &recorder{name: "TestReport"}
	file(r, dir, "folder.txt", "text", true)
	require.Contains(t, r.failed, "folder.txt")
}

func ExampleDiff() {
	fmt.Print(Diff("old", "red\ngreen\n", "new", "red\nblue\n"))
	// Output:
	// --- old
	// +++ new
	// @@ -1,2 +1,2 @@
	//  red
	// -green
	// +blue
}

func TestAReportOnAPageIsCompared(t *testing.T) {
	page := filepath.Join(t.TempDir(), "README.md")
	text := "# Page\n\n```report\nverdict\n\n  1 deviation\n```\n\nmore\n"
	require.NoError(t, os.WriteFile(page, []byte(text), 0o644))
	Report(t, page, "verdict\n\n  Reproduce:\n    go test\n\n  1 deviation\n")

	Report(t, page, "verdict\n\n  12 deviation\n") // other numbers

	r := &recorder{name: "TestX"}
	Report(r, page, "verdict\n\n  2 deviations\n")
	require.Contains(t, r.failed, "shows another report")
	require.Contains(t, r.failed, "+  2 deviations")

	require.NoError(t, os.WriteFile(page, []byte("# Page\n"), 0o644))
	Report(r, page, "verdict\n")
	require.Contains(t, r.failed, "has no block that begins with")
}
