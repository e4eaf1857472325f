package sim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/sim"
)

// TestPlanted fails on purpose, when TestPrintedCommand asks for it.
func TestPlanted(t *testing.T) {
	if os.Getenv("SIM_PLANTED") == "" {
		return
	}
	cfg := memory
	cfg.Dir = os.Getenv("SIM_PLANTED")
	sim.Check(t, cfg, shop)
}

var (
	reproduceLine = regexp.MustCompile(`(?m)^\s+(go test .*)$`)
	seedLine      = regexp.MustCompile(`\(or (.*), before shrinking\)`)
)

// TestPrintedCommand runs a failing test, pastes the command that its report prints at the module's root,
// and compares the two reports.
func TestPrintedCommand(t *testing.T) {
	dir := t.TempDir()
	paste := func(command string) string {
		sh := exec.Command("sh", "-c", command)
		sh.Dir = ".."
		sh.Env = append(os.Environ(), "SIM_PLANTED="+dir)
		out, err := sh.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", out)
		return string(out)
	}
	first := paste("go test ./sim -run '^TestPlanted$'")
	found := reproduceLine.FindStringSubmatch(first)
	require.NotNil(t, found, first)
	require.Contains(t, found[1], "go test ./sim -run '^TestPlanted$' -sim.schedule="+dir)
	second := paste(found[1])
	require.Equal(t, essence(first), essence(second))

	seed := seedLine.FindStringSubmatch(first)
	require.NotNil(t, seed, first)
	for _, path := range files(t, dir, "*") {
		require.NoError(t, os.Remove(path))
	}
	third := paste("go test ./sim -run '^TestPlanted$' " + seed[1])
	require.Equal(t, essence(first), essence(third))
}

// FuzzPlanted fails on purpose, when TestPrintedCommandOfFuzz asks for it.
func FuzzPlanted(f *testing.F) {
	if os.Getenv("SIM_PLANTED") == "" {
		f.Skip("not asked for") //tidy:skip it fails on purpose
	}
	cfg := memory
	cfg.Dir = os.Getenv("SIM_PLANTED")
	sim.Fuzz(f, cfg, func(w *sim.World) {
		for range 20 {
			w.Always("a fruit is no plum", w.Pick("fruit", 3) != 2)
		}
	})
}

// TestPrintedCommandOfFuzz pastes both commands that the failure of an input of the corpus prints.
func TestPrintedCommandOfFuzz(t *testing.T) {
	dir := t.TempDir()
	binary, err := os.Executable()
	require.NoError(t, err)
	run := func(args string) string {
		sh := exec.Command("sh", "-c", binary+" "+strings.NewReplacer(" -run", " -test.run").Replace(" "+args))
		sh.Env = append(os.Environ(), "SIM_PLANTED="+dir)
		out, err := sh.CombinedOutput()
		require.Error(t, err, "%s", out)
		return string(out)
	}
	first := run("-run '^FuzzPlanted$'")
	require.Contains(t, first, `"a fruit is no plum" does not hold`)
	schedule := regexp.MustCompile(`go test ./sim (.* -sim.schedule=.*)`).FindStringSubmatch(first)
	require.NotNil(t, schedule, first)
	input := seedLine.FindStringSubmatch(first)
	require.NotNil(t, input, first)
	require.Contains(t, run(schedule[1]), `"a fruit is no plum" does not hold`)
	require.Contains(t, run("-run '^FuzzPlanted$'"), "--- FAIL: FuzzPlanted ", "saved schedules run first")
	for _, path := range files(t, dir, "*.schedule") {
		require.NoError(t, os.Remove(path))
	}
	require.Regexp(t, `^-run '\^FuzzPlanted\$/\^seed#\d\$'$`, input[1])
	require.Contains(t, run(input[1]), `"a fruit is no plum" does not hold`)
}

// TestInputName has a file that go test -fuzz has written.
func TestInputName(t *testing.T) {
	require.Equal(t, "FuzzOrder/582528ddfad69eb5", sim.InputName("FuzzOrder", []byte("0")))
	require.Equal(t, "FuzzOrder/seed#1", sim.InputName("FuzzOrder/seed#1", nil))
}

// TestPrintedCommandTags does the same for a test that was built with tags.
func TestPrintedCommandTags(t *testing.T) {
	sh := exec.Command("go", "test", "-tags=planted,more", ".", "-run", "^TestPlanted$")
	sh.Env = append(os.Environ(), "SIM_PLANTED="+t.TempDir())
	out, err := sh.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "go test -tags=planted,more ./sim -run '^TestPlanted$'")
}

var (
	timing = regexp.MustCompile(`(?m)^(---|FAIL|ok|exit).*$|\(\d+\.\d+s\)`)
	cost   = regexp.MustCompile(`; [0-9,]+ runs? to shrink`)
	orSeed = regexp.MustCompile(`(?m)^.*before shrinking\)\n`)
)

// essence is the report without what only the first run knows, the cost of shrinking and the seed, and
// without how long it took.
func essence(out string) string {
	for _, r := range []*regexp.Regexp{timing, cost, orSeed} {
		out = r.ReplaceAllString(out, "")
	}
	return strings.TrimSpace(out)
}

func files(t *testing.T, dir, named string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, named))
	require.NoError(t, err)
	return paths
}
