package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

const (
	printed = `shop.go:13:2: fmt.Println in workflow code: every replay writes it again; use ctx.Logger(), ` +
		`which is silent on replay, or a step that writes it`
	behindHelper = `shop.go:14:8: os.Getenv via ids.New → prefix (ids.go:8) in workflow code: it reads the ` +
		`process's surroundings, and replay may be in another; use a step to read it once, or the ` +
		`workflow's input`
	inTest = `clean/clean_test.go:12:10: time.Now in workflow code: it reads the wall clock, and replay reads ` +
		`another time; use ctx.Now()`
)

// TestCommand runs the built command on a module of its own, by itself and under go vet.
func TestCommand(t *testing.T) {
	tool, dir := build(t), shop(t)
	for _, c := range []struct {
		name string
		args []string
		says []string
		exit int
	}{
		{"by itself", []string{tool, "./..."}, []string{printed, behindHelper}, 1},
		{"under go vet", []string{"go", "vet", "-vettool=" + tool, "./..."}, []string{printed, behindHelper}, 1},
		{"a clean package", []string{tool, "./clean"}, nil, 0},
		{"tests too", []string{tool, "-tests", "./clean"}, []string{inTest}, 1},
		{
			"tests too, under go vet",
			[]string{"go", "vet", "-vettool=" + tool, "-reprise.tests", "./clean"},
			[]string{inTest},
			1,
		},
		{"printing is fine", []string{tool, "-output=false", "./..."}, []string{behindHelper}, 1},
		{"help", []string{tool, "-help"}, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, exit := runIn(t, dir, c.args)
			require.Equal(t, c.exit, exit, out)
			var said []string
			for l := range strings.Lines(out) {
				if strings.Contains(l, ".go:") {
					said = append(said, strings.TrimSpace(filepath.ToSlash(l)))
				}
			}
			require.Equal(t, c.says, said, out)
		})
	}
	t.Run("help names the rules", func(t *testing.T) {
		out, exit := runIn(t, ".", []string{tool, "help", "reprise"})
		require.Equal(t, 0, exit, out)
		require.Contains(t, out, "//reprise:deterministic <reason>")
	})
}

func build(t *testing.T) string {
	tool := filepath.Join(t.TempDir(), "reprisevet")
	out, exit := runIn(t, ".", []string{"go", "build", "-o", tool, "."})
	require.Equal(t, 0, exit, out)
	return tool
}

// shop writes the module of testdata/shop.txtar, with the stub of durable that the analyzer's fixtures use.
func shop(t *testing.T) string {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	archive, err := txtar.ParseFile(filepath.Join("testdata", "shop.txtar"))
	require.NoError(t, err)
	for _, f := range archive.Files {
		write(f.Name, f.Data)
	}
	stub, err := os.ReadFile(filepath.FromSlash(
		"determinism/testdata/src/github.com/reprise-dst/reprise/durable/durable.go"))
	require.NoError(t, err)
	write("reprise/durable/durable.go", stub)
	return dir
}

func runIn(t *testing.T, dir string, args []string) (string, int) {
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), exit.ExitCode()
	}
	require.NoError(t, err, out.String())
	return out.String(), 0
}
