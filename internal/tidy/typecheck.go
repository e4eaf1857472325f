package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
)

// A checker gives types to the project's own packages. It is forgiving: a package that does not
// compile yet still gets all the types that can be known.
type checker struct {
	tree *Tree
	std  types.Importer
	done map[string]*checked // by import path
	err  error               // why the standard library could not be loaded
}

type checked struct {
	pkg  *types.Package
	info *types.Info
}

func newChecker(t *Tree) *checker { return &checker{tree: t, done: map[string]*checked{}} }

// info type-checks the package in dir, tests left out, and returns what is known about it.
func (c *checker) info(dir string) (*types.Info, error) {
	if c.std == nil {
		c.std, c.err = c.standard()
	}
	if c.err != nil {
		return nil, c.err
	}
	return c.check(dir).info, nil
}

func (c *checker) check(dir string) *checked {
	importPath := path.Join(c.tree.Module, dir)
	if done, ok := c.done[importPath]; ok {
		return done
	}
	result := &checked{
		pkg:  types.NewPackage(importPath, path.Base(dir)),
		info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}},
	}
	c.done[importPath] = result // an import cycle finds the empty package
	var files []*ast.File
	for _, f := range c.tree.Go() {
		if f.Dir() == dir && !f.Test() {
			files = append(files, f.AST)
		}
	}
	config := types.Config{Importer: c, Error: func(error) {}, FakeImportC: true}
	// The error repeats what the compiler says better; the types that are known are kept.
	pkg, _ := config.Check(importPath, c.tree.fset, files, result.info)
	if pkg != nil {
		result.pkg = pkg
		pkg.MarkComplete()
	}
	return result
}

// Import serves the type checker: our packages from source, the standard library from export data,
// anything else as an empty package.
func (c *checker) Import(importPath string) (*types.Package, error) {
	if dir, ok := strings.CutPrefix(importPath, c.tree.Module+"/"); ok {
		return c.check(dir).pkg, nil
	}
	if standardPath(importPath) {
		if pkg, err := c.std.Import(importPath); err == nil {
			return pkg, nil
		}
	}
	if done, ok := c.done[importPath]; ok {
		return done.pkg, nil
	}
	pkg := types.NewPackage(importPath, packageName(importPath))
	pkg.MarkComplete()
	c.done[importPath] = &checked{pkg: pkg}
	return pkg, nil
}

// standardPath reports whether an import path belongs to the standard library: its first element
// has no dot.
func standardPath(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// packageName guesses the name of a package that isn't loaded: the last element that isn't a version.
func packageName(importPath string) string {
	dir, base := path.Split(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(dir)
	}
	return base
}

// standard returns an importer for the parts of the standard library that the tree imports.
func (c *checker) standard() (types.Importer, error) {
	var paths []string
	for _, f := range c.tree.Go() {
		for _, spec := range f.AST.Imports {
			p := strings.Trim(spec.Path.Value, "`\"")
			if standardPath(p) && p != "C" && p != "unsafe" {
				paths = append(paths, p)
			}
		}
	}
	slices.Sort(paths)
	exports, err := exportFiles(slices.Compact(paths))
	if err != nil {
		return nil, err
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(p string) (io.ReadCloser, error) {
		file, ok := exports[p]
		if !ok {
			return nil, fmt.Errorf("no export data for %s", p)
		}
		return os.Open(file)
	}), nil
}

// known holds the export files that were asked for before, since each question starts a process.
var known = struct {
	sync.Mutex
	files map[string]string
}{files: map[string]string{}}

// exportFiles asks the go command for the compiled form of standard packages.
func exportFiles(paths []string) (map[string]string, error) {
	known.Lock()
	defer known.Unlock()
	args := []string{"list", "-e", "-export", "-f", "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}"}
	asked := len(args)
	for _, p := range paths {
		if known.files[p] == "" {
			args = append(args, p)
		}
	}
	if len(args) == asked {
		return known.files, nil
	}
	var stderr bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("tidy: go list -export of the standard library: %w\n%s", err, stderr.String())
	}
	for line := range strings.Lines(string(out)) {
		if p, file, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			known.files[p] = file
		}
	}
	return known.files, nil
}
