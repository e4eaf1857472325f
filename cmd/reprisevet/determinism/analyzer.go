package determinism

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer finds code that a replay of a durable workflow can't repeat. The package comment says what it
// looks for and what it can't see.
var Analyzer = &analysis.Analyzer{
	Name:      "reprise",
	Doc:       doc,
	URL:       "https://pkg.go.dev/github.com/reprise-dst/reprise/cmd/reprisevet/determinism",
	Run:       run,
	FactTypes: []analysis.Fact{new(functionFact), new(variableFact), new(typeFact)},
}

const doc = `find code that a replay of a durable workflow can't repeat

Workflow code runs again over its journal after a crash, and must then do what it did before. This analyzer
reports what can differ: the wall clock, random numbers, goroutines, channels and locks, the order of maps,
the environment, files and the network, package variables, and Contexts of other branches, also behind
helper functions of this and other packages, function values, closures and interfaces. Steps may do all
of it. //reprise:deterministic <reason> on a line vouches for it.`

var (
	withTests  bool
	withOutput bool
)

func init() {
	Analyzer.Flags.BoolVar(&withTests, "tests", false, "report in _test.go files too")
	Analyzer.Flags.BoolVar(&withOutput, "output", true, "report printing and logging, which replay repeats")
}

func run(pass *analysis.Pass) (any, error) {
	if standardPath(pass.Pkg.Path()) || pass.Pkg.Path() == durablePath {
		return nil, nil // known from tables, and the language itself
	}
	p := load(pass)
	p.summarize()
	p.report()
	p.exportFacts()
	return nil, nil
}

// A report is one diagnostic in the making.
type report struct {
	pos token.Pos
	e   *effect
	via []hop // what lies between the reported position and the effect
}

// report reports what workflow code reaches, at the last place on the way that is workflow code itself.
func (p *program) report() {
	code := p.workflowCode()
	var all []report
	for _, fn := range p.funcs {
		if !isWorkflow(fn) {
			continue
		}
		for _, e := range p.summary(fn).effects {
			all = append(all, p.place(e, code))
		}
	}
	for _, e := range p.declared {
		all = append(all, p.place(e, code))
	}
	slices.SortStableFunc(all, func(a, b report) int {
		return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(len(a.via), len(b.via)),
			cmp.Compare(a.e.pos, b.e.pos), cmp.Compare(a.rank(), b.rank()), strings.Compare(a.e.what, b.e.what))
	})
	type key struct {
		pos  token.Pos
		text string
	}
	seen := map[key]bool{}
	for _, r := range all {
		k := key{r.pos, r.e.what}
		if len(r.via) > 0 || r.e.kind == kindGlobal || r.e.kind == kindCaptured {
			k.text = string(r.e.kind) // one of each kind says enough
		}
		if p.unwanted(r) || seen[k] || seen[key{r.pos, r.e.what}] {
			continue
		}
		seen[k], seen[key{r.pos, r.e.what}] = true, true
		p.pass.Report(analysis.Diagnostic{Pos: p.shown(r.pos), Category: string(r.e.kind), Message: p.message(r)})
	}
	p.escapes.complain(p)
}

// rank puts writes before reads of the same place.
func (r report) rank() int {
	if strings.HasPrefix(r.e.what, "write") {
		return 0
	}
	return 1
}

func (p *program) unwanted(r report) bool {
	e := r.e
	return e.kind.mark() || !r.pos.IsValid() || p.skipped(r.pos) || e.kind == kindOutput && !withOutput ||
		e.loop != nil && e.loop.operates && e.pos != e.loop.stmt.Pos()
}

// skipped reports whether nothing is reported in the file of a position.
func (p *program) skipped(pos token.Pos) bool {
	return !withTests && strings.HasSuffix(p.pass.Fset.Position(pos).Filename, "_test.go")
}

// span is a piece of source.
type span struct{ from, to token.Pos }

// workflowCode are the functions that are workflow code by their parameters.
func (p *program) workflowCode() []span {
	var out []span
	for _, fn := range p.funcs {
		if n := fn.Syntax(); n != nil && isWorkflow(fn) {
			out = append(out, span{n.Pos(), n.End()})
		}
	}
	return out
}

// shown is where a diagnostic points to: the name of what is called, instead of the parenthesis after it.
func (p *program) shown(pos token.Pos) token.Pos {
	call := p.callExprs[pos]
	if call == nil {
		return pos
	}
	switch fun := calledExpr(call).(type) {
	case *ast.Ident:
		return fun.Pos()
	case *ast.SelectorExpr:
		if _, pkg := p.objectOf(fun.X).(*types.PkgName); pkg {
			return fun.Pos()
		}
		return fun.Sel.Pos()
	}
	return pos
}

func (p *program) place(e *effect, code []span) report {
	positions := e.positions()
	at := 0
	for i, pos := range positions {
		if slices.ContainsFunc(code, func(s span) bool { return s.from <= pos && pos < s.to }) {
			at = i
		}
	}
	return report{pos: positions[at], e: e, via: e.hops[at:]}
}

// message says what is used, through which calls, why that breaks replay, and what to write instead.
func (p *program) message(r report) string {
	var b strings.Builder
	b.WriteString(r.e.what)
	if len(r.via) > 0 {
		names := make([]string, len(r.via))
		for i, h := range r.via {
			names[i] = h.name
		}
		fmt.Fprintf(&b, " via %s", strings.Join(names, " → "))
		if where := p.where(r.e); where != "" {
			fmt.Fprintf(&b, " (%s)", where)
		}
	}
	remedy := remedies[r.e.kind]
	fmt.Fprintf(&b, " in workflow code: %s; use %s", remedy.why, remedy.use)
	return b.String()
}

// where is the file and line at which an effect happens.
func (p *program) where(e *effect) string {
	if e.at != "" || !e.pos.IsValid() {
		return e.at
	}
	at := p.pass.Fset.Position(e.pos)
	return fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
}

// findLinks notes the functions that go:linkname takes from elsewhere.
func (p *program) findLinks() {
	for _, file := range p.pass.Files {
		for _, group := range file.Comments {
			for _, c := range group.List {
				words := strings.Fields(c.Text)
				if len(words) == 3 && words[0] == "//go:linkname" {
					p.link(words[1], words[2])
				}
			}
		}
	}
}

func (p *program) link(local, target string) {
	fn := p.pkg.Func(local)
	if fn == nil || len(fn.Blocks) > 0 {
		return
	}
	if decl, ok := fn.Syntax().(*ast.FuncDecl); ok && decl.Body != nil {
		return
	}
	if obj, ok := fn.Object().(*types.Func); ok {
		p.links[obj] = target
	}
}
