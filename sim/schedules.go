package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

const (
	scheduleSuffix = ".schedule"
	traceSuffix    = ".trace"
)

// folderOf is where a test keeps its schedules, relative to the package's folder.
func folderOf(test string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '/' || r == '-' || r == '_' || r == '.' || r == '#' || r == '=' ||
			r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, strings.ReplaceAll(test, "..", "__"))
	return filepath.Join("testdata", "sim", filepath.FromSlash(clean))
}

// savedSchedules lists the schedule files of a folder in alphabetical order. A folder that doesn't exist has
// none.
func savedSchedules(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sim: the saved schedules can't be listed: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), scheduleSuffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// loadSchedule reads a schedule that must be of this test.
func loadSchedule(path, test string) (choice.Schedule, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; go test runs in the package's folder, so the path begins there", err)
	}
	if err != nil {
		return choice.Schedule{}, fmt.Errorf("sim: the schedule can't be read: %w", err)
	}
	schedule, err := choice.Parse(string(text))
	if err == nil {
		err = schedule.For(test)
	}
	if err != nil {
		return choice.Schedule{}, fmt.Errorf("sim: %s: %w", path, err)
	}
	return schedule, nil
}

// save writes a schedule and its trace. Their names are hashes of the schedule, so the same failure is the
// same file.
func save(dir string, schedule choice.Schedule, trace string) (schedulePath, tracePath string, err error) {
	schedulePath = filepath.Join(dir, schedule.Hash()) + scheduleSuffix
	err = os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(schedulePath, []byte(schedule.String()), 0o644)
	}
	if err != nil {
		return "", "", fmt.Errorf("sim: the schedule can't be saved: %w", err)
	}
	tracePath, err = saveTrace(schedulePath, trace)
	return filepath.ToSlash(schedulePath), tracePath, err
}

// saveTrace writes the trace of a schedule beside it.
func saveTrace(schedulePath, trace string) (tracePath string, err error) {
	tracePath = strings.TrimSuffix(schedulePath, scheduleSuffix) + traceSuffix
	if err := os.WriteFile(tracePath, []byte(trace), 0o644); err != nil {
		return "", fmt.Errorf("sim: the trace can't be saved: %w", err)
	}
	return filepath.ToSlash(tracePath), nil
}

// versions are what a schedule says about the programs that it was found with.
func versions() (golang, reprise string) {
	reprise = "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path+"/" == modulePrefix {
				reprise = m.Version
			}
		}
	}
	return runtime.Version(), reprise
}

// command is what a person pastes, at the module's root, to run the test with these arguments.
func command(test string, args ...string) string {
	parts := []string{"go test"}
	if tags := buildTags(); tags != "" {
		parts = append(parts, "-tags="+tags)
	}
	parts = append(parts, packageFolder(), "-run "+runPattern(test))
	return strings.Join(append(parts, args...), " ")
}

// runPattern is what -run takes for this test alone.
func runPattern(test string) string {
	levels := strings.Split(test, "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return shellQuote(strings.Join(levels, "/"))
}

// buildTags are the build tags that this program was built with, separated by commas.
func buildTags() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-tags" {
				return s.Value
			}
		}
	}
	return ""
}

// packageFolder is the folder of the package under test as seen from the module's root: tests run there.
func packageFolder() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			rel, err := filepath.Rel(root, dir)
			if err != nil || rel == "." {
				return "."
			}
			return "./" + filepath.ToSlash(rel)
		}
		if root == filepath.Dir(root) {
			return "."
		}
	}
}

// shellQuote puts an argument into single quotes, in which a shell changes nothing.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// shellArg quotes an argument only where a shell would change it.
func shellArg(s string) string {
	harmless := func(r rune) bool {
		return strings.ContainsRune("-_./=:+%,@^", r) ||
			r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !harmless(r) }) {
		return shellQuote(s)
	}
	return s
}
