package tidy

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A zone is a part of the house and what it may import besides the standard library and itself.
type zone struct {
	dir    string
	own    []string // packages of the house, with all below them, or public
	others bool     // other modules, within the limits of the table reserved
}

// public stands for the packages that are not in internal/.
const public = "public"

// zones says who may import whom. The first zone that holds a folder decides.
var zones = []zone{
	{dir: "clock"},
	{dir: "store", others: true},
	{dir: "internal/choice"},
	{dir: "internal/eventloop"},
	{dir: "internal/span"},
	{dir: "internal/explore", own: []string{"internal/choice"}},
	{dir: "internal/shrink", own: []string{"internal/choice"}},
	{dir: "internal/golden", others: true},
	{dir: "internal/tidy", others: true},
	{dir: "fault", own: []string{"internal/choice"}},
	{dir: "durable/oteldurable", own: []string{"durable"}, others: true},
	{dir: "durable", own: []string{"clock", "store", "internal/eventloop", "internal/span"}, others: true},
	{
		dir: "sim", others: true,
		own: []string{
			"clock", "store", "fault",
			"internal/choice", "internal/eventloop", "internal/explore", "internal/shrink", "internal/span",
		},
	},
	{dir: "properties", own: []string{"sim", "durable", "store", "fault", "internal/span"}, others: true},
	{dir: "internal/plantedtest", own: []string{"sim", "store"}, others: true},
	{dir: "internal/demo", others: true},
	{dir: "internal/torture", own: []string{"durable", "store"}, others: true},
	{dir: "internal/mutants", own: []string{"durable", "sim", "fault", "store"}, others: true},
	{dir: "examples", own: []string{public}, others: true},
	{dir: "cmd", own: []string{public}, others: true},
}

// reserved names the modules that only some code may import.
var reserved = []struct {
	module string
	where  string // for people
	may    func(f *File) bool
}{
	{
		"go.opentelemetry.io/otel/sdk", "a _test.go file: the program chooses its SDK",
		func(*File) bool { return false },
	},
	{
		"go.opentelemetry.io", "package durable/oteldurable",
		func(f *File) bool { return under(f.Dir(), "durable/oteldurable") },
	},
	{
		"github.com/cockroachdb/pebble", "a file of store/ named after Pebble (pebble.go, …)", pebbleFile,
	},
	{
		"pgregory.net/rapid", "package properties, or a _test.go file",
		func(f *File) bool { return under(f.Dir(), "properties") },
	},
	{ // only its parser is wanted, not the scheduler with its goroutines and clock
		"github.com/robfig/cron", "durable/cron.go, which translates it for time zones",
		func(f *File) bool { return f.Path == "durable/cron.go" },
	},
	{
		"github.com/stretchr/testify", "a _test.go file, or a conformance suite (a folder named …test)",
		func(f *File) bool { return suite(f.Dir()) },
	},
}

func pebbleFile(f *File) bool {
	return under(f.Dir(), "store") && strings.Contains(path.Base(f.Path), "pebble")
}

func imports(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Go() {
		if f.Test() {
			continue
		}
		z, ok := zoneOf(f.Dir())
		if !ok {
			found = append(found, Finding{
				Path: f.Path, Line: t.line(f.AST.Package),
				What: "a package outside the house (" + f.Dir() + ")",
				Use:  "one of the folders of docs/ARCHITECTURE.md, or a new zone in internal/tidy/imports.go",
			})
			continue
		}
		for _, spec := range f.AST.Imports {
			target := strings.Trim(spec.Path.Value, "`\"")
			if use := refuse(t, f, z, target); use != "" {
				found = append(found, Finding{
					Path: f.Path, Line: t.line(spec.Pos()),
					What: fmt.Sprintf("import of %s in %s", target, f.Dir()), Use: use,
				})
			}
		}
	}
	return found
}

func zoneOf(dir string) (zone, bool) {
	for _, z := range zones {
		if under(dir, z.dir) {
			return z, true
		}
	}
	return zone{}, false
}

// refuse says what to do instead of an import, and nothing when the import is allowed.
func refuse(t *Tree, f *File, z zone, target string) string {
	if dir, ok := strings.CutPrefix(target, t.Module+"/"); ok {
		return refuseOwn(f, z, dir)
	}
	if standardPath(target) {
		return ""
	}
	for _, r := range reserved {
		if under(target, r.module) {
			if r.may(f) {
				return ""
			}
			return "it only in " + r.where
		}
	}
	switch {
	case z.dir == "store" && !suite(f.Dir()):
		return "the standard library: in store, other modules belong into Pebble's files"
	case !z.others && !suite(f.Dir()):
		return "the standard library: " + z.dir + " takes no other module"
	}
	return ""
}

func refuseOwn(f *File, z zone, dir string) string {
	if under(dir, "internal/golden") || under(dir, "internal/tidy") {
		if suite(f.Dir()) {
			return ""
		}
		return "it only in tests"
	}
	if under(dir, z.dir) {
		return ""
	}
	allowed := slices.ContainsFunc(z.own, func(own string) bool {
		if own == public {
			return !strings.HasPrefix(dir, "internal/")
		}
		return under(dir, own)
	})
	if allowed {
		return ""
	}
	if slices.Contains(z.own, public) {
		return "the public packages, as a user would"
	}
	if len(z.own) == 0 {
		return "nothing else of the house: " + z.dir + " stands alone; declare the small interface it needs"
	}
	return fmt.Sprintf("only %s here; declare the small interface it needs and let the other side satisfy it",
		strings.Join(z.own, ", "))
}
