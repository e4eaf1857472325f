package tidy

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

// root is the project's folder: tests run in the folder of their package.
const root = "../.."

// TestTree applies every rule to the project itself.
func TestTree(t *testing.T) {
	tree, err := Load(os.DirFS(root))
	require.NoError(t, err)
	if golden.Updating() {
		require.NoError(t, copySnippets(tree, root))
		tree, err = Load(os.DirFS(root))
		require.NoError(t, err)
	}
	require.Greater(t, len(tree.Go()), 5, "the tree was not found")
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			var bad []string
			for _, f := range rule.Run(tree) {
				if f.Warn {
					t.Log(f)
				} else {
					bad = append(bad, f.String())
				}
			}
			if len(bad) > 0 {
				t.Errorf("%s\n%s", rule.Why, strings.Join(bad, "\n"))
			}
		})
	}
}

// TestRules gives each rule an archive of small bad sources, testdata/<rule>.txtar. Its comment says
// what is bad about them, and testdata/<rule>.want holds the findings, rewritten with -update.
func TestRules(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("testdata", rule.Name+".txtar"))
			require.NoError(t, err, "every rule has an archive of sources that break it")
			tree, err := Load(files(archive))
			require.NoError(t, err)
			var out strings.Builder
			for _, f := range rule.Run(tree) {
				out.WriteString(f.String() + "\n")
			}
			require.NotEmpty(t, out.String(), "a rule that finds nothing in bad sources is blind")
			golden.Assert(t, rule.Name+".want", out.String())
		})
	}
}

// TestGoodSourcesPass applies every rule to a small tree that keeps them all.
func TestGoodSourcesPass(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	require.NoError(t, err)
	tree, err := Load(files(archive))
	require.NoError(t, err)
	for _, rule := range Rules() {
		require.Empty(t, rule.Run(tree), rule.Name)
	}
}

func TestEveryArchiveBelongsToARule(t *testing.T) {
	known := map[string]bool{"good": true}
	for _, rule := range Rules() {
		require.False(t, known[rule.Name], "rule %s is there twice", rule.Name)
		known[rule.Name] = true
	}
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, entry := range entries {
		name, _, _ := strings.Cut(entry.Name(), ".")
		require.True(t, known[name], "testdata/%s belongs to no rule", entry.Name())
	}
}

// files is a file system of the archive's files.
func files(archive *txtar.Archive) fs.FS {
	out := fstest.MapFS{}
	for _, f := range archive.Files {
		// In an archive a line may be repeated: "%x500 text" stands for 500 lines of text.
		out[f.Name] = &fstest.MapFile{Data: []byte(repeat(string(f.Data)))}
	}
	return out
}

func repeat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		count, rest, ok := strings.Cut(line, " ")
		times, found := strings.CutPrefix(count, "%x")
		if !ok || !found {
			b.WriteString(line)
			continue
		}
		n := 0
		for _, digit := range times {
			n = n*10 + int(digit-'0')
		}
		b.WriteString(strings.Repeat(rest, n))
	}
	return b.String()
}

func TestUpdateCopiesTheFileIntoTheDocument(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("go.mod", "module example.org/m\n")
	write("ex/a.go", "// Package ex is an example.\npackage ex\n\nvar A = 1\n")
	write("README.md", "# M\n\n```go\n// ex/a.go\npackage ex\n\nvar A = 2\n```\n\nend\n")

	tree, err := Load(os.DirFS(dir))
	require.NoError(t, err)
	require.Len(t, snippets(tree), 1)
	require.NoError(t, copySnippets(tree, dir))

	tree, err = Load(os.DirFS(dir))
	require.NoError(t, err)
	require.Empty(t, snippets(tree))
	readme := tree.Files["README.md"].Text
	require.Equal(t, "# M\n\n```go\n// ex/a.go\npackage ex\n\nvar A = 1\n```\n\nend\n", readme)
}

// TestZonesAreInTheArchitecture keeps the page that people read as complete as the table that the rule
// reads.
func TestZonesAreInTheArchitecture(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "ARCHITECTURE.md"))
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(page), "## Who may import whom")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, z := range zones {
		require.Contains(t, table, "`"+z.dir+"`")
		for _, own := range z.own {
			if own != public {
				require.Contains(t, table, "`"+own+"`", "which %s may import", z.dir)
			}
		}
	}
}

func TestLoadWantsAModule(t *testing.T) {
	_, err := Load(fstest.MapFS{"a.go": {Data: []byte("package a\n")}})
	require.EqualError(t, err, "tidy: no go.mod at the root of the tree")
}

func TestFindingsReadAsOneLine(t *testing.T) {
	f := Finding{Path: "sim/world.go", Line: 3, What: "select", Use: "a Signal"}
	require.Equal(t, "sim/world.go:3: select is banned, use a Signal", f.String())
	f.Line, f.Warn = 0, true
	require.Equal(t, "sim/world.go: warning: select; a Signal", f.String())
}
