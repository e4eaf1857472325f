package eventloop

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const dumpText = `goroutine 34 [running]:
main.look()
	/src/app/look.go:9 +0x1d

goroutine 7 [chan receive, 2 minutes, locked to thread]:
main.(*server).wait(0xc000012345, {0x4a, 0x3})
	/src/app/wait.go:41 +0x1d
main.serve[...](...)
	/src/app/serve.go:7
created by main.main in goroutine 1
	/src/app/main.go:7 +0x25

goroutine 8 [syscall]:
os/signal.signal_recv()
	/go/src/runtime/sigqueue.go:152 +0x29

goroutine 9 [GC assist wait]:
main.allocate()
	/src/app/a.go:1 +0x1

not a goroutine

goroutine x [running]:
`

func TestParseDump(t *testing.T) {
	all := parseDump(dumpText)
	require.Len(t, all, 4)
	g := all[1]
	require.EqualValues(t, 7, g.number)
	require.Equal(t, "chan receive", g.state)
	require.Equal(t, []Place{
		{"main.(*server).wait", "/src/app/wait.go", 41},
		{"main.serve[...]", "/src/app/serve.go", 7},
	}, g.places)
	require.True(t, g.blocked())
	require.True(t, g.idle())
	require.Contains(t, g.text, "created by")
	require.False(t, all[0].blocked())
	require.False(t, all[0].idle())
	require.True(t, all[2].idle(), "who waits for signals always does")
	require.False(t, all[3].blocked(), "the collector's waits pass")
	require.True(t, quiet(all[:3], 7))
	require.False(t, quiet(all, 7))
	inLoop := goroutineDump{number: 10, state: "running", places: []Place{
		{Function: module + "internal/eventloop.(*worker).loop"},
	}}
	require.True(t, quiet(append(all[:3:3], inLoop), 7), "a task of another loop ends nobody's wait")
}

func TestBlockedStates(t *testing.T) {
	for state, want := range map[string]bool{
		"chan receive": true, "chan receive (scan)": true, "select (no cases)": true, "sleep": true,
		"IO wait": true, "semacquire": true, "select (durable)": true,
		"running": false, "runnable": false, "syscall": false, "coroutine": false, "GC sweep wait": false,
		"preempted": false, "copystack": false, "stopping the world": false, "waiting": false,
	} {
		require.Equal(t, want, goroutineDump{state: state}.blocked(), state)
	}
}

func TestLooks(t *testing.T) {
	l := New()
	var k looks
	found := Blocked{goroutine: 7, State: "select", At: Place{"f", "f.go", 1}, quiet: true}
	strikes := func(onTime bool, b Blocked, ok bool, n int) bool {
		for range n {
			if _, struck := k.judge(onTime, b, ok); struck {
				return true
			}
		}
		return false
	}
	k = looks{loop: l}
	require.False(t, strikes(true, found, true, looksPerPatience), "the first look only remembers")
	require.True(t, strikes(true, found, true, 1))
	require.False(t, strikes(true, found, true, 100), "once per loop")

	k = looks{loop: l}
	require.False(t, strikes(false, found, true, 10_000), "late looks do not count")

	k = looks{loop: l}
	busy := found
	busy.quiet = false
	require.False(t, strikes(true, busy, true, 10*looksPerPatience), "a tenth each")
	require.True(t, strikes(true, busy, true, 1))

	k = looks{loop: l}
	moved := found
	moved.At.Line = 2
	for range 100 {
		require.False(t, strikes(true, found, true, looksPerPatience/2))
		require.False(t, strikes(true, moved, true, looksPerPatience/2), "another place starts again")
	}
	for range 100 {
		require.False(t, strikes(true, found, true, looksPerPatience/2))
		require.False(t, strikes(true, Blocked{}, false, 1), "not blocked starts again")
	}
}

func TestMachinery(t *testing.T) {
	for _, c := range []struct {
		function, file string
		want           bool
	}{
		{"runtime.gopark", standardRoot + "runtime/proc.go", true},
		{"iter.Pull[...].func1", standardRoot + "iter/iter.go", true},
		{module + "internal/eventloop.(*Loop).Park", "park.go", true},
		{module + "internal/eventloop.TestX", "x_test.go", false},
		{module + "sim.(*World).Run", "world.go", true},
		{module + "simple.Run", "run.go", false},
		{module + "durable/wal.Open", "wal.go", true},
		{module + "examples/orders.Order", "order.go", false},
		{"main.main", "/src/demo/main.go", false},
	} {
		require.Equal(t, c.want, machinery(Place{Function: c.function, File: c.file}), c.function)
	}
	sim := Place{Function: module + "sim.(*World).Run", File: "world.go"}
	own := Place{Function: module + "internal/eventloop.(*Loop).Park", File: "park.go"}
	require.Equal(t, sim, userPlace([]Place{own, sim}), "better our caller than nothing")
	require.Equal(t, Place{}, userPlace([]Place{own}))
	require.Equal(t, "an unknown place", Place{}.String())
}

func TestStandardWithoutRoot(t *testing.T) {
	root, mod := standardRoot, mainModule
	defer func() { standardRoot, mainModule = root, mod }()
	standardRoot, mainModule = "", "demo"
	require.True(t, standard(Place{Function: "slices.SortFunc[...]", File: "slices/sort.go"}))
	require.True(t, standard(Place{Function: "encoding/json.Marshal", File: "encoding/json/encode.go"}))
	require.False(t, standard(Place{Function: "main.main", File: "demo/main.go"}))
	require.False(t, standard(Place{Function: "demo/order.Place", File: "demo/order/place.go"}))
	require.False(t, standard(Place{Function: "github.com/a/b.F", File: "github.com/a/b@v1.0.0/f.go"}))
}
