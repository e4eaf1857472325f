package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

func shout(_ context.Context, s string) (string, error) { return s + "!", nil }

var greet = durable.Define("greet", func(ctx durable.Context, name string) (string, error) {
	return durable.Step(ctx, "shout", shout, name)
})

func fill(t *testing.T) (folder string) {
	folder = filepath.Join(t.TempDir(), "db")
	st, err := store.OpenPebble(folder, store.PebbleOptions{})
	require.NoError(t, err)
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{greet}})
	require.NoError(t, err)
	for _, id := range []string{"b", "a", "ab"} {
		run, err := greet.Start(t.Context(), e, id, "hello")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, e.Close(t.Context()))
	require.NoError(t, st.Close())
	return folder
}

func TestRunsAndJournal(t *testing.T) {
	folder := fill(t)
	var out bytes.Buffer
	require.NoError(t, (&runsCmd{Folder: folder}).Run(&out))
	require.Equal(t, "RUN  WORKFLOW  STATUS\na    greet     done\nab   greet     done\nb    greet     done\n",
		out.String())

	out.Reset()
	require.NoError(t, (&journalCmd{Folder: folder, ID: "a"}).Run(&out))
	require.Regexp(t, `^run a of workflow greet, started \S+
   1  \+0s        started with "hello"
                 -> step "shout" \(id 1\)
   2  \+\S+ +step ended \(id 1\): "hello!"
                 -> return of a result with fingerprint [0-9a-f]{16}
$`, out.String())

	out.Reset()
	require.NoError(t, (&journalCmd{Folder: folder, ID: "a", JSON: true}).Run(&out))
	var j struct {
		Entries []struct{ Event, Op, Result string }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &j))
	require.Len(t, j.Entries, 2)
	require.Equal(t, "hello!", j.Entries[1].Result)
}

func TestBadInput(t *testing.T) {
	var out bytes.Buffer
	require.ErrorContains(t, (&runsCmd{Folder: filepath.Join(t.TempDir(), "none")}).Run(&out), "no such file")
	empty := t.TempDir()
	require.EqualError(t, (&runsCmd{Folder: empty}).Run(&out),
		"there is no store: the folder "+empty+" is empty")
	left, err := os.ReadDir(empty)
	require.NoError(t, err)
	require.Empty(t, left)
	require.EqualError(t, (&journalCmd{Folder: fill(t), ID: "zz"}).Run(&out), `durable: run not found: "zz"`)
}
