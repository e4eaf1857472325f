// Command reprise looks into a store of durable workflows while no engine has it open.
//
//	go install github.com/reprise-dst/reprise/cmd/reprise@latest
//
//	reprise runs FOLDER                 list the runs and how far they have come
//	reprise journal FOLDER RUN          print the journal of a run; --json for machines
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/alecthomas/kong"
	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

type cli struct {
	Runs    runsCmd    `cmd:"" help:"List the runs of a store and how far they have come."`
	Journal journalCmd `cmd:"" help:"Print the journal of one run."`
}

type runsCmd struct {
	Folder string `arg:"" help:"The store's folder."`
}

type journalCmd struct {
	Folder string `arg:"" help:"The store's folder."`
	ID     string `arg:"" name:"run" help:"The run's id."`
	JSON   bool   `help:"Print JSON."`
}

func main() {
	ctx := kong.Parse(&cli{}, kong.Name("reprise"), kong.UsageOnError(),
		kong.Description("Looks into a store of durable workflows while no engine has it open."),
		kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "reprise:", err)
		os.Exit(1)
	}
}

// Run lists the runs.
func (c *runsCmd) Run(out io.Writer) error {
	return withStore(c.Folder, func(st store.Store) error {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "RUN\tWORKFLOW\tSTATUS")
		err := durable.List(st, func(l durable.Listing) bool {
			fmt.Fprintf(table, "%s\t%s\t%s\n", l.Run, l.Workflow, l.Status)
			return true
		})
		if err != nil {
			return err
		}
		return table.Flush()
	})
}

// Run prints a journal.
func (c *journalCmd) Run(out io.Writer) error {
	return withStore(c.Folder, func(st store.Store) error {
		j, err := durable.ReadJournal(st, c.ID)
		if err != nil {
			return err
		}
		if !c.JSON {
			return j.Print(out)
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(j)
	})
}

// withStore opens an existing store. One that is missing is not made, in an empty folder either.
func withStore(folder string, use func(store.Store) error) error {
	if files, err := os.ReadDir(folder); err != nil {
		return fmt.Errorf("there is no store: %w", err)
	} else if len(files) == 0 {
		return fmt.Errorf("there is no store: the folder %s is empty", folder)
	}
	st, err := store.OpenPebble(folder, store.PebbleOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	return use(st)
}
