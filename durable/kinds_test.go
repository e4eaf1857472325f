package durable

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// declared finds the kinds of events or commands in their source: names and numbers.
func declared(t *testing.T, typ string) map[string]uint8 {
	source, err := os.ReadFile("event.go")
	require.NoError(t, err)
	kinds := map[string]uint8{}
	line := regexp.MustCompile(`(?m)^\t(\w+)\s+` + typ + ` = (\d+)`)
	for _, m := range line.FindAllStringSubmatch(string(source), -1) {
		n, err := strconv.ParseUint(m[2], 10, 8)
		require.NoError(t, err)
		if uint8(n) < uint8(eventGoOn) { // the others are in no journal
			kinds[m[1]] = uint8(n)
		}
	}
	require.NotEmpty(t, kinds)
	return kinds
}

// TestEveryKindIsRecordedReadAndListed: for each kind of event and command there is a golden journal that has
// it, comes back from JSON and from the store's encoding as it was, and shows it in the listing. A new kind
// fails here until it has a word, and a golden journal; see TestGoldenJournals for how to record one.
func TestEveryKindIsRecordedReadAndListed(t *testing.T) {
	events, commands := map[EventKind]bool{}, map[CommandKind]bool{}
	files, err := filepath.Glob("testdata/journals/*.json")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var j Journal
		require.NoError(t, json.Unmarshal(data, &j), file)
		var listing bytes.Buffer
		require.NoError(t, j.Print(&listing))
		back := Journal{Run: j.Run}
		for i := range j.Entries {
			e := &j.Entries[i]
			events[e.Event.Kind] = true
			require.Contains(t, listing.String(), e.Event.Kind.String(), file)
			for c := range e.Commands {
				commands[e.Commands[c].Kind] = true
				require.Contains(t, listing.String(), "-> "+e.Commands[c].String(), file)
			}
			stored, err := appendEntry(nil, e)
			require.NoError(t, err)
			read, err := decodeEntry(j.Run, i+1, stored)
			require.NoError(t, err)
			back.Entries = append(back.Entries, read)
		}
		again, err := json.MarshalIndent(back, "", " ")
		require.NoError(t, err)
		require.JSONEq(t, string(data), string(again), file)
	}
	for name, n := range declared(t, "EventKind") {
		require.NotContains(t, EventKind(n).String(), "kind", "%s has no word", name)
		require.LessOrEqual(t, EventKind(n), lastEventKind, "%s is not read back", name)
		require.True(t, events[EventKind(n)], "no golden journal has an event of kind %s", name)
	}
	for name, n := range declared(t, "CommandKind") {
		require.NotContains(t, CommandKind(n).String(), "kind", "%s has no word", name)
		require.LessOrEqual(t, CommandKind(n), lastCommandKind, "%s is not read back", name)
		require.True(t, commands[CommandKind(n)], "no golden journal has a command of kind %s", name)
	}
}
