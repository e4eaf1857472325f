package determinism

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// escapeMark begins a comment that vouches for its line, or for the next one if it has a line of its own.
const escapeMark = "//reprise:deterministic"

// An escape is one such comment.
type escape struct {
	pos    token.Pos
	reason string
	used   bool
}

// escapes are the comments of a package, by file and line.
type escapes struct {
	lines map[lineKey]*escape
	list  []*escape
}

type lineKey struct {
	file string
	line int
}

func findEscapes(pass *analysis.Pass) *escapes {
	out := &escapes{lines: map[lineKey]*escape{}}
	for _, file := range pass.Files {
		code := codeLines(pass.Fset, file)
		for _, group := range file.Comments {
			for _, c := range group.List {
				reason, ok := strings.CutPrefix(c.Text, escapeMark)
				if !ok || reason != "" && reason[0] != ' ' && reason[0] != '\t' {
					continue
				}
				e := &escape{pos: c.Pos(), reason: strings.TrimSpace(reason)}
				at := pass.Fset.Position(c.Pos())
				if !code[at.Line] {
					at.Line++
				}
				out.lines[lineKey{at.Filename, at.Line}] = e
				out.list = append(out.list, e)
			}
		}
	}
	return out
}

// codeLines are the lines of a file on which code begins or ends.
func codeLines(fset *token.FileSet, file *ast.File) map[int]bool {
	out := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil:
			return true
		case *ast.Comment, *ast.CommentGroup:
			return false
		case *ast.File:
			return true
		}
		out[fset.Position(n.Pos()).Line] = true
		out[fset.Position(n.End()).Line] = true
		return true
	})
	return out
}

// cover reports whether a comment vouches for an effect: at the place where it happens, or at a call on
// the way.
func (es *escapes) cover(p *program, e *effect) bool {
	if len(es.list) == 0 {
		return false
	}
	for _, pos := range e.positions() {
		if !pos.IsValid() {
			continue
		}
		at := p.pass.Fset.Position(pos)
		if found := es.lines[lineKey{at.Filename, at.Line}]; found != nil && found.reason != "" {
			found.used = true
			return true
		}
	}
	return false
}

// complain reports comments that give no reason, or that vouch for nothing.
func (es *escapes) complain(p *program) {
	for _, e := range es.list {
		switch {
		case p.skipped(e.pos):
		case e.reason == "":
			p.pass.Report(analysis.Diagnostic{
				Pos: e.pos, Category: "escape",
				Message: escapeMark + " needs a reason on the line: why is this the same on every replay?",
			})
		case !e.used:
			p.pass.Report(analysis.Diagnostic{
				Pos: e.pos, Category: "escape",
				Message: escapeMark + " vouches for nothing here; remove it",
			})
		}
	}
}
