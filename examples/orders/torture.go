package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// torture runs the child process, kills it that many times and lets the last one finish; then it checks
// what is on disk. The moments of the kills come from the seed and the machine's own timing.
func torture(dir string, orders, kills int, seed int64) error {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "orders-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	fmt.Printf("%d orders on a Pebble store on disk, every checkpoint synced; killing the process %d times\n",
		orders, kills)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	bar := progressbar.NewOptions(orders, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(30),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetDescription("orders ended"), progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
	killed := 0
	for {
		patience := time.Duration(0)
		if killed < kills {
			patience = time.Duration(60+rng.IntN(260)) * time.Millisecond
		}
		ended, err := runChild(dir, orders, patience, bar)
		if err != nil {
			return err
		}
		if ended {
			break
		}
		killed++
	}
	_ = bar.Finish()
	return report(dir, orders, killed)
}

// runChild starts the child process and kills it after patience; 0 lets it end. It reports whether the
// child came to its end.
func runChild(dir string, orders int, patience time.Duration, bar *progressbar.ProgressBar) (bool, error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	child := exec.Command(self, "-serve", "-dir", dir, "-orders", strconv.Itoa(orders))
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
	showProgress(out, bar)
	err = child.Wait()
	if err == nil {
		return true, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return false, nil // killed by a signal: ours
	}
	return false, fmt.Errorf("the child process failed: %w", err)
}

// showProgress moves the bar by the numbers that the child prints.
func showProgress(out io.Reader, bar *progressbar.ProgressBar) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			_ = bar.Set(n)
		}
	}
}

// findings is what the store and the two files say when all is over.
type findings struct {
	ended, shipped, declined, wrong int
	checkpoints, lost, again        int
	starts, replayed                int
}

func report(dir string, orders, killed int) error {
	f, err := inspect(dir, orders)
	if err != nil {
		return err
	}
	verdict := func(n int) string {
		if n == 0 {
			return "none"
		}
		return fmt.Sprintf("%d: WRONG", n)
	}
	fmt.Printf("  killed with SIGKILL                        %5d times\n", killed)
	fmt.Printf("  orders ended                               %5d of %d\n", f.ended, orders)
	fmt.Printf("  of them shipped                            %5d\n", f.shipped)
	fmt.Printf("  of them declined and compensated           %5d\n", f.declined)
	fmt.Printf("  checkpointed results                       %5d\n", f.checkpoints)
	fmt.Printf("  steps replayed from the journal            %5d\n", f.replayed)
	fmt.Printf("  steps run again, killed before a checkpoint%5d\n", f.starts-f.checkpoints)
	fmt.Printf("  recorded results lost or changed           %5s\n", verdict(f.lost))
	fmt.Printf("  steps run again after their checkpoint     %5s\n", verdict(f.again))
	fmt.Printf("  orders with wrong books                    %5s\n", verdict(f.wrong))
	if f.ended != orders || f.lost+f.again+f.wrong > 0 {
		return fmt.Errorf("the orders did not survive; run it with -dir to keep the evidence")
	}
	return nil
}

// inspect reads everything back.
func inspect(dir string, orders int) (f findings, err error) {
	recorded, err := readWitness(filepath.Join(dir, witnessFile), &f)
	if err != nil {
		return f, err
	}
	ledger, err := reopenLedger(filepath.Join(dir, booksFile), nil)
	if err != nil {
		return f, err
	}
	st, err := store.OpenPebble(filepath.Join(dir, storeDir), store.PebbleOptions{})
	if err != nil {
		return f, err
	}
	defer st.Close()
	for i := range orders {
		id := orderID(i)
		journal, err := durable.ReadJournal(st, id)
		if err != nil {
			return f, err
		}
		for j := range journal.Entries {
			ev := &journal.Entries[j].Event
			key := id + "/" + ev.Op
			if mark, ok := recorded[key]; ok && mark == resultMark(ev) {
				delete(recorded, key)
			}
		}
		done, err := durable.Replay(journal, NewOrder(ledger), nil)
		if err != nil {
			return f, err
		}
		if !done.Ended {
			continue
		}
		var receipt Receipt
		if err := durable.JSON().Decode(done.Result, &receipt); err != nil {
			return f, fmt.Errorf("order %s ended without a receipt (%w, its error: %v)", id, err, done.Err)
		}
		f.ended++
		f.shipped += count(receipt.Shipped)
		f.declined += count(!receipt.Shipped)
		f.wrong += count(ledger.Balanced(id, receipt) != nil)
	}
	f.lost = len(recorded)
	return f, nil
}

// readWitness returns the checkpoints that were reported durable, and counts what the engine did.
func readWitness(path string, f *findings) (recorded map[string]string, err error) {
	recorded = map[string]string{}
	err = eachLine(path, func(line string) {
		switch w := strings.Fields(line); {
		case len(w) == 2 && w[0] == "start":
			f.starts++
			if _, done := recorded[w[1]]; done {
				f.again++
			}
		case len(w) == 3 && w[0] == "checkpoint":
			recorded[w[1]] = w[2]
			f.checkpoints++
		case len(w) == 3 && w[0] == "replay":
			n, _ := strconv.Atoi(w[2])
			f.replayed += n
		}
	})
	return recorded, err
}
