package eventloop_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// TestChanKeepsOrderAndValues lets senders and receivers be cancelled at any moment: what was sent arrives
// once, in order; what was not sent does not arrive.
func TestChanKeepsOrderAndValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := eventloop.New()
		defer l.Close()
		ch := eventloop.NewChan[int](l, "c", rapid.IntRange(0, 3).Draw(t, "capacity"))
		other := eventloop.NewChan[int](l, "other", 0)
		others, wakes := 0, 0
		var sent, received []int
		var tasks []*eventloop.Task
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"send": func(*rapid.T) {
				next++
				v := next
				tasks = append(tasks, l.Go("send", func() {
					if ch.Send(v) == nil {
						sent = append(sent, v)
					}
				}))
			},
			"recv": func(*rapid.T) {
				tasks = append(tasks, l.Go("recv", func() {
					if v, err := ch.Recv(); err == nil {
						received = append(received, v)
					}
				}))
			},
			"select": func(*rapid.T) {
				next++
				v := next
				tasks = append(tasks, l.Go("select", func() {
					_, _ = eventloop.Select(
						ch.Sending(v, func(err error) {
							if err == nil {
								sent = append(sent, v)
							}
						}),
						other.Receiving(func(int, error) { wakes++ }),
					)
				}))
			},
			"wake a select": func(*rapid.T) {
				if other.TrySend(1) {
					others++
				}
			},
			"trysend": func(*rapid.T) {
				next++
				if ch.TrySend(next) {
					sent = append(sent, next)
				}
			},
			"tryrecv": func(*rapid.T) {
				if v, ok := ch.TryRecv(); ok {
					received = append(received, v)
				}
			},
			"cancel": func(t *rapid.T) {
				if len(tasks) > 0 {
					tasks[rapid.IntRange(0, len(tasks)-1).Draw(t, "which")].Cancel(nil)
				}
			},
			"run":  func(*rapid.T) { l.Run() },
			"step": func(*rapid.T) { l.RunOne() },
		})
		l.Run()
		ch.Close()
		for v, err := range drain(l, ch) {
			require.NoError(t, err)
			received = append(received, v)
		}
		require.ElementsMatch(t, sent, received)
		require.Equal(t, others, wakes)
	})
}

func TestSelect(t *testing.T) {
	l, c := virtualLoop()
	a, b := eventloop.NewChan[int](l, "a", 0), eventloop.NewChan[string](l, "b", 1)
	var log []string
	say := func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	choose := func() {
		i, err := eventloop.Select(
			a.Receiving(func(v int, err error) { say("a: %d %v", v, err) }),
			b.Sending("x", func(err error) { say("b: %v", err) }),
		)
		say("case %d: %v", i, err)
	}
	task := l.Go("selector", func() {
		choose() // b has room
		choose() // someone sends to a
		choose() // someone makes room in b
		choose() // cancelled
		choose() // a is closed
	})
	l.Run()
	require.Equal(t, `one of: a value from chan "a"; room in chan "b"`, l.Waiting()[0].On)
	require.True(t, a.TrySend(7))
	l.Run()
	v, ok := b.TryRecv()
	require.True(t, ok)
	require.Equal(t, "x", v)
	l.Run()
	task.Cancel(errEnough)
	require.False(t, a.TrySend(8), "who was cancelled takes nothing")
	l.Run()
	a.Close()
	require.NoError(t, l.Drive(c.Advance, 0))
	require.Equal(t, []string{
		"b: <nil>", "case 1: <nil>", "a: 7 <nil>", "case 0: <nil>", "b: <nil>", "case 1: <nil>",
		"case -1: enough", "a: 0 eventloop: closed", "case 0: <nil>",
	}, log)
	require.Equal(t, 1, b.Len())
	require.PanicsWithValue(t, "eventloop: Select needs at least one case; "+
		"a task that waits for nothing else uses Park", func() { _, _ = eventloop.Select() })
}

// drain is what is left in a closed channel.
func drain(l *eventloop.Loop, ch *eventloop.Chan[int]) map[int]error {
	rest := map[int]error{}
	l.Go("drain", func() {
		for v, err := range ch.All() {
			rest[v] = err
		}
	})
	l.Run()
	return rest
}

// TestLocksAreFair checks mutex and semaphore against a plain list of who came when.
func TestLocksAreFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := eventloop.New()
		defer l.Close()
		slots := rapid.IntRange(1, 3).Draw(t, "slots")
		sem := eventloop.NewSemaphore(l, "s", slots)
		acquire, release := sem.Acquire, sem.Release
		if slots == 1 && rapid.Bool().Draw(t, "mutex") {
			m := eventloop.NewMutex(l, "m")
			acquire, release = m.Lock, m.Unlock
		}
		var got, want []string
		holders := 0
		queue := map[string]*eventloop.Task{}
		var order []string
		settle := func() {
			l.Run()
			for holders < slots && len(order) > 0 {
				want = append(want, order[0])
				delete(queue, order[0])
				order = order[1:]
				holders++
			}
			require.Equal(t, want, got)
		}
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"acquire": func(*rapid.T) {
				n++
				name := fmt.Sprint(n)
				order = append(order, name)
				queue[name] = l.Go(name, func() {
					if acquire() == nil {
						got = append(got, name)
					}
				})
				settle()
			},
			"release": func(*rapid.T) {
				if holders > 0 {
					holders--
					release()
					settle()
				}
			},
			"cancel": func(t *rapid.T) {
				if len(order) > 0 {
					i := rapid.IntRange(0, len(order)-1).Draw(t, "which")
					queue[order[i]].Cancel(nil)
					order = append(append([]string(nil), order[:i]...), order[i+1:]...)
					settle()
				}
			},
		})
	})
}

func TestFutureIsResolvedOnce(t *testing.T) {
	l := eventloop.New()
	f := eventloop.NewFuture[int](l)
	_, err := f.Result()
	require.NoError(t, err)
	require.Nil(t, f.Task())
	require.True(t, f.Resolve(1))
	require.False(t, f.Resolve(2))
	require.False(t, f.Reject(errEnough))
	require.False(t, f.Cancel(nil))
	v, err := f.Result()
	require.NoError(t, err)
	require.Equal(t, 1, v)

	bare := eventloop.NewFuture[int](l)
	waiter := l.Go("waiter", func() {
		_, err := bare.Await()
		require.ErrorIs(t, err, errEnough)
	})
	l.Run()
	waiter.Cancel(errEnough)
	l.Run()
	require.False(t, bare.Done(), "a cancelled wait leaves a bare future alone")
	require.True(t, bare.Cancel(errEnough))
	require.ErrorIs(t, bare.Err(), errEnough)
}

func TestOwnerIsInherited(t *testing.T) {
	l := eventloop.New()
	parent := l.Go("parent", func() {
		l.Go("child", func() { require.Equal(t, "node", l.Current().Owner) })
		l.CallSoon(func() { require.Nil(t, l.Go("of a callback", func() {}).Owner) })
	})
	parent.Owner = "node"
	require.Equal(t, 3, l.Run()+l.Run()-1)
	require.Same(t, l, parent.Loop())
}

func TestWaitOfMixedItems(t *testing.T) {
	l := eventloop.New()
	l.Go("main", func() {
		task := l.Go("task", func() {})
		f := eventloop.NewFuture[string](l)
		done, pending, err := eventloop.Wait[eventloop.Awaitable](eventloop.FirstCompleted, f, task)
		require.NoError(t, err)
		require.Equal(t, []eventloop.Awaitable{task}, done)
		require.Equal(t, []eventloop.Awaitable{f}, pending)
		none, err := eventloop.Gather[int]()
		require.NoError(t, err)
		require.Empty(t, none)
	})
	l.Run()
	require.Empty(t, l.Tasks())
}

func TestWaitGroupGo(t *testing.T) {
	l := eventloop.New()
	g := eventloop.NewWaitGroup(l, "g")
	var log []string
	l.Go("main", func() {
		g.Go("one", func() { log = append(log, "one") })
		g.Go("two", func() { panic("two") })
		require.NoError(t, g.Wait())
		require.NoError(t, g.Wait(), "at zero it does not wait")
		log = append(log, "all")
	})
	l.Run()
	require.Equal(t, []string{"one", "all"}, log)
}

func TestCondKeepsItsLock(t *testing.T) {
	l := eventloop.New()
	m := eventloop.NewMutex(l, "m")
	c := eventloop.NewCond(m, "c")
	waiter := l.Go("waiter", func() {
		require.NoError(t, m.Lock())
		require.ErrorIs(t, c.Wait(), errEnough)
		require.Equal(t, `mutex "m", held by task "waiter"`, m.String())
		require.ErrorIs(t, l.Park("anything"), errEnough, "the second cancellation waited for the lock")
		m.Unlock()
	})
	l.Go("holder", func() {
		require.NoError(t, m.Lock())
		waiter.Cancel(errEnough)
		require.NoError(t, l.Yield())
		waiter.Cancel(errEnough)
		require.NoError(t, l.Yield())
		m.Unlock()
	})
	l.Run()
	require.True(t, waiter.Done())
	require.Equal(t, `mutex "m"`, m.String())
}

func TestSteps(t *testing.T) {
	l := eventloop.New()
	l.Go("task", func() { _ = l.Yield() })
	l.CallSoon(func() {})
	require.Equal(t, 2, l.Ready())
	require.True(t, l.RunOne())
	require.Equal(t, 2, l.RunMax(10))
	require.False(t, l.RunOne())
	require.EqualValues(t, 3, l.Steps())
	require.Zero(t, l.RunMax(-1))
}
