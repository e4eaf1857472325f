// Command approval takes documents through a review by people, who decide, are late, or withdraw.
//
//	go run ./examples/approval
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "approval:", err)
		os.Exit(1)
	}
}

// printer is an office that prints.
type printer struct{ mu sync.Mutex }

func (p *printer) Ask(_ context.Context, r Request) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Printf("  %-7s is asked about %s\n", r.Who, r.Document)
	return true, nil
}

func (p *printer) File(_ context.Context, f Filing) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Printf("  %-15s is %s\n", f.Document, f.Verdict)
	return true, nil
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "approval")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	const patience = 300 * time.Millisecond // two days, in an office of flesh and blood
	approval := NewApproval(&printer{}, patience)
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{approval}})
	if err != nil {
		return err
	}
	documents := []string{"letter", "contract", "memo", "draft"}
	for i, d := range documents {
		if _, err := approval.Start(ctx, engine, d, fmt.Sprintf("No. %d", i+1)); err != nil {
			return err
		}
	}
	err = errors.Join(
		Decide.Post(ctx, engine, "letter", Decision{"editor", true}),
		engine.Cancel(ctx, "draft", "the author has second thoughts"))
	if err != nil {
		return err
	}
	time.Sleep(patience * 3 / 2) // the editor sleeps over the others, and the manager is asked
	if err := Decide.Post(ctx, engine, "contract", Decision{"manager", false}); err != nil {
		return err
	}
	for _, d := range documents { // nobody ever decides about the memo
		_, err := approval.Run(engine, d).Result(ctx)
		if err != nil && !errors.Is(err, durable.ErrCancelled) {
			return err
		}
	}
	return engine.Close(ctx)
}
