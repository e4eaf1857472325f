// Command agent runs an agent whose model and tools are steps. It plays the person who approves, too.
//
//	go run ./examples/agent
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
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
	agent := NewAgent(printer{})
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{agent}})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	for _, city := range []string{"Lisbon", "Atlantis"} {
		run, err := agent.Start(ctx, engine, "trip-to-"+city, "a flight to "+city)
		if err != nil {
			return err
		}
		answer, err := run.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", run.ID(), answer)
	}
	return nil
}

// Script is a model that always does the same: it looks for a flight, pays for it, and tells about it.
type Script struct{}

// Think is a function of the transcript.
func (Script) Think(_ context.Context, transcript []string) (Reply, error) {
	last := transcript[len(transcript)-1]
	switch {
	case len(transcript) == 1:
		return Reply{Call: Call{"search", last}}, nil
	case strings.HasPrefix(last, "search"):
		return Reply{Call: Call{"pay", "120 for " + transcript[0]}}, nil
	case strings.HasSuffix(last, "refused by a person"):
		return Reply{Answer: "not booked"}, nil
	}
	return Reply{Answer: "booked, " + last[strings.LastIndex(last, "receipt"):]}, nil
}

// printer is a shop, and a person who knows where one can fly.
type printer struct{ Script }

func (printer) Use(_ context.Context, c Call, key string) (string, error) {
	fmt.Printf("  tool    %-7s%s  (key %s)\n", c.Tool, c.Input, key)
	return "receipt " + key, nil
}

func (printer) Ask(ctx context.Context, wish Call) (bool, error) {
	yes := !strings.Contains(wish.Input, "Atlantis")
	fmt.Printf("  person  %-7s%s? %t\n", wish.Tool, wish.Input, yes)
	info, _ := durable.Info(ctx)
	return true, Approve.Post(ctx, durable.EngineOf(ctx), info.Run, yes)
}
