package eventloop_test

import (
	"context"
	"errors"
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
		m := &traffic{
			l: l, other: eventloop.NewChan[int](l, "other", 0),
			ch: eventloop.NewChan[int](l, "c", rapid.IntRange(0, 3).Draw(t, "capacity")),
		}
		t.Repeat(map[string]func(*rapid.T){
			"send":          m.send,
			"recv":          m.recv,
			"select":        m.selects,
			"wake a select": m.wakeSelect,
			"trysend":       m.trySend,
			"tryrecv":       m.tryRecv,
			"cancel":        m.cancel,
			"run":           func(*rapid.T) { l.Run() },
			"step":          func(*rapid.T) { l.RunOne() },
		})
		l.Run()
		m.ch.Close()
		for v, err := range drain(l, m.ch) {
			require.NoError(t, err)
			m.received = append(m.received, v)
		}
		require.ElementsMatch(t, m.sent, m.received)
		require.Equal(t, m.others, m.wakes)
	})
}

// traffic is a channel, what was sent and what arrived.
type traffic struct {
	l              *eventloop.Loop
	ch, other      *eventloop.Chan[int]
	tasks          []*eventloop.Task
	next           int
	sent, received []int
	others, wakes  int // values sent to other, and those that arrived there
}

func (m *traffic) start(name string, fn func()) { m.tasks = append(m.tasks, m.l.Go(name, fn)) }

func (m *traffic) number() int {
	m.next++
	return m.next
}

func (m *traffic) send(*rapid.T) {
	v := m.number()
	m.start("send", func() {
		if m.ch.Send(v) == nil {
			m.sent = append(m.sent, v)
		}
	})
}

func (m *traffic) recv(*rapid.T) {
	m.start("recv", func() {
		if v, err := m.ch.Recv(); err == nil {
			m.received = append(m.received, v)
		}
	})
}

func (m *traffic) selects(*rapid.T) {
	v := m.number()
	m.start("select", func() {
		_, _ = eventloop.Select(
			m.ch.Sending(v, func(err error) {
				if err == nil {
					m.sent = append(m.sent, v)
				}
			}),
			m.other.Receiving(func(int, error) { m.wakes++ }),
		)
	})
}

func (m *traffic) wakeSelect(*rapid.T) {
	if m.other.TrySend(1) {
		m.others++
	}
}

func (m *traffic) trySend(*rapid.T) {
	if v := m.number(); m.ch.TrySend(v) {
		m.sent = append(m.sent, v)
	}
}

func (m *traffic) tryRecv(*rapid.T) {
	if v, ok := m.ch.TryRecv(); ok {
		m.received = append(m.received, v)
	}
}

func (m *traffic) cancel(t *rapid.T) {
	if len(m.tasks) > 0 {
		m.tasks[rapid.IntRange(0, len(m.tasks)-1).Draw(t, "which")].Cancel(nil)
	}
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
	for _, second := range []string{"on its way", "while it waits for the lock"} {
		waiter := l.Go("waiter", func() {
			require.NoError(t, m.Lock())
			require.ErrorIs(t, c.Wait(), errEnough)
			require.Equal(t, `mutex "m", held by task "waiter"`, m.String())
			require.ErrorIs(t, l.Park("anything"), errEnough, "the second cancellation comes with the next wait")
			m.Unlock()
		})
		l.Go("holder", func() {
			require.NoError(t, m.Lock())
			waiter.Cancel(errEnough)
			if second == "on its way" {
				waiter.Cancel(errEnough)
			}
			require.NoError(t, l.Yield())
			if second != "on its way" {
				waiter.Cancel(errEnough)
			}
			require.NoError(t, l.Yield())
			m.Unlock()
		})
		l.Run()
		require.True(t, waiter.Done())
		require.Equal(t, `mutex "m"`, m.String())
	}
}

func TestCloseWakesSenders(t *testing.T) {
	l := eventloop.New()
	ch := eventloop.NewChan[int](l, "c", 0)
	sender := eventloop.Start(l, "sender", func() (int, error) { return 0, ch.Send(1) })
	l.Run()
	ch.Close()
	l.Run()
	require.ErrorIs(t, sender.Err(), eventloop.ErrClosed)
}

// TestOldWaitsWakeNobody looks for what a wait that was given up could leave behind: something that ends a
// later wait of the same task.
func TestOldWaitsWakeNobody(t *testing.T) {
	foreign, cancelForeign := context.WithCancel(context.Background())
	defer cancelForeign()
	l := eventloop.New()
	defer l.Close()
	own, cancelOwn := l.WithCancel(context.Background())
	item := l.Go("item", func() { _ = l.Park("a wake") })
	giveUp := func() {
		task := l.Current()
		l.CallSoon(func() { task.Cancel(errEnough) })
	}
	olds := map[string]func() error{
		"wait": func() error {
			giveUp()
			_, _, err := eventloop.Wait(eventloop.AllCompleted, item)
			return err
		},
		"completed": func() (err error) {
			giveUp()
			for _, err = range eventloop.Completed(item) {
			}
			return err
		},
		"under": func() error {
			giveUp()
			return l.Under(own, func() error { return l.Park("a wake") })
		},
		"own context": func() error {
			l.CallSoon(l.Current().Wake)
			return errors.Join(l.ParkContext(own, "a wake"), errEnough)
		},
		"foreign context": func() error {
			l.CallSoon(l.Current().Wake)
			return errors.Join(l.ParkContext(foreign, "a wake"), errEnough)
		},
	}
	for name, old := range olds {
		l.Go(name, func() {
			require.ErrorIs(t, old(), errEnough)
			require.NoError(t, l.Park("a later wake"))
			t.Errorf("what is left of %q ended the later wait", name)
		})
	}
	l.Run()
	item.Wake()
	cancelOwn(nil)
	cancelForeign()
	l.Run()
	require.Len(t, l.Tasks(), len(olds))
	for _, w := range l.Waiting() {
		require.Equal(t, "a later wake", w.On)
	}
}

// TestCompletedWakesItsOwnWaitOnly waits for something else inside the loop over what is completed.
func TestCompletedWakesItsOwnWaitOnly(t *testing.T) {
	l := eventloop.New()
	var log []string
	item := func(name string) *eventloop.Task { return l.Go(name, func() { _ = l.Park("a wake") }) }
	a, b := item("a"), item("b")
	task := l.Go("task", func() {
		for done := range eventloop.Completed(a, b) {
			log = append(log, done.Name())
			require.NoError(t, l.Park("something else"))
			log = append(log, "something else")
		}
	})
	l.Run()
	a.Wake()
	l.Run()
	b.Wake()
	l.Run()
	require.Equal(t, []string{"a"}, log)
	task.Wake()
	l.Run()
	require.Equal(t, []string{"a", "something else", "b"}, log)
	l.Close()
}

func TestCancellationOnItsWayIsPassedOn(t *testing.T) {
	l := eventloop.New()
	inner := l.Go("inner", func() { require.ErrorIs(t, l.Park("a wake"), errEnough) })
	task := l.Go("task", func() {
		l.Current().Cancel(errEnough)
		require.ErrorIs(t, inner.Await(), errEnough)
		require.NoError(t, l.Yield(), "it was delivered to the other")
	})
	l.Run()
	require.True(t, task.Done())
}

func TestUncancel(t *testing.T) {
	l := eventloop.New()
	refuse := func() {
		require.ErrorIs(t, l.Park("a wake"), errEnough)
		l.Current().Uncancel()
		require.NoError(t, l.Park("another"))
	}
	refused, insisted := l.Go("refused", refuse), l.Go("insisted", refuse)
	l.Run()
	refused.Cancel(errEnough)
	insisted.Cancel(errEnough)
	l.Run()
	refused.Wake()
	insisted.Wake()
	insisted.Cancel(errors.New("again")) // comes too late for the wait, but counts
	l.Run()
	require.NoError(t, refused.Err())
	require.ErrorIs(t, refused.Cancelled(), errEnough, "that it was asked for stays known")
	require.ErrorIs(t, insisted.Err(), errEnough)
	dropped := l.Go("dropped", func() {
		l.Current().Cancel(errEnough)
		l.Current().Uncancel()
		require.NoError(t, l.Yield(), "what was not delivered is dropped")
	})
	l.Run()
	require.NoError(t, dropped.Err())
}

func TestReadyCountsTheLiving(t *testing.T) {
	l := eventloop.New()
	woken := l.Go("woken", func() { _ = l.Park("a wake") })
	l.Run()
	unstarted := l.Go("unstarted", func() { t.Error("it was killed") })
	ran := false
	l.Go("last", func() { ran = true })
	woken.Wake()
	require.Equal(t, 3, l.Ready())
	woken.Kill()
	require.Equal(t, 2, l.Ready())
	unstarted.Kill()
	require.Equal(t, 1, l.Ready())
	l.Go("one more", func() {})
	l.SetPicker(func(ready int) int {
		require.Equal(t, 2, ready, "the picker chooses among the living")
		return 1
	})
	require.Equal(t, 2, l.Run())
	require.True(t, ran)
	require.Zero(t, l.Ready())
	only := l.Go("only", func() {})
	l.SetPicker(func(int) int { t.Error("there is nothing to choose"); return 0 })
	only.Kill()
	require.Zero(t, l.Run())
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
