package tidy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A snippet is a code block of a document that shows a whole file. Its first line names the file in a
// comment; the rest is the file from its package clause on:
//
//	```go
//	// examples/quickstart/quickstart.go
//	package quickstart
//	```
type snippet struct {
	doc    *File
	line   int // of the first line within the block, 1-based
	source string
	text   string // what the document shows, without the line that names the file
}

// snippetsOf finds the snippets of a document. A Go block that names no file is only an illustration.
func snippetsOf(doc *File) []snippet {
	var out []snippet
	for i := 0; i < len(doc.Lines); i++ {
		if doc.Lines[i] != "```go" {
			continue
		}
		begin := i + 1
		for i = begin; i < len(doc.Lines) && doc.Lines[i] != "```"; i++ {
		}
		if begin == i {
			continue
		}
		name, ok := strings.CutPrefix(doc.Lines[begin], "// ")
		if !ok || !strings.HasSuffix(name, ".go") || strings.Contains(name, " ") {
			continue
		}
		text := strings.Join(doc.Lines[begin+1:i], "\n") + "\n"
		out = append(out, snippet{doc: doc, line: begin + 1, source: name, text: text})
	}
	return out
}

// fromPackageClause is what a snippet of the file shows: the package comment is for go doc.
func fromPackageClause(t *Tree, f *File) string {
	return f.Text[t.fset.Position(f.AST.Package).Offset:]
}

func snippets(t *Tree) []Finding {
	var found []Finding
	for _, doc := range t.Markdown() {
		for _, s := range snippetsOf(doc) {
			f, ok := t.Files[s.source]
			if !ok || f.AST == nil {
				found = append(found, Finding{
					Path: doc.Path, Line: s.line, What: "a code block of the missing " + s.source,
					Use: "the name of a Go file of the tree",
				})
				continue
			}
			want := fromPackageClause(t, f)
			if want == s.text {
				continue
			}
			at, shown, real := firstDifference(s.text, want)
			found = append(found, Finding{
				Path: doc.Path, Line: s.line + at,
				What: fmt.Sprintf("%q where %s has %q", shown, s.source, real),
				Use:  "the file's own text: go test ./internal/tidy -update copies it",
			})
		}
	}
	return found
}

// firstDifference is the 1-based line at which two texts part, with both sides.
func firstDifference(a, b string) (at int, left, right string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		left, right = "", ""
		if i < len(as) {
			left = as[i]
		}
		if i < len(bs) {
			right = bs[i]
		}
		if left != right || i >= len(as) || i >= len(bs) {
			return i + 1, left, right
		}
	}
	return 0, "", ""
}

// copySnippets writes the text of the named files into the documents under root.
func copySnippets(t *Tree, root string) error {
	for _, doc := range t.Markdown() {
		text := doc.Text
		for _, s := range snippetsOf(doc) {
			f, ok := t.Files[s.source]
			if !ok || f.AST == nil {
				continue
			}
			marker := "```go\n// " + s.source + "\n"
			text = strings.Replace(text, marker+s.text, marker+fromPackageClause(t, f), 1)
		}
		if text == doc.Text {
			continue
		}
		path := filepath.Join(root, filepath.FromSlash(doc.Path))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("tidy: copy code into %s: %w", doc.Path, err)
		}
	}
	return nil
}
