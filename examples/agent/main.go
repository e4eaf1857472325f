// Command agent runs an agent whose model and tools are steps. It plays the person who approves, too.
//
//	go run ./examples/agent
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// printer is tools that print how they are used.
type printer struct{}

// boss is a person who allows every other wish.
type boss struct{ asked int }

func (b *boss) Ask(ctx context.Context, wish string) (bool, error) {
	b.asked++
	yes := b.asked%2 == 1
	fmt.Printf("  may it %s? %t\n", wish, yes)
	info, _ := durable.Info(ctx)
	return true, Approve.Post(ctx, durable.EngineOf(ctx), info.Run, yes)
}

func (printer) Use(_ context.Context, c Call) (string, error) {
	fmt.Printf("  tool %-6s %q, key %s\n", c.Tool, c.Input, c.Key)
	return "done " + c.Key, nil
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	agent := NewAgent(Script{}, printer{}, &boss{})
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{agent}})
	if err != nil {
		return err
	}
	for _, id := range []string{"trip-1", "trip-2"} {
		fmt.Println(id)
		if _, err := agent.Start(ctx, engine, id, "a flight to Lisbon"); err != nil {
			return err
		}
		answer, err := agent.Run(engine, id).Result(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("  %s\n", answer)
	}
	return engine.Close(ctx)
}
