// Command transfers moves money between accounts that are kept in the engine's own store.
//
//	go run ./examples/transfers
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "transfers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "transfers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	transfer := NewTransfer()
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{transfer}})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	var runs []durable.Run[Receipt]
	for i := range 60 { // all at once: those that meet at an account run again, until each was alone
		from, to := Accounts[i%len(Accounts)], Accounts[(i+1+i/7%2)%len(Accounts)]
		run, err := transfer.Start(ctx, engine, fmt.Sprintf("transfer-%d", i), Transfer{from, to, 20 + 7*i%60})
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	refused := 0
	for _, run := range runs {
		_, err := run.Result(ctx)
		switch {
		case errors.Is(err, ErrFunds):
			refused++
		case err != nil:
			return err
		}
	}
	fmt.Printf("%d transfers at once among %d accounts of %d each; %d were refused for lack of money\n",
		len(runs), len(Accounts), Opening, refused)
	return engine.View(ctx, func(tx *durable.Tx) error {
		for _, account := range Accounts {
			fmt.Printf("  %-6s%4d\n", account, Balance(tx, account))
		}
		fmt.Printf("  %-6s%4d\n", "total", Total(tx))
		return nil
	})
}
