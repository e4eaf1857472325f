package program_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/properties/program"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// exports opens the compiled packages that printed programs import.
func exports(t *testing.T) func(path string) (io.ReadCloser, error) {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}",
		"github.com/reprise-dst/reprise/durable")
	out, err := list.Output()
	require.NoError(t, err)
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

func TestPrintedProgramsCompile(t *testing.T) {
	fset := token.NewFileSet()
	cfg := types.Config{Importer: importer.ForCompiler(fset, "gc", exports(t))}
	gen := program.Programs(program.Config{})
	all := map[string]bool{}
	for i := range 300 {
		p := gen.Example(i)
		src := p.Source("printed")
		f, err := parser.ParseFile(fset, fmt.Sprintf("printed%d.go", i), src, parser.SkipObjectResolution)
		require.NoError(t, err, p.String())
		_, err = cfg.Check("printed", fset, []*ast.File{f}, nil)
		require.NoError(t, err, p.String())
		formatted, err := format.Source([]byte(src))
		require.NoError(t, err)
		require.Equal(t, string(formatted), src)
		for _, verb := range program.Verbs() {
			all[verb] = all[verb] || p.Uses(verb)
		}
	}
	for _, verb := range program.Verbs() {
		require.True(t, all[verb], "no program used %s", verb)
	}
}

// TestGeneratedProgramsVary sees that neither generator is stuck with small programs.
func TestGeneratedProgramsVary(t *testing.T) {
	large := 0
	rapid.Check(t, func(rt *rapid.T) {
		p := program.Pick(program.Config{}, func(label string, n int) int {
			return rapid.IntRange(0, n-1).Draw(rt, label)
		})
		q := program.Programs(program.Config{}).Draw(rt, "program")
		if p.Size() >= 10 || q.Size() >= 10 {
			large++
		}
		require.Equal(rt, p.String(), p[:len(p):len(p)].String())
	})
	require.Positive(t, large)
}
