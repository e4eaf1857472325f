package eventloop

import (
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRingAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q ring[int]
		var model []int
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				next++
				q.push(next)
				model = append(model, next)
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				require.Equal(t, model[0], q.pop())
				model = model[1:]
			},
			"take": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "i")
				require.Equal(t, model[i], q.take(i))
				model = slices.Delete(slices.Clone(model), i, i+1)
			},
			"keep": func(t *rapid.T) {
				n := rapid.IntRange(1, 4).Draw(t, "n")
				q.keep(func(v int) bool { return v%n != 0 })
				model = slices.DeleteFunc(slices.Clone(model), func(v int) bool { return v%n == 0 })
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(model), q.n)
				for i, v := range model {
					require.Equal(t, v, q.at[(q.head+i)&(len(q.at)-1)])
				}
				for i := q.n; i < len(q.at); i++ {
					require.Zero(t, q.at[(q.head+i)&(len(q.at)-1)], "what left the ring is forgotten")
				}
			},
		})
	})
}

func TestListAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l list[int]
		var model []*link[int]
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				k := &link[int]{v: len(model)}
				l.push(k)
				model = append(model, k)
			},
			"pop": func(*rapid.T) {
				k := l.pop()
				if len(model) == 0 {
					require.Nil(t, k)
					return
				}
				require.Same(t, model[0], k)
				require.False(t, k.leave(), "it has left")
				model = model[1:]
			},
			"leave": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "i")
				require.True(t, model[i].leave())
				model = slices.Delete(slices.Clone(model), i, i+1)
			},
			"": func(t *rapid.T) {
				var forward, backward []*link[int]
				for k := l.first; k != nil; k = k.next {
					forward = append(forward, k)
				}
				for k := l.last; k != nil; k = k.prev {
					backward = append(backward, k)
				}
				slices.Reverse(backward)
				require.True(t, slices.Equal(model, forward))
				require.True(t, slices.Equal(model, backward))
			},
		})
	})
}

func TestWorkersAreUsedAgain(t *testing.T) {
	l := New()
	l.Go("first", func() { _ = l.Park("a wake") })
	l.Run()
	w := l.first.w.get()
	l.Close()
	require.Nil(t, w.task)
	next := New()
	seen := []*worker{}
	for range 3 {
		next.Go("next", func() { seen = append(seen, next.cur.get().w.get()) })
		next.Run()
		require.Empty(t, next.idle, "a loop at rest without tasks keeps nothing")
	}
	require.Equal(t, []*worker{w, w, w}, seen)
	next.Close()
}

func TestWorkersAreBounded(t *testing.T) {
	l := New()
	for range maxIdle + 10 {
		l.Go("task", func() { _ = l.Park("a wake") })
	}
	l.Run()
	l.Close()
	idle.mu.Lock()
	n := len(idle.list)
	idle.mu.Unlock()
	require.LessOrEqual(t, n, maxIdle)
	DropIdle()
	idle.mu.Lock()
	defer idle.mu.Unlock()
	require.Empty(t, idle.list)
}

func TestWorkerOfAnExitedTask(t *testing.T) {
	l := New()
	var g uintptr
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.Go("task", func() {
			g = goroutine()
			require.NotNil(t, workerOf(g))
			runtime.Goexit()
		})
		l.Run()
	}()
	<-ended
	require.Nil(t, workerOf(g), "a coroutine that ended is not found any more")
	l.Close()
	require.Empty(t, l.idle)
}
