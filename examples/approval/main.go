// Command approval takes documents through a review by people, who decide, are late, or withdraw.
//
//	go run ./examples/approval
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	approval := NewApproval(printer{}, patience)
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{approval}})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	var reviews []durable.Run[Verdict]
	for i, title := range []string{"letter", "contract", "memo", "draft"} {
		review, err := approval.Start(ctx, engine, fmt.Sprintf("doc-%d", i+1), title)
		if err != nil {
			return err
		}
		reviews = append(reviews, review)
	}
	err = errors.Join(
		Decide.Post(ctx, engine, "doc-1", Decision{"editor", true}),
		engine.Cancel(ctx, "doc-4", "the author has second thoughts"))
	if err != nil {
		return err
	}
	time.Sleep(patience * 3 / 2) // the editor sleeps over the others, and the manager is asked
	if err := Decide.Post(ctx, engine, "doc-2", Decision{"manager", false}); err != nil {
		return err
	}
	for _, review := range reviews { // nobody ever decides about the memo
		if _, err := review.Result(ctx); err != nil && !errors.Is(err, durable.ErrCancelled) {
			return err
		}
	}
	return nil
}

// printer is an office that prints, one line at a time.
type printer struct{}

func (printer) Ask(_ context.Context, r Request) (bool, error) {
	_, err := fmt.Printf("  %-15s  %s is asked\n", r.Document, r.Who)
	return true, err
}

func (printer) File(_ context.Context, f Filing) (bool, error) {
	_, err := fmt.Printf("  %-15s  %s\n", f.Document, f.Verdict)
	return true, err
}
