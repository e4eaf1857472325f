package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// number reads a number, 0 when there is none.
func number(tx *durable.Tx, key string) int {
	value, _ := tx.Get(key)
	n, _ := strconv.Atoi(string(value))
	return n
}

func setNumber(tx *durable.Tx, key string, n int) { tx.Set(key, []byte(strconv.Itoa(n))) }

func addUp(tx *durable.Tx, n int) (int, error) {
	n += number(tx, "sum")
	setNumber(tx, "sum", n)
	return n, nil
}

// adder adds each of its numbers to the sum, one after the other or all at once.
func adder(atOnce bool) *durable.Workflow[[]int, int] {
	return durable.Define("adder", func(ctx durable.Context, list []int) (int, error) {
		if !atOnce {
			last := 0
			for _, n := range list {
				var err error
				if last, err = durable.Transact(ctx, "add", addUp, n); err != nil {
					return 0, err
				}
			}
			return last, nil
		}
		var all []durable.Future[int]
		for _, n := range list {
			all = append(all, durable.Go(ctx, "adds", func(ctx durable.Context) (int, error) {
				return durable.Transact(ctx, "add", addUp, n)
			}))
		}
		sums, err := durable.Gather(ctx, all...)
		if err != nil {
			return 0, err
		}
		return slices.Max(sums), nil
	})
}

// sumOf reads the sum from outside.
func sumOf(t require.TestingT, e *durable.Engine) (sum int) {
	require.NoError(t, e.View(context.Background(), func(tx *durable.Tx) error {
		sum = number(tx, "sum")
		return nil
	}))
	return sum
}

func TestTransactionsOfOneRunAndOfManyAddUp(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		t.Run(fmt.Sprintf("at once %t", atOnce), func(t *testing.T) {
			warmAndCold(t, func(t *testing.T, cfg durable.Config) {
				wf := adder(atOnce)
				cfg.Workflows = []durable.Definition{wf}
				e := openWith(t, cfg)
				var all sync.WaitGroup
				for i := range 20 {
					all.Go(func() {
						run, err := wf.Start(t.Context(), e, fmt.Sprint("r", i), []int{1, 2, 3, 4, 5})
						if err == nil {
							_, err = run.Result(t.Context())
						}
						if err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				require.Equal(t, 20*15, sumOf(t, e))
			})
		})
	}
}

var errPoor = errors.New("transact_test: not enough money")

func init() { durable.RegisterError(errPoor) }

func TestATransactionThatFailsWritesNothing(t *testing.T) {
	fail := map[string]func(tx *durable.Tx) error{
		"error":  func(*durable.Tx) error { return fmt.Errorf("paying: %w", errPoor) },
		"panic":  func(*durable.Tx) error { panic("ouch") },
		"misuse": func(tx *durable.Tx) error { tx.Set("", nil); return nil },
	}
	wf := durable.Define("w", func(ctx durable.Context, how string) (string, error) {
		_, err := durable.Transact(ctx, "t", func(tx *durable.Tx, how string) (int, error) {
			tx.Set("written", []byte("x"))
			return 1, fail[how](tx)
		}, how)
		return "", err
	})
	e := open(t, store.OpenMemory(), wf)
	for how, check := range map[string]func(err error){
		"error": func(err error) { require.ErrorIs(t, err, errPoor) },
		"panic": func(err error) {
			var p *durable.PanicError
			require.ErrorAs(t, err, &p)
			require.Equal(t, "ouch", p.Value)
		},
		"misuse": func(err error) { require.ErrorContains(t, err, "durable: Set was called with an empty key") },
	} {
		_, err := start(t, wf, e, how, how).Result(t.Context())
		check(err)
	}
	require.NoError(t, e.View(t.Context(), func(tx *durable.Tx) error {
		_, found := tx.Get("written")
		require.False(t, found)
		return nil
	}))
}

func TestTheJournalOfATransactionReplaysWithoutIt(t *testing.T) {
	st := store.OpenMemory()
	wf := adder(false)
	e := open(t, st, wf)
	require.Equal(t, 6, result(t, start(t, wf, e, "r", []int{1, 2, 3})))
	j, err := durable.ReadJournal(st, "r")
	require.NoError(t, err)
	done, err := durable.Replay(j, wf, nil)
	require.NoError(t, err)
	require.True(t, done.Ended)
	require.Equal(t, 6, sumOf(t, e))
	var text strings.Builder
	require.NoError(t, j.Print(&text))
	require.Contains(t, text.String(), `-> transaction "add" (id 1)`)

	asStep := durable.Define("adder", func(ctx durable.Context, list []int) (int, error) {
		return durable.Step(ctx, "add", func(context.Context, int) (int, error) { return 0, nil }, list[0])
	})
	_, err = durable.Replay(j, asStep, nil)
	require.ErrorContains(t, err, `recorded transaction "add" (id 1), the code now does step "add" (id 1)`)
}

func TestAnotherWriterWhereTransactionsDoStopsTheEngine(t *testing.T) {
	st := store.OpenMemory()
	wf := durable.Define("w", func(ctx durable.Context, _ string) (int, error) {
		return durable.Transact(ctx, "t", func(tx *durable.Tx, _ string) (int, error) {
			number(tx, "key")
			return 0, nil
		}, "")
	})
	e := open(t, meddled{st}, wf)
	_, err := start(t, wf, e, "r", "").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrFailed)
	require.NotErrorIs(t, err, durable.ErrFenced)
	require.ErrorContains(t, err, "something other than this engine writes where transactions do")
}

// meddled is a store into which something else writes just before each commit.
type meddled struct{ store.Store }

func (m meddled) Commit(b *store.Batch) error {
	var other store.Batch
	other.Set([]byte("kkey"), []byte(time.Now().String()))
	if err := m.Store.Commit(&other); err != nil {
		return err
	}
	return m.Store.Commit(b)
}

func TestTransactionsSeeTheirMistakes(t *testing.T) {
	type call = func(ctx durable.Context) error
	for want, call := range map[string]call{
		"durable: the transaction's name is empty; give it a name of 1 to 512 bytes": func(
			ctx durable.Context,
		) error {
			return ended(durable.Transact(ctx, "", addUp, 1))
		},
		"durable: Transact(t) needs a function to run, got nil": func(ctx durable.Context) error {
			return ended(durable.Transact[int, int](ctx, "t", nil, 1))
		},
	} {
		_, err := ended1(t, durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
			return "", call(ctx)
		}))
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorContains(t, err, want)
	}
	e := open(t, store.OpenMemory())
	require.PanicsWithValue(t, "durable: Engine.View needs a function to call, got nil", func() {
		_ = e.View(t.Context(), nil)
	})
	require.EqualError(t, e.View(t.Context(), func(tx *durable.Tx) error {
		tx.Set("k", nil)
		return nil
	}), `durable: Set("k") was called in a View, which only reads; write in Transact`)
	require.ErrorIs(t, e.View(t.Context(), func(*durable.Tx) error { return errPoor }), errPoor)
}

// The bank's accounts are account/0 … account/3. Each transfer leaves a line in the log.
const (
	accounts = 4
	money    = 100 // on each account, at first
)

func account(i int) string { return fmt.Sprint("account/", i) }

// transfer is what one transaction of the bank does.
type transfer struct {
	ID               string
	From, To, Amount int
	Audit            bool // it looks at all accounts
}

type audit struct{ Total, Lines int }

// move moves money, or looks at all accounts; it fails when there is not enough.
func move(tx *durable.Tx, t transfer) (audit, error) {
	for i := range accounts {
		if _, ok := tx.Get(account(i)); !ok {
			setNumber(tx, account(i), money)
		}
	}
	if t.Audit {
		return total(tx), nil
	}
	from, to := number(tx, account(t.From)), number(tx, account(t.To))
	if from < t.Amount {
		return audit{}, fmt.Errorf("moving %d: %w", t.Amount, errPoor)
	}
	if t.From != t.To {
		setNumber(tx, account(t.From), from-t.Amount)
		setNumber(tx, account(t.To), to+t.Amount)
	}
	tx.Set("log/"+t.ID, []byte(fmt.Sprint(t)))
	return audit{}, nil
}

func total(tx *durable.Tx) (a audit) {
	for _, value := range tx.Scan("account/", "account0") {
		n, _ := strconv.Atoi(string(value))
		a.Total += n
	}
	for range tx.Scan("log/", "log0") {
		a.Lines++
	}
	return a
}

// banker makes several transfers, two at a time.
var banker = durable.Define("banker", func(ctx durable.Context, list []transfer) (made []string, err error) {
	var at sync.Mutex // branches run one at a time; the race detector need not know
	for pair := range slices.Chunk(list, 2) {
		var both []durable.Future[bool]
		for _, t := range pair {
			both = append(both, durable.Go(ctx, "clerk", func(ctx durable.Context) (bool, error) {
				seen, err := durable.Transact(ctx, "move", move, t)
				switch {
				case errors.Is(err, errPoor):
					return false, nil
				case err != nil:
					return false, err
				case t.Audit && seen.Total != accounts*money:
					return false, fmt.Errorf("transaction %s sees %d in all", t.ID, seen.Total)
				case !t.Audit:
					at.Lock()
					made = append(made, t.ID)
					at.Unlock()
				}
				return true, nil
			}))
		}
		if _, err := durable.Gather(ctx, both...); err != nil {
			return nil, err
		}
	}
	return made, nil
})

// TestMoneyIsConserved: several runs make random transfers while a client looks on, and the process dies at
// any moment. All transactions and the client see the same total; each transfer that a run reports is in the
// log once, and no other is.
func TestMoneyIsConserved(t *testing.T) {
	sweepPlant(t, 4000, func(w *sim.World) {
		p := newPlant(w, banker)
		runs := 1 + w.Pick("runs", 3)
		done := map[string]bool{}
		name := func(i int) string { return fmt.Sprint("client of run ", i) }
		w.Concurrently(name, runs+1, func(ctx context.Context, i int) {
			if i == runs {
				watchBank(ctx, w, p)
				return
			}
			var list []transfer
			for n := range 1 + w.Pick("transfers", 4) {
				list = append(list, transfer{
					ID: fmt.Sprint(i, ".", n), Audit: w.Pick("audit", 4) == 1, Amount: 1 + 40*w.Pick("amount", 3),
					From: w.Pick("from", accounts), To: w.Pick("to", accounts),
				})
			}
			id := fmt.Sprint("run ", i)
			startOn(ctx, p, banker, id, list)
			made, err := resultOn(ctx, p, banker, id)
			require.NoError(w, err)
			for _, m := range made {
				done[m] = true
			}
		})
		require.NoError(w, p.insist(w.Context(), "check the books", func(ctx context.Context) error {
			return p.engine.View(ctx, func(tx *durable.Tx) error {
				logged := map[string]bool{}
				for line := range tx.Scan("log/", "log0") {
					logged[strings.TrimPrefix(line, "log/")] = true
				}
				require.Equal(w, done, logged, "what the runs report and what the log has")
				return nil
			})
		}))
		p.settled(named(banker))
	})
}

// watchBank looks at all accounts from outside, some times.
func watchBank(ctx context.Context, w *sim.World, p *plant) {
	for range w.Pick("looks", 4) {
		_ = w.Sleep(ctx, time.Duration(w.Pick("pause", 4))*time.Millisecond)
		require.NoError(w, p.insist(ctx, "look", func(ctx context.Context) error {
			return p.engine.View(ctx, func(tx *durable.Tx) error {
				sum, there := 0, 0
				for i := range accounts { // one by one, so that others may come between
					if value, ok := tx.Get(account(i)); ok {
						n, _ := strconv.Atoi(string(value))
						sum, there = sum+n, there+1
					}
					if w.Pick("pause between reads", 3) == 1 {
						_ = w.Sleep(ctx, time.Millisecond)
					}
				}
				if there != 0 && sum != accounts*money {
					return fmt.Errorf("a look from outside sees %d on %d accounts", sum, there)
				}
				return nil
			})
		}))
	}
}
