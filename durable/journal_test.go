package durable

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var record = flag.Bool("record", false, "write golden journals that do not exist yet")

// TestGoldenJournals replays journals that older versions of the engine recorded. They stand for the runs of
// users that are under way: a change that breaks one of them breaks those runs. They are never rewritten; a
// new one is added with
//
//	go test ./durable -run TestGoldenJournals -record
func TestGoldenJournals(t *testing.T) {
	if *record {
		recordJournals(t)
	}
	files, err := filepath.Glob("testdata/journals/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		program, _, _ := strings.Cut(filepath.Base(file), "@")
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var j Journal
			require.NoError(t, json.Unmarshal(data, &j))
			require.Contains(t, programs, program)
			done, err := Replay(j, programs[program], nil)
			require.NoError(t, err)
			require.Equal(t, len(j.Entries), done.Entries)
		})
	}
}

// recordJournals saves the conversation of every transcript as a journal of this behaviour version.
func recordJournals(t *testing.T) {
	require.NoError(t, os.MkdirAll("testdata/journals", 0o755))
	for name, tr := range playTranscripts(t) {
		program := tr.m.def.name
		file := filepath.Join("testdata/journals", program+"@"+name+".json")
		if _, err := os.Stat(file); err == nil || tr.all[len(tr.all)-1].Unanswered {
			continue
		}
		data, err := json.MarshalIndent(Journal{Run: "r", Entries: tr.all}, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(data, '\n'), 0o644))
	}
}

func TestJournalsSurviveJSON(t *testing.T) {
	j := Journal{Run: "r", Entries: []Entry{
		{Seq: 1, Event: Event{Kind: EventStarted, Time: time.Unix(1, 5).UTC(), Start: &Start{
			Workflow: "w", Input: []byte{0xff, 0}, Seed: 1<<63 + 1, Behaviour: 1, Generation: 2, Origin: "o",
			Headers: map[string]string{"traceparent": "00-1", "tenant": "a"},
		}}, Commands: []Command{
			{Kind: CommandStep, Op: "1", Name: "s", Fingerprint: 1<<63 + 7},
			{Kind: CommandTimer, Op: "2", Deadline: time.Unix(9, 9).UTC()},
			{Kind: CommandCancel, Op: "2", Target: CommandTimer},
		}},
		{Seq: 2, Event: Event{Kind: EventStepEnded, Op: "1", Result: []byte(`{"base64":"AA=="}`)}, Unanswered: true},
		{Seq: 3, Event: Event{Kind: EventStepEnded, Op: "1", Failure: recordFailure(errors.New("x"))}},
		{
			Seq: 4, Event: Event{Kind: EventForked, Fork: &Fork{Run: "r", From: "o", Seed: 1<<63 + 2}},
			Commands: []Command{{Kind: CommandChild, Op: "3", Unawaited: AwaitChild}},
		},
	}}
	for i := range j.Entries {
		e := &j.Entries[i]
		e.Event.Time = time.Unix(1, 5).UTC()
		data, err := appendEntry(nil, e)
		require.NoError(t, err)
		back, err := decodeEntry("r", e.Seq, data)
		require.NoError(t, err)
		require.Equal(t, *e, back)
	}
	data, err := json.Marshal(j)
	require.NoError(t, err)
	var back Journal
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, j, back)

	for text, want := range map[string]string{
		`{"run":"r","entries":[{"seq":1,"event":"dreamt"}]}`:                                                                `run "r": entry 1: unknown event "dreamt"`,
		`{"run":"r","entries":[{"seq":2,"event":"started"}]}`:                                                               `entry 1 says that it is entry 2`,
		`{"run":"r","entries":[{"seq":1,"event":"started","commands":[{"kind":"step","fingerprint":"?"}]}]}`:                `bad fin`,
		`{"run":"r","entries":[{"seq":1,"event":"started","commands":[{"kind":"cancel","fingerprint":"0","target":"?"}]}]}`: `unknown target "?"`,
	} {
		require.ErrorContains(t, json.Unmarshal([]byte(text), &back), want)
	}
}

// TestALongJournalIsListedInColumns: however far its entries are apart.
func TestALongJournalIsListedInColumns(t *testing.T) {
	begun := time.Date(2020, 2, 28, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration, ev Event, commands ...Command) Entry {
		ev.Time = begun.Add(d)
		return Entry{Event: ev, Commands: commands}
	}
	const day = 24 * time.Hour
	j := Journal{Run: "r", Entries: []Entry{
		at(0, Event{Kind: EventStarted, Start: &Start{Workflow: "w", Input: []byte("1")}},
			Command{Kind: CommandTimer, Op: "1"}),
		at(50*365*day, Event{Kind: EventTimerFired, Op: "1"}, Command{Kind: CommandStep, Op: "2", Name: "a"}),
		at(50*365*day+61*time.Minute+time.Millisecond, Event{Kind: EventStepEnded, Op: "2", Result: []byte("3")}),
	}}
	j.Entries[2].Unanswered = true
	for i := range j.Entries {
		j.Entries[i].Seq = i + 1
	}
	var listing strings.Builder
	require.NoError(t, j.Print(&listing))
	require.Equal(t, `run r of workflow w, started 2020-02-28T12:00:00Z
   1  +0s               started with 1
                        -> sleep (id 1)
   2  +18250d           timer fired (id 1)
                        -> step "a" (id 2)
   3  +18250d1h1m0.001s step ended (id 2): 3
                        (the code has not answered yet)
`, listing.String())
}
