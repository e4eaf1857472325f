package tidy

import (
	"go/ast"
	"regexp"
)

var (
	// leftOver finds what an author meant to come back to. The letters are apart here so that this
	// line is none of them.
	leftOver = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b|\bnot ` + `implemented\b`)
	// machinePath finds folders that exist on one machine only.
	machinePath = regexp.MustCompile("(^|[\\s\"'`=(:])/(home|root|tmp|work|farm|Users)/")
)

func marks(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.filter(func(f *File) bool { return f.Text != "" }) {
		for i, line := range f.Lines {
			if mark := leftOver.FindString(line); mark != "" {
				found = append(found, Finding{
					Path: f.Path, Line: i + 1, What: "the left-over mark " + mark,
					Use: "the finished thing, or a plain sentence about the limit",
				})
			}
			if m := machinePath.FindString(line); m != "" {
				found = append(found, Finding{
					Path: f.Path, Line: i + 1, What: "a path of one machine",
					Use: "a relative path, or t.TempDir in tests",
				})
			}
		}
	}
	return found
}

const skipMark = "//tidy:skip"

// skips finds skipped tests that don't say why on the line.
func skips(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Go() {
		marks := lineMarks(t, f, skipMark)
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !receivesTest(sel) {
				return true
			}
			switch sel.Sel.Name {
			case "Skip", "Skipf", "SkipNow":
				if !marks.take(t.line(n.Pos())) {
					found = append(found, Finding{
						Path: f.Path, Line: t.line(n.Pos()), What: "a skipped test (" + sel.Sel.Name + ")",
						Use: "a test that can run everywhere, or " + skipMark + " <reason> on the line",
					})
				}
			}
			return true
		})
		found = append(found, marks.complaints(f, skipMark, "a skipped test")...)
	}
	return found
}

// receivesTest reports whether the method is called on what tests call their testing.TB.
func receivesTest(sel *ast.SelectorExpr) bool {
	id, ok := sel.X.(*ast.Ident)
	return ok && (id.Name == "t" || id.Name == "b" || id.Name == "f" || id.Name == "tb")
}
