// Command reprisevet reports code that a replay of a durable workflow can't repeat. It is a vet tool:
//
//	go install github.com/reprise-dst/reprise/cmd/reprisevet@latest
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
// Under go vet the first two are called -reprise.tests and -reprise.output. Flags that say what to build,
// such as -tags, work as they do for go vet. The command exits with 1 when it has something to report.
//
// What it looks for, with an example of each, how a line is vouched for, what it can't see, and how much it
// finds is said in docs/VET.md; package determinism, next to this command, is the analyzer.
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
	args := os.Args[1:]
	if byGoVet(args) {
		unitchecker.Main(determinism.Analyzer) // does not return
	}
	os.Exit(vet(args))
}

// byGoVet reports whether the go command runs us: it asks for our version and flags, and then hands over
// one package at a time, described in a file. Help comes from the same place.
func byGoVet(args []string) bool {
	if len(args) == 0 {
		return false
	}
	first, last := args[0], args[len(args)-1]
	return first == "-V=full" || first == "-flags" || first == "help" || strings.HasSuffix(last, ".cfg")
}

// vet lets the go command run us over the packages, so that it builds what is needed, keeps what it learned
// of each package in its cache, and speaks of files as it always does.
func vet(args []string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reprisevet: finding its own path:", err)
		return 2
	}
	forwarded := []string{"vet", "-vettool=" + self}
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case !strings.HasPrefix(arg, "-"):
		case name == "h" || name == "help":
			fmt.Fprint(os.Stderr, usage)
			return 2
		case name == "tests" || name == "output":
			arg = "-reprise." + name
			if value != "" {
				arg += "=" + value
			}
		}
		forwarded = append(forwarded, arg)
	}
	cmd := exec.Command("go", forwarded...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "reprisevet: running the go command, which must be on the PATH:", err)
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

reprisevet help reprise says what it looks for; docs/VET.md says it with examples.
`
