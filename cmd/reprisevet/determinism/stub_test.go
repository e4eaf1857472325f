package determinism

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStubIsLikeDurable keeps the package that the fixtures import like the real one: every exported
// function and method of the stub has the signature that it has there.
func TestStubIsLikeDurable(t *testing.T) {
	stub := signatures(t, filepath.Join("testdata", "src", "github.com", "reprise-dst", "reprise", "durable"))
	real := signatures(t, filepath.Join("..", "..", "..", "durable"))
	require.Greater(t, len(stub), 30)
	for name, sig := range stub {
		require.Equal(t, real[name], sig, name)
	}
}

// signatures are the exported functions and methods of a folder, by Name or Type.Name.
func signatures(t *testing.T, dir string) map[string]string {
	out := map[string]string{}
	entries, err := fs.Glob(os.DirFS(dir), "*.go")
	require.NoError(t, err)
	for _, name := range entries {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, 0)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.IsExported() {
				out[declaredName(fn)] = types.ExprString(fn.Type)
			}
		}
	}
	return out
}

func declaredName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	recv, _, _ := strings.Cut(types.ExprString(fn.Recv.List[0].Type), "[")
	return strings.TrimPrefix(recv, "*") + "." + fn.Name.Name
}
