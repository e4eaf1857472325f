package properties_test

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// counter is the model of a counter: "add" is answered with the sum, "get" too.
func counter(sum int, d properties.Did) (int, bool) {
	if d.Action == "add" {
		sum += d.Sent.(int)
	}
	return sum, d.Open || d.Answer == sum
}

// adds and gets are calls of a counter that began and were answered at these moments; 0 is never.
func adds(n, answer, began, ended int) properties.Did {
	return properties.Took("run", "add", n, answer, began, ended)
}

func gets(answer, began, ended int) properties.Did {
	return properties.Took("run", "get", nil, answer, began, ended)
}

func TestHistoriesThatAModelExplains(t *testing.T) {
	for _, c := range []struct {
		name string
		did  []properties.Did
		fits bool
	}{
		{"nothing", nil, true},
		{"one after the other", []properties.Did{adds(1, 1, 1, 2), adds(2, 3, 3, 4), gets(3, 5, 6)}, true},
		{"a wrong answer", []properties.Did{adds(1, 1, 1, 2), adds(2, 2, 3, 4)}, false},
		{"an old answer", []properties.Did{adds(1, 1, 1, 2), gets(0, 3, 4)}, false},
		{"an answer from the future", []properties.Did{gets(1, 1, 2), adds(1, 1, 3, 4)}, false},
		{"overlapping, the later one first", []properties.Did{gets(1, 1, 4), adds(1, 1, 2, 3)}, true},
		{"overlapping, at the edges", []properties.Did{gets(1, 1, 3), adds(1, 1, 2, 4)}, true},
		{"overlapping, in no order", []properties.Did{adds(1, 1, 1, 4), adds(1, 1, 2, 3)}, false},
		{"open, and done", []properties.Did{adds(1, 0, 1, 0), gets(1, 2, 3)}, true},
		{"open, and not done", []properties.Did{adds(1, 0, 1, 0), gets(0, 2, 3)}, true},
		{"open, and done late", []properties.Did{adds(1, 0, 1, 0), gets(0, 2, 3), gets(1, 4, 5)}, true},
		{"open, and undone", []properties.Did{adds(1, 0, 1, 0), gets(1, 2, 3), gets(0, 4, 5)}, false},
		{"open, and done twice", []properties.Did{adds(1, 0, 1, 0), gets(2, 2, 3)}, false},
		{"open, and done too early", []properties.Did{gets(1, 1, 2), adds(1, 0, 3, 0)}, false},
		{"open, one of two done", []properties.Did{adds(1, 0, 1, 0), adds(2, 0, 2, 0), gets(2, 3, 4)}, true},
		{"only open", []properties.Did{adds(1, 0, 1, 0), gets(7, 2, 0)}, true},
	} {
		why := properties.Linearize(c.did, counter)
		require.Equal(t, c.fits, why == nil, "%s: %q", c.name, why)
	}
}

// TestHistoriesAreExplainedAsFarAsTheyGo: what is told is the longest explanation, and what can't follow;
// what may as well not have happened is in neither.
func TestHistoriesAreExplainedAsFarAsTheyGo(t *testing.T) {
	why := properties.Linearize([]properties.Did{
		gets(0, 1, 0), adds(1, 1, 2, 3), adds(2, 0, 4, 0), gets(3, 5, 6), gets(1, 7, 9), gets(4, 8, 10),
	}, counter)
	require.Equal(t, []string{
		"these answers can be explained, in this order:",
		`  add(ctx, , "run", 0) // client 0 at : 1`,
		`  add(ctx, , "run", 0) // client 0 at : no answer`,
		`  get(ctx, , "run", 0) // client 0 at : 3`,
		"in the state 3 none of these can come next:",
		`  get(ctx, , "run", 0) // client 0 at : 1`,
		`  get(ctx, , "run", 0) // client 0 at : 4`,
	}, why)
}

// TestEachRunHasAHistoryOfItsOwn: what was started with one id says nothing of another.
func TestEachRunHasAHistoryOfItsOwn(t *testing.T) {
	began := func(run string, in, at int) properties.Did {
		return properties.Took(run, "w", in, nil, at, at+1)
	}
	for _, c := range []struct {
		did []properties.Did
		why string
	}{
		{[]properties.Did{began("a", 1, 1), began("b", 2, 3), began("a", 1, 5), began("b", 2, 7)}, ""},
		{[]properties.Did{began("a", 1, 1), began("b", 2, 3), began("a", 2, 5)}, properties.AckDurable},
	} {
		r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 1, Disk: store.NewMemoryDisk}, func(w *sim.World) {
			properties.HoldStarts(w, c.did)
		})
		require.NoError(t, err)
		found := ""
		if r.Failure != nil {
			found = r.Failure.Property
		}
		require.Equal(t, c.why, found, r.Report)
	}
}

// TestTheSearchIsBounded: calls without an answer are tried as done and as not done, but no set of them twice
// in the same state, and not at all when they change nothing.
func TestTheSearchIsBounded(t *testing.T) {
	var did []properties.Did
	for i := range 8 {
		did = append(did, adds(1<<i, 0, i+1, 0))
	}
	for i := range 40 {
		did = append(did, gets(0, 9+i, 0))
	}
	for i := range 20 {
		did = append(did, gets(0, 49+2*i, 50+2*i))
	}
	fits := append(did[:len(did):len(did)], gets(1<<8-1, 1000, 1001))
	wrong := append(did[:len(did):len(did)], gets(1<<8, 1000, 1001))
	for _, c := range []struct {
		did  []properties.Did
		fits bool
	}{{fits, true}, {wrong, false}} {
		tried := 0
		why := properties.Linearize(c.did, func(sum int, d properties.Did) (int, bool) {
			tried++
			if tried > 1<<8*21*50 { // sets of adds, times moments, times what can come next
				t.Fatal("the search does not end")
			}
			return counter(sum, d)
		})
		require.Equal(t, c.fits, why == nil, why)
	}
}
