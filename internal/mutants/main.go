// Command mutants is `make mutants`: it breaks the engine in many ways, one by one, and sees whether the
// simulator notices. What it can't see in the engine it could not see in a user's code either.
//
// Each file of the folder list is a mutant: which family of bugs it belongs to, what goes wrong, and the
// pieces of the engine's source that are replaced. The go command compiles the engine with the replaced files
// laid over the real ones (its flag -overlay), so the engine itself knows nothing of its mutants. Then the
// worlds of package prey run on it, which pass on the sound engine.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// most is how many worlds of each prey a hunt may run.
const most = 2000

func main() {
	only := flag.String("only", "", "hunt the mutants whose names match this pattern, such as 'lost-*'")
	write := flag.Bool("write", false, "hunt with every strategy and write docs/MUTANTS.md")
	flag.Parse()
	if err := hunt(*only, *write); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func hunt(only string, write bool) error {
	all, err := load(os.DirFS("."))
	if err != nil {
		return err
	}
	if only != "" {
		all = slices.DeleteFunc(all, func(m mutant) bool {
			match, _ := filepath.Match(only, m.name)
			return !match
		})
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	strategies := []string{"random"}
	if write {
		strategies = columns
	}
	begun := time.Now()
	found, err := huntAll(all, strategies, dir)
	if err != nil {
		return err
	}
	if write {
		if err := os.WriteFile(table, []byte(page(all, found)), 0o644); err != nil {
			return err
		}
	}
	survivors := 0
	for i := range all {
		if !found[i].killed() {
			survivors++
		}
	}
	took := time.Since(begun).Round(time.Second)
	fmt.Printf("%d of %d mutants killed in %v\n", len(all)-survivors, len(all), took)
	if survivors > 0 {
		return fmt.Errorf("%d mutants survived", survivors)
	}
	return nil
}

// huntAll hunts the sound engine first, which must pass, and then each mutant.
func huntAll(all []mutant, strategies []string, dir string) ([]verdict, error) {
	sound := mutant{name: "the sound engine"}
	v, err := sound.hunt(dir, []string{"random"}, most/4)
	if err != nil {
		return nil, err
	}
	if v.killed() {
		return nil, fmt.Errorf("a prey fails on the sound engine: %s, property %q; mend that first",
			v.prey, v.property)
	}
	found := make([]verdict, len(all))
	errs := make([]error, len(all))
	var workers sync.WaitGroup
	var next sync.Mutex
	at := 0
	for range max(1, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for {
				next.Lock()
				i := at
				at++
				next.Unlock()
				if i >= len(all) {
					return
				}
				found[i], errs[i] = all[i].hunt(dir, strategies, most)
				if errs[i] == nil {
					fmt.Printf("  %-36s %s\n", all[i].name, found[i])
				}
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// load reads the mutants, by name.
func load(root fs.FS) ([]mutant, error) {
	names, err := fs.Glob(root, "internal/mutants/list/*.txtar")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no mutants in internal/mutants/list; run it in the root of the repository")
	}
	var all []mutant
	for _, name := range names {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		m, err := parse(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
