package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Tree is the project as the rules see it: its text files, with the Go files parsed.
type Tree struct {
	Module string           // the module path
	Files  map[string]*File // by path
	Dirs   map[string]bool  // every folder that was seen, testdata and hidden ones included
	fset   *token.FileSet
	types  *checker
}

// A File is one text file of the tree.
type File struct {
	Path  string
	Text  string
	Lines []string
	AST   *ast.File // nil unless it is Go code
	errs  scanner.ErrorList
}

// Load reads the tree. Only what a person writes is kept: folders named testdata, hidden folders
// (except the CI's) and files of other kinds are passed over.
func Load(root fs.FS) (*Tree, error) {
	t := &Tree{Files: map[string]*File{}, Dirs: map[string]bool{}, fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			t.Dirs[name] = true
			if skipFolder(name) {
				return fs.SkipDir
			}
			return nil
		}
		if !readable(name) {
			t.Files[name] = &File{Path: name}
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		t.add(name, string(data))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("tidy: read the tree: %w", err)
	}
	mod, ok := t.Files["go.mod"]
	if !ok {
		return nil, fmt.Errorf("tidy: no go.mod at the root of the tree")
	}
	for _, line := range mod.Lines {
		if rest, ok := strings.CutPrefix(line, "module "); ok {
			t.Module = strings.TrimSpace(rest)
		}
	}
	t.types = newChecker(t)
	return t, nil
}

func (t *Tree) add(name, text string) {
	f := &File{Path: name, Text: text, Lines: strings.Split(text, "\n")}
	if path.Ext(name) == ".go" {
		var err error
		f.AST, err = parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if list, ok := err.(scanner.ErrorList); ok {
			f.errs = list
		}
	}
	t.Files[name] = f
}

func skipFolder(name string) bool {
	base := path.Base(name)
	if base == "testdata" || base == "vendor" || base == "node_modules" {
		return true
	}
	hidden := strings.HasPrefix(base, ".") && base != "."
	return hidden && name != ".ci" && name != ".github"
}

func readable(name string) bool {
	switch path.Ext(name) {
	case ".go", ".md", ".mod", ".yml", ".yaml", ".sh", ".s":
		return true
	}
	return path.Base(name) == "Makefile" || strings.HasPrefix(name, ".ci/")
}

// Go returns the parsed Go files in order of their paths.
func (t *Tree) Go() []*File {
	return t.filter(func(f *File) bool { return f.AST != nil })
}

// Markdown returns the Markdown files in order of their paths.
func (t *Tree) Markdown() []*File {
	return t.filter(func(f *File) bool { return path.Ext(f.Path) == ".md" })
}

func (t *Tree) filter(keep func(*File) bool) []*File {
	var out []*File
	for _, f := range t.Files {
		if keep(f) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// line is the line of a position in a Go file.
func (t *Tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }

// Dir is the folder of the file.
func (f *File) Dir() string { return path.Dir(f.Path) }

// Test reports whether the file is compiled into tests only.
func (f *File) Test() bool { return strings.HasSuffix(f.Path, "_test.go") }

// suite reports whether the folder holds a conformance suite: a package that tests import, named
// after what it checks, as testing/fstest is.
func suite(dir string) bool {
	return strings.HasSuffix(dir, "test") && strings.Contains(dir, "/")
}

// under reports whether dir is root or lies below it.
func under(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

func parseErrors(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Go() {
		for _, err := range f.errs {
			found = append(found, Finding{
				Path: f.Path, Line: err.Pos.Line,
				What: fmt.Sprintf("a syntax error (%s)", err.Msg), Use: "code that gofmt accepts",
			})
		}
	}
	return found
}
