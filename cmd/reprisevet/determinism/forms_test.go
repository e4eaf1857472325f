package determinism

import (
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis/analysistest"
	"golang.org/x/tools/txtar"
)

// preamble stands in front of the first file of a form, on one line, so that lines count as in the archive.
const preamble = `package form; import "github.com/reprise-dst/reprise/durable"; `

// A form is one way to write something: a small package, with further packages under it. Lines that end in
// // BAD x must get a diagnostic that contains x, other lines none.
type form struct {
	theme string // the archive
	name  string
	files map[string]string // by path under src/
	bad   map[line]string
	known bool // to be missed
}

type line struct {
	file string
	n    int
}

// readForms reads the archives of a folder.
func readForms(t *testing.T, folder string) []*form {
	archives, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	var out []*form
	for _, name := range archives {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		theme := strings.TrimSuffix(filepath.Base(name), ".txtar")
		byName := map[string]*form{}
		for _, file := range txtar.Parse(data).Files {
			first, rest, nested := strings.Cut(file.Name, "/")
			first = strings.TrimSuffix(first, ".go")
			f := byName[first]
			if f == nil {
				f = &form{theme: theme, name: first, files: map[string]string{}, bad: map[line]string{}}
				byName[first] = f
				out = append(out, f)
			}
			text := string(file.Data)
			if !nested {
				rest, text = "form.go", preamble+text
			}
			f.add(path.Join("forms", first, rest), text)
		}
	}
	return out
}

func (f *form) add(name, text string) {
	f.files[name] = text
	for i, l := range strings.Split(text, "\n") {
		for _, mark := range []string{"// BAD ", "// MISSED "} {
			if _, want, ok := strings.Cut(l, mark); ok {
				f.bad[line{name, i + 1}] = strings.TrimSpace(want)
				f.known = f.known || mark == "// MISSED "
			}
		}
	}
}

// outcome is what the analyzer said about a form.
type outcome struct {
	missed []string // lines that should have got a diagnostic
	extra  []string // diagnostics that nothing asked for
	said   []string
}

func (o outcome) found() bool { return len(o.missed) == 0 }

// analyze analyzes all the programs of testdata in one go, once for all tests, and returns what was said.
func analyze(t *testing.T) map[line][]string {
	analyzed.Do(func() { said = analyzeAll(t) })
	require.NotNil(t, said, "the programs could not be analyzed")
	return said
}

var (
	analyzed sync.Once
	said     map[line][]string
)

func analyzeAll(t *testing.T) map[line][]string {
	files := map[string]string{}
	addStubs(t, files)
	var patterns []string
	for _, f := range slices.Concat(
		readForms(t, "forms"), readForms(t, "good"), readHeldOut(t, false), readHeldOut(t, true),
	) {
		for name, text := range f.files {
			require.NotContains(t, files, name, "two forms of one name")
			files[name] = text
			if strings.HasSuffix(name, ".go") {
				patterns = append(patterns, path.Dir(name))
			}
		}
	}
	slices.Sort(patterns)
	dir, cleanup, err := analysistest.WriteFiles(files)
	require.NoError(t, err)
	defer cleanup()
	out := map[line][]string{}
	quiet := &unexpected{}
	for _, r := range analysistest.Run(quiet, dir, Analyzer, slices.Compact(patterns)...) {
		for _, d := range r.Diagnostics {
			at := lineAt(dir, r.Pass.Fset.Position(d.Pos))
			if !slices.Contains(out[at], d.Message) { // a package and its test variant say the same
				out[at] = append(out[at], d.Message)
			}
		}
	}
	require.Empty(t, quiet.errors, "the programs must compile")
	return out
}

func lineAt(dir string, at token.Position) line {
	rel, err := filepath.Rel(filepath.Join(dir, "src"), at.Filename)
	if err != nil {
		rel = at.Filename
	}
	return line{filepath.ToSlash(rel), at.Line}
}

// judge compares what was said about a form with what it asks for.
func (f *form) judge(said map[line][]string) outcome {
	var o outcome
	for l, want := range f.bad {
		if !slices.ContainsFunc(said[l], func(s string) bool { return strings.Contains(s, want) }) {
			o.missed = append(o.missed, fmt.Sprintf("%s:%d: %s", l.file, l.n, want))
		}
	}
	for l, messages := range said {
		if _, ours := f.files[l.file]; !ours {
			continue
		}
		for _, m := range messages {
			text := fmt.Sprintf("%s:%d: %s", l.file, l.n, m)
			o.said = append(o.said, text)
			if _, asked := f.bad[l]; !asked {
				o.extra = append(o.extra, text)
			}
		}
	}
	slices.Sort(o.missed)
	slices.Sort(o.extra)
	slices.Sort(o.said)
	return o
}

// unexpected drops analysistest's own complaints about diagnostics, which have no // want here.
type unexpected struct{ errors []string }

func (u *unexpected) Errorf(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !strings.Contains(text, "unexpected diagnostic") &&
		!strings.Contains(text, "unexpected fact") {
		u.errors = append(u.errors, text)
	}
}

// addStubs adds the signatures of the modules that the forms import.
func addStubs(t *testing.T, files map[string]string) {
	root := filepath.Join("testdata", "src")
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		files[name] = string(data)
		return err
	})
	require.NoError(t, err)
}

// TestForms is the yardstick: how many of the forms of code that replay can't repeat are found. It prints
// the table and what was missed.
func TestForms(t *testing.T) {
	forms := readForms(t, "forms")
	said := analyze(t)
	found, total := map[string]int{}, map[string]int{}
	for _, f := range forms {
		o := f.judge(said)
		for _, name := range []string{f.theme, "all"} {
			total[name]++
			if o.found() {
				found[name]++
			}
		}
		switch {
		case f.known && o.found():
			t.Errorf("%s/%s is found now: make its MISSED a BAD, and tell the package comment", f.theme, f.name)
		case f.known:
			t.Logf("missed, as said in the package comment: %s/%s", f.theme, f.name)
			o.missed = nil
		}
		for _, m := range o.missed {
			t.Errorf("missed: %s\n      said: %q", m, o.said)
		}
		for _, e := range o.extra {
			t.Errorf("false alarm: %s", e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%-12s %3d of %3d forms found", name, found[name], total[name])
	}
}

// TestGood: no word about programs that replay exactly.
func TestGood(t *testing.T) {
	forms := readForms(t, "good")
	said := analyze(t)
	for _, f := range forms {
		for _, e := range f.judge(said).extra {
			t.Errorf("false alarm: %s", e)
		}
	}
	t.Logf("%d programs that replay exactly", len(forms))
}
