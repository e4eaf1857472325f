package eventloop_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// nativeWaits are the ways in which a task can block outside the loop. Each returns when release is closed.
var nativeWaits = []struct {
	state string
	at    string
	block func(release chan struct{})
}{
	{"chan receive", "blockOnReceive", blockOnReceive},
	{"chan send", "blockOnSend", blockOnSend},
	{"select", "blockOnSelect", blockOnSelect},
	{"sync.Mutex.Lock", "blockOnMutex", blockOnMutex},
	{"sync.RWMutex.RLock", "blockOnRWMutex", blockOnRWMutex},
	{"sync.WaitGroup.Wait", "blockOnWaitGroup", blockOnWaitGroup},
	{"sync.Cond.Wait", "blockOnCond", blockOnCond},
	{"sleep", "blockOnSleep", blockOnSleep},
}

func blockOnReceive(release chan struct{}) { <-release }

func blockOnSend(release chan struct{}) {
	full := make(chan int)
	go func() {
		<-release
		<-full
	}()
	full <- 1
}

func blockOnSelect(release chan struct{}) {
	select {
	case <-release:
	case <-make(chan int):
	}
}

func blockOnMutex(release chan struct{}) {
	var m sync.Mutex
	m.Lock()
	go func() {
		<-release
		m.Unlock()
	}()
	m.Lock()
	defer m.Unlock()
}

func blockOnRWMutex(release chan struct{}) {
	var m sync.RWMutex
	m.Lock()
	go func() {
		<-release
		m.Unlock()
	}()
	m.RLock()
	defer m.RUnlock()
}

func blockOnWaitGroup(release chan struct{}) {
	var g sync.WaitGroup
	g.Go(func() { <-release })
	g.Wait()
}

func blockOnCond(release chan struct{}) {
	c := sync.NewCond(&sync.Mutex{})
	c.L.Lock()
	defer c.L.Unlock()
	go func() {
		<-release
		c.L.Lock()
		defer c.L.Unlock()
		c.Broadcast()
	}()
	c.Wait()
}

func blockOnSleep(release chan struct{}) {
	for {
		select {
		case <-release:
			return
		default:
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestWatchdogNamesTaskAndPlace(t *testing.T) {
	for _, w := range nativeWaits {
		t.Run(w.state, func(t *testing.T) {
			release := make(chan struct{})
			l := eventloop.New()
			dog := eventloop.NewWatchdog(20*time.Millisecond, func(struck *eventloop.Loop, b eventloop.Blocked) {
				defer close(release)
				require.Same(t, l, struck)
				require.Equal(t, "guilty", b.Task)
				require.Equal(t, 2, b.ID)
				require.Equal(t, w.state, b.State)
				require.Contains(t, b.At.Function, w.at)
				require.Contains(t, b.String(), `task "guilty" is blocked outside the simulation (`+w.state+
					") at watchdog_test.go:")
				require.Contains(t, b.Stack, w.at)
			})
			defer dog.Stop()
			dog.Watch(l)
			l.Go("innocent", func() { _ = l.Park("a wake") })
			l.Go("guilty", func() { w.block(release) })
			l.Run()
			l.Close()
		})
	}
}

func TestWatchdogSeesNestedLoopsAndCallbacks(t *testing.T) {
	release := make(chan struct{})
	outer, inner := eventloop.New(), eventloop.New()
	var seen []string
	dog := eventloop.NewWatchdog(20*time.Millisecond, func(_ *eventloop.Loop, b eventloop.Blocked) {
		seen = append(seen, b.Task)
		close(release)
	})
	dog.Watch(outer)
	outer.Go("host", func() {
		inner.Go("branch", func() { blockOnReceive(release) })
		inner.Run()
	})
	outer.Run()
	dog.Stop()
	require.Equal(t, []string{"branch"}, seen)

	release = make(chan struct{})
	l := eventloop.New()
	dog = eventloop.NewWatchdog(20*time.Millisecond, func(_ *eventloop.Loop, b eventloop.Blocked) {
		seen = append(seen, b.String()[:25])
		close(release)
	})
	defer dog.Stop()
	dog.Watch(l)
	l.CallSoon(func() { blockOnReceive(release) })
	l.Run()
	require.Equal(t, []string{"branch", "a callback is blocked out"}, seen)
}

// TestWatchdogLeavesBusyTasksAlone has tasks that take much longer than the watchdog's patience on a
// machine with nothing to spare, and blocks them shortly again and again.
func TestWatchdogLeavesBusyTasksAlone(t *testing.T) {
	stop := make(chan struct{})
	var burners sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		burners.Go(func() {
			for x := 0; ; x++ {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	l := eventloop.New()
	dog := eventloop.NewWatchdog(20*time.Millisecond, func(_ *eventloop.Loop, b eventloop.Blocked) {
		t.Errorf("the watchdog struck: %v\n%s", b, b.Stack)
	})
	dog.Watch(l)
	l.Go("computes", func() {
		for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
			runtime.Gosched()
		}
	})
	l.Go("asks another goroutine", func() {
		for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
			answer := make(chan int)
			go func() { answer <- 1 }()
			<-answer
		}
	})
	l.Run()
	dog.Stop()
	close(stop)
	burners.Wait()
	l.Close()
}

func TestWatchdogStrikesOnce(t *testing.T) {
	release := make(chan struct{})
	strikes := make(chan int, 100)
	l, next := eventloop.New(), eventloop.New()
	dog := eventloop.NewWatchdog(20*time.Millisecond, func(*eventloop.Loop, eventloop.Blocked) { strikes <- 1 })
	dog.Watch(l)
	l.Go("task", func() { blockOnReceive(release) })
	go func() {
		<-strikes
		time.Sleep(200 * time.Millisecond)
		close(release)
	}()
	l.Run()
	dog.Watch(nil)
	dog.Watch(next)
	next.Go("task", func() {})
	next.Run()
	dog.Stop()
	require.Empty(t, strikes)
}

func TestBlockedSaysNo(t *testing.T) {
	l := eventloop.New()
	look := func() bool {
		var ok bool
		elsewhere(func() { _, ok = l.Blocked() })
		return ok
	}
	require.False(t, look(), "a loop that does not run is not blocked")
	l.CallSoon(func() {
		done := make(chan bool)
		go func() {
			_, ok := l.Blocked()
			done <- ok
		}()
		for rounds := 0; ; {
			select {
			case ok := <-done:
				require.False(t, ok, "a loop that computes is not blocked")
				return
			default:
				rounds++ // computes
			}
		}
	})
	l.Run()
}
