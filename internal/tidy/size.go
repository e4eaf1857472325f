package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"unicode/utf8"
)

const (
	fileLines     = 500 // wished
	fileLinesHard = 600 // at most
	functionLines = 70
	lineColumns   = 110 // a tab is one column, as most tools count it
)

func size(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Go() {
		found = append(found, fileSize(f)...)
		found = append(found, functionSizes(t, f)...)
		found = append(found, lineSizes(t, f)...)
	}
	return found
}

func fileSize(f *File) []Finding {
	lines := len(strings.Split(strings.TrimSuffix(f.Text, "\n"), "\n"))
	if lines <= fileLines {
		return nil
	}
	use := "two files, each named after its one responsibility"
	what := fmt.Sprintf("a file of %d lines (over %d)", lines, fileLines)
	if lines > fileLinesHard {
		what = fmt.Sprintf("a file of %d lines (over %d)", lines, fileLinesHard)
	}
	return []Finding{{Path: f.Path, What: what, Use: use, Warn: lines <= fileLinesHard}}
}

func functionSizes(t *Tree, f *File) []Finding {
	var found []Finding
	for _, decl := range f.AST.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := t.line(fn.End()) - t.line(fn.Type.Pos()) + 1
		if lines > functionLines {
			found = append(found, Finding{
				Path: f.Path, Line: t.line(fn.Type.Pos()),
				What: fmt.Sprintf("func %s of %d lines (over %d)", fn.Name.Name, lines, functionLines),
				Use:  "smaller functions: keep the branching here and move the leaves out",
			})
		}
	}
	return found
}

func lineSizes(t *Tree, f *File) []Finding {
	raw := rawLines(t, f)
	var found []Finding
	for i, line := range f.Lines {
		if raw[i+1] || unbreakable(line) {
			continue
		}
		if n := utf8.RuneCountInString(line); n > lineColumns {
			found = append(found, Finding{
				Path: f.Path, Line: i + 1,
				What: fmt.Sprintf("a line of %d columns (over %d)", n, lineColumns),
				Use:  "a line break",
			})
		}
	}
	return found
}

// unbreakable reports whether the line is a comment of a single word, such as an address.
func unbreakable(line string) bool {
	text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//"))
	return strings.Contains(text, "://") && !strings.ContainsAny(text, " \t")
}

// rawLines marks the lines that a raw string spans: their width belongs to the text, not to the code.
func rawLines(t *Tree, f *File) map[int]bool {
	raw := map[int]bool{}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if ok && lit.Kind == token.STRING && strings.HasPrefix(lit.Value, "`") {
			for line := t.line(lit.Pos()); line <= t.line(lit.End()); line++ {
				raw[line] = true
			}
		}
		return true
	})
	return raw
}
