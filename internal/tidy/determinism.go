package tidy

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// deterministic lists the packages whose code may run inside a simulated world.
var deterministic = []string{
	"clock", "durable", "fault", "sim", "store",
	"internal/choice", "internal/eventloop", "internal/explore", "internal/shrink",
}

// outside lists the files of deterministic packages that stand on the far side of a seam or drive
// worlds from without, each with its reason. A file is added here when it is born, by the one who can
// say why; keep such files small.
var outside = map[string]string{
	"clock/clock.go":                   "the interface, and the wall clock behind it",
	"durable/hostproc.go":              "the production Host: goroutines and the wall clock",
	"durable/oteldurable/wallclock.go": "the wall clock, when no other is given",
	"internal/eventloop/watchdog.go":   "watches from without whether a loop goes on",
	"internal/shrink/run.go":           "runs several candidates at once, each in a world of its own",
	"sim/check.go":                     "times a sweep of worlds",
	"sim/lane.go":                      "the goroutines on which worlds run, one world at a time each",
	"sim/watchdog.go":                  "watches from without whether worlds go on",
}

// insteadOf says for each banned function what deterministic code uses. A key that ends in a dot bans
// every function of the package that is not in constructors.
var insteadOf = map[string]string{
	"time.Now":       "the Now of the Host, the Clock or the World",
	"time.Since":     "Now().Sub(start) with the Now of the Host, the Clock or the World",
	"time.Until":     "deadline.Sub(Now()) with the Now of the Host, the Clock or the World",
	"time.Sleep":     "the loop's or the workflow's Sleep, which takes virtual time",
	"time.After":     "AfterFunc of the Clock or the Host",
	"time.AfterFunc": "AfterFunc of the Clock or the Host",
	"time.NewTimer":  "AfterFunc of the Clock or the Host",
	"time.NewTicker": "AfterFunc of the Clock or the Host, set again each time it fires",
	"time.Tick":      "AfterFunc of the Clock or the Host, set again each time it fires",

	"context.WithTimeout":       "a timeout of the Clock or the loop: this one counts wall time",
	"context.WithTimeoutCause":  "a timeout of the Clock or the loop: this one counts wall time",
	"context.WithDeadline":      "a deadline of the Clock or the loop: this one counts wall time",
	"context.WithDeadlineCause": "a deadline of the Clock or the loop: this one counts wall time",
	"context.AfterFunc":         "OnDone or a task: this one starts a goroutine",

	"math/rand.":    "a choice (Pick), or rand.New with a seed that comes from one",
	"math/rand/v2.": "a choice (Pick), or rand.New with a seed that comes from one",
	"crypto/rand.":  "a choice (Pick): nothing here may be unpredictable",
	"hash/maphash.": "hash/fnv or another hash without a per-process seed",

	"(*sync.Map).Range":        "a map under the loop's own order, or sorted keys",
	"(reflect.Value).MapRange": "MapKeys, sorted",
	"(*sync.WaitGroup).Go":     "Go of the Host or the loop: this one starts a goroutine",
}

// constructors are the functions of banned packages that take a seed.
var constructors = map[string]bool{
	"New": true, "NewSource": true, "NewPCG": true, "NewChaCha8": true, "NewZipf": true,
}

// unorderedIterators give the entries of a map in no order, unless a sort takes them right away.
var unorderedIterators = map[string]bool{
	"maps.Keys": true, "maps.Values": true, "maps.All": true,
	"(reflect.Value).MapKeys": true,
}

// orderly are the functions that may take an unordered iterator, since their result has an order or
// is a map again.
var orderly = map[string]bool{
	"slices.Sorted": true, "slices.SortedFunc": true, "slices.SortedStableFunc": true,
	"maps.Collect": true, "maps.Insert": true,
}

const unorderedMark = "//tidy:unordered"

func determinism(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Go() {
		if !mustBeDeterministic(f) {
			continue
		}
		info, err := t.types.info(f.Dir())
		if err != nil {
			return []Finding{{Path: "go.mod", What: err.Error(), Use: "a Go toolchain on the PATH"}}
		}
		v := &determinist{t: t, f: f, info: info, marks: lineMarks(t, f, unorderedMark)}
		v.walk()
		found = append(found, v.found...)
		found = append(found, v.marks.complaints(f, unorderedMark, "unordered iteration")...)
	}
	return append(found, staleOutside(t)...)
}

// staleOutside finds files of the table that were renamed or removed. The table speaks of this
// project only, not of the trees in testdata.
func staleOutside(t *Tree) []Finding {
	var found []Finding
	for name := range outside {
		if _, ok := t.Files[name]; !ok && t.Module == "github.com/reprise-dst/reprise" {
			found = append(found, Finding{
				Path: name, What: "an entry of internal/tidy's table outside for a file that isn't there",
				Use: "the file's new name, or no entry",
			})
		}
	}
	return found
}

func mustBeDeterministic(f *File) bool {
	if f.Test() || suite(f.Dir()) || outside[f.Path] != "" {
		return false
	}
	for _, dir := range deterministic {
		if under(f.Dir(), dir) {
			return true
		}
	}
	return false
}

// A determinist walks one file and collects what is not a function of the seed.
type determinist struct {
	t     *Tree
	f     *File
	info  *types.Info
	marks lineMarkSet
	found []Finding
}

func (v *determinist) ban(n ast.Node, what, use string) {
	v.found = append(v.found, Finding{Path: v.f.Path, Line: v.t.line(n.Pos()), What: what, Use: use})
}

func (v *determinist) walk() {
	sorted := map[ast.Node]bool{} // calls whose unordered result a sort takes right away
	ast.Inspect(v.f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			v.ban(n, "a go statement in deterministic code", "Go of the Host or the loop")
		case *ast.SelectStmt:
			v.ban(n, "select in deterministic code",
				"a Signal, a Future or the loop's Wait: select picks at random")
		case *ast.RangeStmt:
			if v.overMap(n.X) && !v.marks.take(v.t.line(n.Pos())) {
				v.ban(n, "range over a map in deterministic code", "slices.Sorted(maps.Keys(m)), "+
					"clear(m) to empty it, or "+unorderedMark+" <reason> on the line if no order can show")
			}
		case *ast.CallExpr:
			name := v.callee(n)
			if orderly[name] {
				for _, arg := range n.Args {
					sorted[arg] = true
				}
			}
			if unorderedIterators[name] && !sorted[n] && !v.marks.take(v.t.line(n.Pos())) {
				v.ban(n, name+" in deterministic code", "slices.Sorted around it, or "+
					unorderedMark+" <reason> on the line if no order can show")
			}
		case *ast.Ident:
			v.use(n)
		}
		return true
	})
}

// use bans an identifier that means a function of the table insteadOf.
func (v *determinist) use(id *ast.Ident) {
	fn, ok := v.info.Uses[id].(*types.Func)
	if !ok || fn.Pkg() == nil {
		return
	}
	name := fn.FullName()
	use, ok := insteadOf[name]
	if !ok && !constructors[fn.Name()] && fn.Signature().Recv() == nil {
		use, ok = insteadOf[fn.Pkg().Path()+"."]
	}
	if ok {
		v.ban(id, fmt.Sprintf("%s in deterministic code", name), use)
	}
}

// callee is the full name of the function that a call calls, empty for function values.
func (v *determinist) callee(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	var id *ast.Ident
	switch fun := fun.(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return ""
	}
	if fn, ok := v.info.Uses[id].(*types.Func); ok {
		return fn.FullName()
	}
	return ""
}

// overMap reports whether the expression is a map, or a type parameter whose every form is one.
func (v *determinist) overMap(x ast.Expr) bool {
	typ := v.info.TypeOf(x)
	if typ == nil {
		return false
	}
	if param, ok := types.Unalias(typ).(*types.TypeParam); ok {
		constraint, ok := param.Constraint().Underlying().(*types.Interface)
		if !ok || constraint.NumEmbeddeds() == 0 {
			return false
		}
		text := types.TypeString(constraint.EmbeddedType(0), nil)
		return strings.HasPrefix(strings.TrimPrefix(text, "~"), "map[")
	}
	_, ok := typ.Underlying().(*types.Map)
	return ok
}
