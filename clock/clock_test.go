package clock_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/clock/clocktest"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestConformance(t *testing.T) {
	t.Run("Virtual", func(t *testing.T) {
		clocktest.Run(t, func(*testing.T) clocktest.Setup {
			v := clock.NewVirtual(start)
			return clocktest.Setup{
				Clock: v,
				Pass:  func(d time.Duration) { v.AdvanceTo(v.Now().Add(d)) },
				Exact: true,
			}
		})
	})
	t.Run("Real", func(t *testing.T) {
		clocktest.Run(t, func(*testing.T) clocktest.Setup {
			c := &tracked{Clock: clock.Real()}
			return clocktest.Setup{Clock: c, Pass: c.pass}
		})
	})
}

// tracked knows which timers of a clock are due and have not run to their end, so that a test need not
// guess how long a busy machine takes.
type tracked struct {
	clock.Clock
	mu   sync.Mutex
	open []*pending
}

type pending struct {
	due  time.Time
	done chan struct{} // closed when it ran or was stopped
}

func (c *tracked) AfterFunc(d time.Duration, fn func()) func() bool {
	p := &pending{due: time.Now().Add(d), done: make(chan struct{})}
	c.mu.Lock()
	c.open = append(c.open, p)
	c.mu.Unlock()
	stop := c.Clock.AfterFunc(d, func() {
		defer close(p.done)
		fn()
	})
	return func() bool {
		stopped := stop()
		if stopped {
			close(p.done)
		}
		return stopped
	}
}

func (c *tracked) pass(d time.Duration) {
	time.Sleep(d)
	now := time.Now()
	c.mu.Lock()
	open := slices.Clone(c.open)
	c.mu.Unlock()
	for _, p := range open {
		if !p.due.After(now) {
			<-p.done
		}
	}
}

func TestAdvanceFiresOneInstant(t *testing.T) {
	v := clock.NewVirtual(start)
	var log []string
	say := func(word string) func() { return func() { log = append(log, word) } }
	v.AfterFunc(2*time.Second, say("later"))
	v.AfterFunc(time.Second, func() {
		say("one")()
		v.AfterFunc(0, say("set while firing"))
	})
	v.AfterFunc(time.Second, say("two"))
	next, ok := v.Next()
	require.True(t, ok)
	require.Equal(t, start.Add(time.Second), next)
	require.Equal(t, 3, v.Pending())
	require.True(t, v.Advance())
	require.Equal(t, []string{"one", "two"}, log)
	require.True(t, v.Advance())
	require.Equal(t, start.Add(time.Second), v.Now(), "the same instant again")
	require.Equal(t, []string{"one", "two", "set while firing"}, log)
	require.True(t, v.Advance())
	require.False(t, v.Advance())
	require.Equal(t, start.Add(2*time.Second), v.Now())
	_, ok = v.Next()
	require.False(t, ok)
}

func TestAdvanceTo(t *testing.T) {
	v := clock.NewVirtual(start)
	fired := 0
	v.AfterFunc(time.Second, func() { fired++ })
	require.True(t, v.AdvanceTo(start.Add(time.Second-1)))
	require.Zero(t, fired)
	require.True(t, v.AdvanceTo(start.Add(time.Minute)))
	require.Equal(t, 1, fired)
	require.Equal(t, start.Add(time.Minute), v.Now())
	require.False(t, v.AdvanceTo(start), "time does not go back")
	require.Equal(t, start.Add(time.Minute), v.Now())
	v.AfterFunc(0, func() { v.AdvanceTo(start.Add(time.Hour)) })
	require.True(t, v.AdvanceTo(start.Add(2*time.Minute)))
	require.Equal(t, start.Add(time.Hour), v.Now(), "a fired function moved further")
}

func TestFarFuture(t *testing.T) {
	v := clock.NewVirtual(start)
	v.AfterFunc(1<<63-1, func() {})
	require.True(t, v.Advance())
	v.AfterFunc(1<<63-1, func() {})
	require.True(t, v.Advance(), "the end of the range is not crossed")
	require.True(t, v.Now().After(start))
}

func TestAfterFuncOfNothing(t *testing.T) {
	v := clock.NewVirtual(start)
	require.PanicsWithValue(t, "clock: AfterFunc needs a function to call, got nil", func() {
		v.AfterFunc(0, nil)
	})
}

// TestVirtualAgainstList compares the clock with a plain list that is sorted again each time.
func TestVirtualAgainstList(t *testing.T) {
	type entry struct {
		at   time.Duration
		id   int
		stop func() bool
	}
	rapid.Check(t, func(t *rapid.T) {
		v := clock.NewVirtual(start)
		var model []entry
		var fired, want []int
		var gone []func() bool
		ids := 0
		drop := func(i int) entry {
			e := model[i]
			model = slices.Delete(model, i, i+1)
			gone = append(gone, e.stop)
			return e
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				d := time.Duration(rapid.IntRange(-1, 20).Draw(t, "d"))
				ids++
				id := ids
				stop := v.AfterFunc(d, func() { fired = append(fired, id) })
				at := v.Now().Sub(start) + max(d, 0)
				i, _ := slices.BinarySearchFunc(model, at, func(e entry, at time.Duration) int {
					if e.at <= at {
						return -1
					}
					return 1
				})
				model = slices.Insert(model, i, entry{at, id, stop})
			},
			"stop": func(t *rapid.T) {
				if len(model) > 0 {
					require.True(t, drop(rapid.IntRange(0, len(model)-1).Draw(t, "i")).stop())
				}
			},
			"stop again": func(t *rapid.T) {
				if len(gone) > 0 {
					require.False(t, rapid.SampledFrom(gone).Draw(t, "gone")())
				}
			},
			"advance": func(t *rapid.T) {
				if len(model) == 0 {
					require.False(t, v.Advance())
					return
				}
				at := model[0].at
				for len(model) > 0 && model[0].at == at {
					want = append(want, drop(0).id)
				}
				require.True(t, v.Advance())
				require.Equal(t, start.Add(at), v.Now())
			},
			"": func(t *rapid.T) {
				require.Equal(t, want, fired)
				require.Equal(t, len(model), v.Pending())
			},
		})
	})
}

func ExampleVirtual() {
	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	c.AfterFunc(365*24*time.Hour, func() { fmt.Println("a year later:", c.Now().Format(time.DateOnly)) })
	stop := c.AfterFunc(time.Hour, func() { fmt.Println("never") })
	fmt.Println("stopped:", stop())
	for c.Advance() {
	}
	// Output:
	// stopped: true
	// a year later: 2027-01-01
}

// TestTimersTakeLittle: setting and firing a timer allocates nothing but what stops it.
func TestTimersTakeLittle(t *testing.T) {
	v := clock.NewVirtual(start)
	fire := func() {}
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		v.AfterFunc(time.Second, fire)
		v.Advance()
	}), 1.0)
}

func BenchmarkTimer(b *testing.B) {
	for _, pending := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprintf("%d pending", pending), func(b *testing.B) {
			v := clock.NewVirtual(start)
			for range pending {
				v.AfterFunc(1<<60, func() {})
			}
			fn := func() {}
			b.Run("set and fire", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					v.AfterFunc(time.Millisecond, fn)
					v.Advance()
				}
			})
			b.Run("set and stop", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					v.AfterFunc(time.Millisecond, fn)()
				}
			})
		})
	}
	b.Run("real", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			clock.Real().AfterFunc(time.Hour, func() {})()
		}
	})
}
