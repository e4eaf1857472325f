// Command demo is `make demo`: it shows what Reprise does, with the commands that a user would type.
//
//  1. The orders example for real: a process on a disk, killed again and again.
//  2. The same workflow in simulation, thousands of seeds.
//  3. A planted bug, its report, and the report's own command run again.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const seeds = "3000"

func main() {
	if err := demo(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo() error {
	title("1. For real: orders in a process that is killed again and again")
	run("go", "run", "./internal/torture")
	if err := show("go", "run", "./internal/torture"); err != nil {
		return err
	}
	title("2. In simulation: the same workflow and engine, with crashes and completion orders from seeds")
	out, err := quietly("go", "test", "./examples/orders", "-run", "^TestOrder$", "-count=1", "-v",
		"-sim.runs="+seeds)
	if err != nil {
		return fmt.Errorf("the sweep failed: %w\n%s", err, out)
	}
	fmt.Println(summary(out))
	title("3. A planted bug: it takes an unusual completion order and a crash at the right moment")
	return plantedBug()
}

// kept is where the failing schedule of the planted bug is kept.
const kept = "examples/orders/testdata/sim/TestHastyOrder"

// plantedBug shows the report of a failing sweep, and that the command it prints fails in the same way.
func plantedBug() error {
	if err := os.RemoveAll(kept); err != nil {
		return err
	}
	defer os.RemoveAll(kept)
	first, err := quietly("go", "test", "-tags", "planted", "./examples/orders", "-run", "^TestHastyOrder$",
		"-count=1")
	if err == nil {
		return fmt.Errorf("the planted bug was not found:\n%s", first)
	}
	fmt.Println(report(first))
	command := regexp.MustCompile(`(?m)^\s*(go test .*-sim\.schedule=\S+)$`).FindStringSubmatch(first)
	if command == nil {
		return fmt.Errorf("the report names no command to reproduce it:\n%s", first)
	}
	fmt.Println("\nThe report's command, run again:")
	args := strings.Fields(strings.ReplaceAll(command[1], "'", ""))
	again, err := quietly(args[0], args[1:]...)
	if err == nil {
		return fmt.Errorf("the command passes, it should fail:\n%s", again)
	}
	verdict := regexp.MustCompile(`reprise: .*`)
	was, is := verdict.FindString(first), verdict.FindString(again)
	fmt.Println("    " + is)
	if was != is {
		return fmt.Errorf("it fails in another way; the first verdict was\n    %s", was)
	}
	fmt.Println("It fails in the same way.")
	return nil
}

func title(text string) { fmt.Printf("\n%s\n\n", text) }

// run prints a command as a user would type it.
func run(name string, args ...string) {
	words := append([]string{name}, args...)
	for i, w := range words {
		if strings.ContainsAny(w, "^$") {
			words[i] = "'" + w + "'"
		}
	}
	fmt.Println("  $ " + strings.Join(words, " "))
}

// show runs a command and lets its output through.
func show(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// quietly runs a command, turns a spinner meanwhile and returns the output.
func quietly(name string, args ...string) (string, error) {
	run(name, args...)
	spinner := progressbar.NewOptions(-1, progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetDescription("running"), progressbar.OptionSetElapsedTime(true),
		progressbar.OptionClearOnFinish(), progressbar.OptionSpinnerType(14))
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = spinner.Add(1)
			case <-stop:
				return
			}
		}
	}()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&out)
	err := cmd.Run()
	close(stop)
	<-stopped
	_ = spinner.Finish()
	return out.String(), err
}

// summary picks what the sweep logged from the output of go test -v.
func summary(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "    ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// report picks the failure from the output of go test.
func report(out string) string {
	if i := strings.Index(out, "--- FAIL"); i >= 0 {
		out = out[i:]
	}
	if i := strings.Index(out, "\nFAIL"); i >= 0 {
		out = out[:i]
	}
	return out
}
