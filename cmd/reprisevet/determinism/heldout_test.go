package determinism

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// The programs of testdata/heldout were written by somebody who had read neither the analyzer nor the forms
// above. At first sight it found 75 of 79, with one false alarm in 26 clean programs; what it then learned
// is in the third lists of forms and of good programs. TestHeldOut wants all of it now.
const (
	heldoutForms = 79
	heldoutClean = 26
)

// readHeldOut reads the archives of one kind. A folder is a program; a report belongs on one of the lines
// that end in // BAD.
func readHeldOut(t *testing.T, clean bool) []*form {
	archives, err := filepath.Glob(filepath.Join("testdata", "heldout", "*.txtar"))
	require.NoError(t, err)
	var out []*form
	for _, name := range archives {
		theme := strings.TrimSuffix(filepath.Base(name), ".txtar")
		if strings.HasPrefix(theme, "clean") != clean {
			continue
		}
		archive, err := txtar.ParseFile(name)
		require.NoError(t, err)
		byName := map[string]*form{}
		for _, file := range archive.Files {
			first, _, _ := strings.Cut(file.Name, "/")
			f := byName[first]
			if f == nil {
				f = &form{theme: theme, name: first, files: map[string]string{}, bad: map[line]string{}}
				byName[first] = f
				out = append(out, f)
			}
			f.addHeldOut(path.Join("heldout", file.Name), string(file.Data))
		}
	}
	return out
}

func (f *form) addHeldOut(name, text string) {
	f.files[name] = text
	for i, l := range strings.Split(text, "\n") {
		if strings.HasSuffix(l, "// BAD") {
			f.bad[line{name, i + 1}] = ""
		}
	}
}

// TestHeldOut counts: a program is found when one of its lines marked BAD gets a report; a report anywhere
// else is a false alarm.
func TestHeldOut(t *testing.T) {
	forms, clean := readHeldOut(t, false), readHeldOut(t, true)
	require.Len(t, forms, heldoutForms)
	require.Len(t, clean, heldoutClean)
	outcomes := analyze(t)
	found, alarms := 0, 0
	for _, f := range slices.Concat(forms, clean) {
		o := f.judge(outcomes)
		for _, e := range o.extra {
			alarms++
			t.Errorf("false alarm: %s", e)
		}
		switch {
		case len(f.bad) == 0:
		case len(o.missed) < len(f.bad):
			found++
		default:
			t.Errorf("missed: %s/%s", f.theme, f.name)
		}
	}
	t.Logf("%d of %d forms found, %d false alarms in %d clean programs", found, len(forms), alarms, len(clean))
}

// TestDocsNameEveryKind: docs/VET.md has an example of all that is reported.
func TestDocsNameEveryKind(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "VET.md"))
	require.NoError(t, err)
	for k := range remedies {
		require.Contains(t, string(docs), "\n| `"+string(k)+"` | ")
	}
}
