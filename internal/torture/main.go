// Command torture kills a real process again and again: it builds examples/orders, lets it take a few hundred
// orders on a store on disk, kills it with SIGKILL at arbitrary moments, starts it again, until every order
// has ended; and after each life it looks at what the process had said and at what is on disk.
//
//	go run ./internal/torture
//
// The example knows nothing of it. What it prints is what its outside world has seen, line by line, up to
// the kill; what is on disk is read from a copy of the folder, so that the next life finds what the kill has
// left.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

func main() {
	orders := flag.Int("orders", 300, "how many orders to take")
	kills := flag.Int("kills", 6, "how often to kill the process")
	dir := flag.String("dir", "", "an empty folder for the store, which is kept (default: a temporary one)")
	flag.Parse()
	if err := run(*dir, *orders, *kills); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func run(dir string, orders, kills int) error {
	if orders < 1 || kills < 0 {
		return fmt.Errorf("-orders must be at least 1 and -kills at least 0, got %d and %d", orders, kills)
	}
	tmp, err := os.MkdirTemp("", "torture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if dir == "" {
		dir = filepath.Join(tmp, "store")
	}
	fmt.Printf("%d orders on a Pebble store on disk, every checkpoint synced; killing the process %d times\n",
		orders, kills)
	f, err := torture(tmp, dir, orders, kills)
	if err != nil {
		return err
	}
	fmt.Print(f)
	if !f.right(orders) {
		return errors.New("the orders did not survive; run it with -dir to keep the evidence")
	}
	return nil
}

// torture lives until a process has come to its end; the last one is not killed.
func torture(tmp, dir string, orders, kills int) (*findings, error) {
	binary := filepath.Join(tmp, "orders")
	build := exec.Command("go", "build", "-o", binary, "github.com/reprise-dst/reprise/examples/orders")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the example: %w\n%s", err, out)
	}
	bar := progressbar.NewOptions(orders, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(30),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetDescription("orders ended"), progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
	f := newFindings()
	for ended := false; !ended; {
		var patience time.Duration
		if f.killed < kills {
			patience = time.Duration(60+rand.IntN(400)) * time.Millisecond
		}
		child := exec.Command(binary, "-dir", dir, "-orders", strconv.Itoa(orders), "-every", "8ms")
		var err error
		if ended, err = live(child, patience, func(line string) {
			f.said(line)
			_ = bar.Set(len(f.ended))
		}); err != nil {
			return nil, err
		}
		f.killed += count(!ended)
		disk, err := look(dir, filepath.Join(tmp, "copy"))
		if err != nil {
			return nil, err
		}
		f.found(disk)
	}
	return f, bar.Finish()
}

// live runs the process and kills it after patience; 0 lets it end. It reports whether the process came to
// its end.
func live(child *exec.Cmd, patience time.Duration, said func(line string)) (ended bool, err error) {
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := child.Start(); err != nil {
		return false, err
	}
	if patience > 0 {
		timer := time.AfterFunc(patience, func() { _ = child.Process.Kill() })
		defer timer.Stop()
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said(lines.Text())
	}
	err = child.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.ExitCode() == -1:
		return false, nil // killed by a signal: ours
	}
	return false, fmt.Errorf("the process failed: %w", err)
}
