package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// standardMethods are documented by the interface of the standard library that they satisfy.
var standardMethods = map[string]bool{
	"Error": true, "String": true, "GoString": true, "Format": true, "Unwrap": true, "Is": true, "As": true,
	"Len": true, "Less": true, "Swap": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true,
}

func docs(t *Tree) []Finding {
	var found []Finding
	packages := map[string][]*File{}
	for _, f := range t.Go() {
		if f.Test() {
			continue
		}
		packages[f.Dir()] = append(packages[f.Dir()], f)
		if f.AST.Name.Name == "main" {
			continue
		}
		d := documenter{t: t, f: f}
		for _, decl := range f.AST.Decls {
			d.declaration(decl)
		}
		found = append(found, d.found...)
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		found = append(found, packageComment(packages[dir])...)
	}
	return found
}

// packageComment wants one package comment, in the form that go doc expects.
func packageComment(files []*File) []Finding {
	first := files[0]
	name := first.AST.Name.Name
	begins := "Package " + name + " "
	if name == "main" {
		begins = "Command "
	}
	commented := 0
	var found []Finding
	for _, f := range files {
		if f.AST.Doc == nil || f.AST.Doc.Text() == "" {
			continue
		}
		commented++
		main := name == "main" && !strings.HasPrefix(f.Dir(), "cmd/")
		if text := f.AST.Doc.Text(); !main && !strings.HasPrefix(text, begins) {
			found = append(found, Finding{
				Path: f.Path, Line: 1, What: "a package comment that begins otherwise",
				Use: fmt.Sprintf("one that begins with %q", strings.TrimSpace(begins)),
			})
		}
	}
	switch {
	case commented == 0:
		found = append(found, Finding{
			Path: first.Path, Line: 1, What: "package " + name + " without a package comment",
			Use: "one that is its manual: terms first, then a whole example, then limits",
		})
	case commented > 1:
		found = append(found, Finding{
			Path: first.Path, Line: 1, What: "package " + name + " with several package comments",
			Use: "one, in the file named after the package or in doc.go",
		})
	}
	return found
}

// A documenter finds the exported names of a file that nothing documents.
type documenter struct {
	t     *Tree
	f     *File
	found []Finding
}

func (d *documenter) declaration(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		d.function(decl)
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				d.want(spec.Name, decl.Doc, spec.Doc, spec.Comment)
				if face, ok := spec.Type.(*ast.InterfaceType); ok && spec.Name.IsExported() {
					d.methods(spec.Name.Name, face)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					d.want(name, groupDoc(decl), spec.Doc, spec.Comment)
				}
			}
		}
	}
}

// groupDoc is the comment above a group of constants or variables, which documents all of them.
func groupDoc(decl *ast.GenDecl) *ast.CommentGroup {
	if decl.Tok == token.CONST || decl.Tok == token.VAR {
		return decl.Doc
	}
	return nil
}

func (d *documenter) function(decl *ast.FuncDecl) {
	if decl.Recv != nil {
		if !ast.IsExported(receiver(decl)) || standardMethods[decl.Name.Name] {
			return
		}
	}
	d.want(decl.Name, decl.Doc)
}

// methods wants the contract of an interface rule by rule. A literal interface of one method is
// documented by its type.
func (d *documenter) methods(name string, face *ast.InterfaceType) {
	for _, field := range face.Methods.List {
		if _, embedded := field.Type.(*ast.FuncType); !embedded || len(face.Methods.List) == 1 {
			continue
		}
		for _, method := range field.Names {
			if !standardMethods[method.Name] {
				d.wantAs(name+"."+method.Name, method, field.Doc, field.Comment)
			}
		}
	}
}

func (d *documenter) want(name *ast.Ident, comments ...*ast.CommentGroup) {
	d.wantAs(name.Name, name, comments...)
}

func (d *documenter) wantAs(shown string, name *ast.Ident, comments ...*ast.CommentGroup) {
	if !name.IsExported() {
		return
	}
	for _, c := range comments {
		if c != nil && strings.TrimSpace(c.Text()) != "" {
			return
		}
	}
	d.found = append(d.found, Finding{
		Path: d.f.Path, Line: d.t.line(name.Pos()), What: "exported " + shown + " without a doc comment",
		Use: "one that says what it does, its units and its errors",
	})
}

// receiver is the name of the type that a method belongs to.
func receiver(decl *ast.FuncDecl) string {
	typ := decl.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
