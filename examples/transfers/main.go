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
	const transfers = 60
	for i := range transfers { // all at once: those that meet at an account run again, until each was alone
		from := Accounts[i%len(Accounts)]
		to := Accounts[(i+1+i/7%2)%len(Accounts)]
		id := fmt.Sprintf("transfer-%d", i)
		if _, err := transfer.Start(ctx, engine, id, Transfer{from, to, 20 + 7*i%60}); err != nil {
			return err
		}
	}
	refused := 0
	for i := range transfers {
		_, err := transfer.Run(engine, fmt.Sprintf("transfer-%d", i)).Result(ctx)
		switch {
		case errors.Is(err, ErrFunds):
			refused++
		case err != nil:
			return err
		}
	}
	fmt.Printf("%d transfers at once among %d accounts of %d each; %d were refused for lack of money\n",
		transfers, len(Accounts), Opening, refused)
	err = engine.View(ctx, func(tx *durable.Tx) error {
		for _, account := range Accounts {
			fmt.Printf("  %-6s%4d\n", account, Balance(tx, account))
		}
		fmt.Printf("  %-6s%4d\n", "total", Total(tx))
		return nil
	})
	return errors.Join(err, engine.Close(ctx))
}
