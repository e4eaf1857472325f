package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// mutant is a way to break the engine.
type mutant struct {
	name   string
	family string
	about  string
	edits  []edit
}

// edit replaces a piece of a file that occurs once in it.
type edit struct{ file, before, after string }

// parse reads a mutant: its family and what it is about in the first lines, then pairs of sections, "old
// FILE" and "new FILE".
func parse(name string, data []byte) (mutant, error) {
	a := txtar.Parse(data)
	family, about, _ := strings.Cut(string(a.Comment), "\n")
	m := mutant{
		name:   strings.TrimSuffix(path.Base(name), ".txtar"),
		family: family, about: strings.Join(strings.Fields(about), " "),
	}
	if m.family == "" || m.about == "" || len(a.Files) == 0 || len(a.Files)%2 != 0 {
		return m, fmt.Errorf("%s: a mutant has its family in the first line, then what it is about, then sections "+
			"in pairs: old FILE, new FILE", name)
	}
	for i := 0; i < len(a.Files); i += 2 {
		before, file, ok := strings.Cut(a.Files[i].Name, " ")
		if !ok || before != "old" || a.Files[i+1].Name != "new "+file {
			return m, fmt.Errorf("%s: section %q is to be an old FILE, followed by its new FILE",
				name, a.Files[i].Name)
		}
		m.edits = append(m.edits, edit{file, piece(a.Files[i].Data), piece(a.Files[i+1].Data)})
	}
	return m, nil
}

// piece is a section without its last line break, so that a piece may end within a line.
func piece(section []byte) string { return strings.TrimSuffix(string(section), "\n") }

// apply returns the files of the engine that the mutant changes, changed.
func (m *mutant) apply(read func(file string) ([]byte, error)) (map[string][]byte, error) {
	changed := map[string][]byte{}
	for _, e := range m.edits {
		data, known := changed[e.file]
		if !known {
			var err error
			if data, err = read(e.file); err != nil {
				return nil, fmt.Errorf("mutant %s: %w", m.name, err)
			}
		}
		if n := bytes.Count(data, []byte(e.before)); n != 1 {
			return nil, fmt.Errorf("mutant %s: %s has %d times, not once, the piece that is to be replaced; bring "+
				"the mutant up to date:\n%s", m.name, e.file, n, e.before)
		}
		changed[e.file] = bytes.Replace(data, []byte(e.before), []byte(e.after), 1)
	}
	return changed, nil
}

// build compiles the hunt with the mutant in the engine's place.
func (m *mutant) build(dir string) (hunt string, err error) {
	changed, err := m.apply(os.ReadFile)
	if err != nil {
		return "", err
	}
	base := filepath.Join(dir, strings.ReplaceAll(m.name, " ", "-"))
	replace := map[string]string{}
	for file, data := range changed {
		real, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		replace[real] = base + "." + filepath.Base(file)
		if err := os.WriteFile(replace[real], data, 0o644); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(base+".json", overlay, 0o644); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-overlay", base+".json", "-o", base, "./internal/mutants/hunt").
		CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("mutant %s does not compile: %w\n%s", m.name, err, out)
	}
	return base, nil
}

// verdict is how a hunt ended.
type verdict struct {
	runs     map[string][]int // of each sweep, by strategy: worlds until it was killed, 0 when it survived
	prey     string
	property string
}

func (v *verdict) killed() bool {
	for _, runs := range v.runs { //tidy:unordered any
		if slices.Max(runs) > 0 {
			return true
		}
	}
	return false
}

func (v verdict) String() string {
	if !v.killed() {
		return "SURVIVED"
	}
	return fmt.Sprintf("killed by %q (%s): %s worlds", v.property, v.prey, median(v.runs["random"]))
}

// sweeps is how many sweeps each strategy makes, from different seeds.
const sweeps = 3

// hunt builds the mutant and runs the prey on it with each strategy.
func (m *mutant) hunt(dir string, strategies []string, most int) (verdict, error) {
	v := verdict{runs: map[string][]int{}}
	bin, err := m.build(dir)
	if err != nil {
		return v, err
	}
	defer os.Remove(bin)
	for _, s := range strategies {
		for i := range sweeps {
			runs, prey, property, err := sweep(bin, s, 1000*i+1, most)
			if err != nil {
				return v, fmt.Errorf("mutant %s: %w", m.name, err)
			}
			v.runs[s] = append(v.runs[s], runs)
			if v.prey == "" {
				v.prey, v.property = prey, property
			}
			if len(strategies) == 1 && runs > 0 {
				break // one is enough to see that it dies
			}
		}
	}
	return v, nil
}

// sweep runs a hunt and reads what it says.
func sweep(bin, strategy string, seed, most int) (runs int, prey, property string, err error) {
	cmd := exec.Command(bin, "-explore", strategy, "-seed", fmt.Sprint(seed), "-runs", fmt.Sprint(most))
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	last := out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:]
	switch {
	case err != nil:
		return 1, "a crash of the simulator", firstLine(out), nil // a panic outside of any world, or no end
	case bytes.HasPrefix(last, []byte("survived")):
		return 0, "", "", nil
	}
	if _, err := fmt.Sscanf(string(last), "killed %d %s %q", &runs, &prey, &property); err != nil {
		return 0, "", "", fmt.Errorf("the hunt says %q: %w", out, err)
	}
	return runs, prey, property, nil
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
