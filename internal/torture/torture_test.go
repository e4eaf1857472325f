package main

import (
	"path/filepath"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/stretchr/testify/require"
)

func TestOrdersSurviveKills(t *testing.T) {
	tmp := t.TempDir()
	f, err := torture(tmp, filepath.Join(tmp, "store"), 30, 2)
	require.NoError(t, err)
	require.True(t, f.right(30), "%s", f)
	require.Positive(t, f.killed)
}

// TestWhatIsWrongIsSeen tells a life of one order, right and wrong.
func TestWhatIsWrongIsSeen(t *testing.T) {
	life := func(disk disk, lines ...string) *findings {
		f := newFindings()
		for _, line := range lines {
			f.said(line)
		}
		f.found(disk)
		return f
	}
	whole := func(status durable.Status) disk {
		return disk{
			results: map[string]string{"o/1": "a", "o/2": "b", "o/3": "c", "o/4": "d", "o/5": "e"},
			status:  map[string]durable.Status{"o": status},
		}
	}
	shipped := []string{
		"o reserved key o/1", "o charged key o/2", "o labelled key o/3", "o shipped key o/4",
		"o notified key o/5", "o COMPLETED tracking o/4",
	}
	right := func(status durable.Status, lines ...string) bool { return life(whole(status), lines...).right(1) }
	require.True(t, right(durable.Done, shipped...))
	require.True(t, right(durable.Failed, "o reserved key o/1", "o released key o/2"))

	require.False(t, life(whole(durable.Done), shipped...).right(2), "an order is missing")
	require.False(t, right(durable.Running, shipped...), "it has not ended, and was called ended")
	require.False(t, right(durable.Done, shipped[1:]...), "nothing was reserved")
	require.False(t, right(durable.Done, append(shipped, "o charged key o/7")...), "it was charged twice")
	require.False(t, right(durable.Failed, "o reserved key o/1"), "what was reserved is not released")
	require.False(t, right(durable.Failed, shipped[:4]...), "it has failed, and was shipped")

	f := life(whole(durable.Done), shipped...)
	f.said("o charged key o/2")
	require.Equal(t, 1, f.again, "charged again after that was recorded")

	f = life(whole(durable.Done), shipped...)
	changed := whole(durable.Done)
	changed.results["o/2"] = "other"
	delete(changed.results, "o/3")
	f.found(changed)
	require.Equal(t, 3, f.lost, "one changed, one lost, and shipped without that label")
}
