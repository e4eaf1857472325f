package sim_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/sim"
)

// spy stands in for the test that a Check fails, so that what it would print can be looked at.
type spy struct {
	testing.TB
	name   string
	log    []string
	failed bool
}

var errStopped = errors.New("the spied test ended")

func (s *spy) Helper()           {}
func (s *spy) Name() string      { return s.name }
func (s *spy) Failed() bool      { return s.failed }
func (s *spy) Log(args ...any)   { s.log = append(s.log, fmt.Sprint(args...)) }
func (s *spy) Fatal(args ...any) { s.Error(args...); s.FailNow() }

func (s *spy) Error(args ...any) {
	s.failed = true
	s.Log(args...)
}

func (s *spy) FailNow() {
	s.failed = true
	panic(errStopped)
}

// spied runs a Check, as the test with this name, in the current folder.
func spied(t *testing.T, name string, cfg sim.Config, body func(w *sim.World)) (output string, failed bool) {
	t.Helper()
	s := &spy{TB: t, name: name}
	func() {
		defer func() {
			if v := recover(); v != nil && v != error(errStopped) {
				panic(v)
			}
		}()
		sim.Check(s, cfg, body)
	}()
	return scrub(strings.Join(s.log, "\n")), s.failed
}

// report runs a Check that must fail, in a module of its own, and returns what the test would print.
func report(t *testing.T, cfg sim.Config, body func(w *sim.World)) string {
	t.Helper()
	var out string
	t.Run("in a module of its own", func(t *testing.T) {
		ownModule(t)
		var failed bool
		out, failed = spied(t, "TestShop", cfg, body)
		require.True(t, failed, out)
	})
	return out
}

// ownModule makes a module with a package "shop" and runs the rest of the test in that package's folder.
func ownModule(t *testing.T) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example\n"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(root, "shop"), 0o755))
	t.Chdir(filepath.Join(root, "shop"))
}

var (
	speeds = regexp.MustCompile(`\([0-9,]+/s\)`)
	places = regexp.MustCompile(`\b[\w./-]*_test\.go:\d+`)
)

// scrub replaces what differs from one run to the next, or with every edit of a test.
func scrub(text string) string {
	return places.ReplaceAllString(speeds.ReplaceAllString(text, "(N/s)"), "shop_test.go:N")
}
