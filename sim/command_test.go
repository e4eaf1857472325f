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
	for _, path := range files(t, dir) {
		require.NoError(t, os.Remove(path))
	}
	third := paste("go test ./sim -run '^TestPlanted$' " + seed[1])
	require.Equal(t, essence(first), essence(third))
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

func files(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	return paths
}
