package program_test

import (
	"context"
	"fmt"
	"go/format"
	"os"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// What the programs in printed_code_test.go use.
var (
	errOdd   = program.ErrOdd
	mail     = program.Mail
	progress = program.Progress
	options  = program.Options
	count    = program.Count

	work, flaky, letter, quit func(context.Context, int) (string, error)
)

// samples are generated programs of a readable size which together use every verb.
func samples() []program.Program {
	var few []program.Program
	missing := program.Verbs()
	gen := program.Programs(program.Config{Length: 4})
	for i := 0; len(missing) > 0; i++ {
		p := gen.Example(i)
		var left []string
		for _, verb := range missing {
			if !p.Uses(verb) {
				left = append(left, verb)
			}
		}
		if p.Size() <= 20 && len(left) < len(missing) {
			missing, few = left, append(few, p)
		}
	}
	return few
}

// printed is the file that has the samples as code.
func printed(t *testing.T, few []program.Program) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("package program_test\n\nimport (\n\t\"fmt\"\n\t\"strings\"\n\t\"time\"\n\n" +
		"\t\"github.com/reprise-dst/reprise/durable\"\n)\n\n// The generated programs of samples, as they are printed.\n" +
		"var printedCode = []func() (*durable.Workflow[int, string], []durable.Definition){\n")
	for _, p := range few {
		_, children := p.Workflow(program.Outside{})
		names := make([]string, len(children))
		for i, c := range children {
			names[i] = c.Name()
		}
		fmt.Fprintf(&b, "func() (*durable.Workflow[int, string], []durable.Definition) {\n%s"+
			"return program, []durable.Definition{%s}\n},\n", p, strings.Join(names, ", "))
	}
	b.WriteString("}\n")
	src, err := format.Source([]byte(b.String()))
	require.NoError(t, err)
	return string(src)
}

// TestPrintedCodeIsTheProgram runs programs, and their printed code, in the same worlds.
func TestPrintedCodeIsTheProgram(t *testing.T) {
	const file = "printed_code_test.go"
	few := samples()
	code := printed(t, few)
	if golden.Updating() {
		require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
		return
	}
	old, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(old), code, "programs print as another code now; accept it with -update")
	for i, p := range few {
		t.Run(fmt.Sprint("program", i), func(t *testing.T) {
			var saw [2]string
			var results [2]sim.Result
			for side := range 2 {
				results[side] = sweep(t, sim.Config{Runs: 30, Workers: 1}, func(w *sim.World) properties.World[int, string] {
					world := playing(w, p, program.Outside{})
					out := program.Outside{Sleep: w.Sleep}
					work, flaky, letter, quit = out.Steps()
					if side == 1 {
						world.Boot = func() *durable.Workflow[int, string] { main, _ := printedCode[i](); return main }
						world.Others = func() []durable.Definition { _, children := printedCode[i](); return children }
					}
					world.Holds = func(outcomes []properties.Outcome[int, string]) {
						for _, o := range outcomes {
							saw[side] += fmt.Sprintln(o.ID, o.Input, o.Err, o.Result)
						}
					}
					return world
				})
				require.Nil(t, results[side].Failure, results[side].Report)
			}
			require.Equal(t, saw[0], saw[1])
			require.Equal(t, results[0].Choices, results[1].Choices)
			require.Equal(t, results[0].Events, results[1].Events)
		})
	}
}
