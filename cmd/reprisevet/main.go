// Command reprisevet reports code that a replay of a durable workflow can't repeat. It is a vet tool:
//
//	go install github.com/reprise-dst/reprise/cmd/reprisevet
//	go vet -vettool=$(which reprisevet) ./...
//
// or, which is the same, by itself:
//
//	reprisevet ./...
//
// Flags go before the packages:
//
//	-tests    report in _test.go files too (default false)
//	-output   report printing and logging, which replay repeats (default true)
//	-json     print the diagnostics as JSON
//	-c n      show n lines of source around each diagnostic
//
// It exits with 1 when it has something to report. The flags of the go command that say what to build,
// such as -tags, work as they do for go vet.
//
// What it looks for, how a line is vouched for, and what it can't see is said in package determinism, next
// to this command.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/reprise-dst/reprise/cmd/reprisevet/determinism"
	"golang.org/x/tools/go/analysis/unitchecker"
)

func main() {
	if asked := os.Args[1:]; byGoVet(asked) {
		unitchecker.Main(determinism.Analyzer)
	}
	os.Exit(vet(os.Args[1:]))
}

// byGoVet reports whether the go command runs us: it asks for our version and flags, and then hands over
// one package at a time, described in a file.
func byGoVet(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	return strings.HasPrefix(args[0], "-V") || args[0] == "-flags" || args[0] == "help" ||
		strings.HasSuffix(last, ".cfg")
}

// vet lets the go command run us over the packages, so that it builds what is needed, keeps what it learned
// of each package in its cache, and speaks of files as it always does.
func vet(args []string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reprisevet:", err)
		return 2
	}
	for _, arg := range args {
		if arg == "-h" || arg == "-help" || arg == "--help" {
			fmt.Fprint(os.Stderr, usage)
			return 2
		}
	}
	cmd := exec.Command("go", append([]string{"vet", "-vettool=" + self}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "reprisevet: running the go command:", err)
		return 2
	}
	return 0
}

const usage = `usage: reprisevet [flags] [packages]

Reports code that a replay of a durable workflow can't repeat.
The same as: go vet -vettool=$(which reprisevet) [flags] [packages]

  -tests    report in _test.go files too
  -output   report printing and logging, which replay repeats (default true)
  -json     print the diagnostics as JSON
  -c n      show n lines of source around each diagnostic

reprisevet help reprise says what it looks for.
`
