package eventloop

import (
	"iter"
	"sync"
)

// A worker is a coroutine that runs one task after another. Making one costs several times what a task
// costs, so workers that have nothing to do are kept, first with the loop, then in its [Idle].
type worker struct {
	next   func() (struct{}, bool) // gives control to the coroutine
	stop   func()
	yield  func(struct{}) bool // gives control back to who resumed it
	task   *Task
	g      uintptr       // identity of the coroutine's goroutine
	number cell          // its number in stack dumps; known once it ran a task of a watched loop
	nested pointer[Loop] // the loop that the task runs at the moment, if it runs one
}

func newWorker() *worker {
	w := &worker{}
	w.next, w.stop = iter.Pull(w.loop)
	return w
}

// loop is the coroutine. Its frame stays small: a waiting task should fit into the smallest stack.
func (w *worker) loop(yield func(struct{}) bool) {
	w.yield, w.g = yield, goroutine()
	workers.add(w)
	defer workers.remove(w.g)
	for {
		l := w.task.l
		l.on.set(w.g)
		if l.watched && w.number.get() == 0 {
			w.number.set(uintptr(goroutineNumber()))
		}
		w.task.main()
		if !yield(struct{}{}) {
			return
		}
	}
}

// main runs the task's function. However it ends, ended sees it.
func (t *Task) main() {
	defer t.ended()
	t.fn()
	t.returned = true
}

// begin gives an unstarted task a coroutine. It reports false when the task was cancelled and so never runs.
func (l *Loop) begin(t *Task) bool {
	if t.pending != nil {
		t.finish(t.pending)
		return false
	}
	if len(l.idle) == 0 {
		// Twice as many each time: a loop of many tasks asks seldom, one of few does not hoard.
		l.batch = min(max(1, 2*l.batch), maxBatch)
		l.idle = l.spare.get(l.batch, l.idle)
	}
	n := len(l.idle) - 1
	w := l.idle[n]
	l.idle[n] = nil
	l.idle = l.idle[:n]
	w.task = t
	t.w.set(w)
	return true
}

// finished takes the coroutine back from a task that has ended.
func (l *Loop) finished(t *Task, w *worker) {
	t.w.set(nil)
	if t.abandoned {
		return
	}
	w.task = nil
	l.idle = append(l.idle, w)
}

func (l *Loop) giveBack() {
	if len(l.idle) > 0 {
		l.spare.put(l.idle)
		clear(l.idle)
		l.idle = l.idle[:0]
	}
	l.batch = 0
}

// maxIdle bounds the coroutines that the process keeps for later, each with its stack of 2 KB or more.
const maxIdle = 4096

// maxBatch is how many coroutines a loop takes from there at once.
const maxBatch = 32

// Idle keeps the coroutines that no loop uses. The zero value is empty. Loops that run one after another on
// the same goroutine should share one, see [Loop.SetIdle]: the stacks of its coroutines then stay in one
// processor's cache.
type Idle struct {
	mu   sync.Mutex
	list []*worker
}

// idle is what loops share that have no other.
var idle Idle

// SetIdle makes the loop take its coroutines from p, before its first task starts.
func (l *Loop) SetIdle(p *Idle) { l.spare = p }

// get appends up to n workers to list, and at least one.
func (p *Idle) get(n int, list []*worker) []*worker {
	p.mu.Lock()
	from := max(0, len(p.list)-n)
	list = append(list, p.list[from:]...)
	clear(p.list[from:])
	p.list = p.list[:from]
	p.mu.Unlock()
	switch {
	case len(list) > 0:
	case p != &idle:
		list = idle.get(n, list)
	default:
		list = append(list, newWorker())
	}
	return list
}

func (p *Idle) put(ws []*worker) {
	p.mu.Lock()
	n := min(len(ws), maxIdle-len(p.list))
	p.list = append(p.list, ws[:n]...)
	p.mu.Unlock()
	for _, w := range ws[n:] {
		w.stop()
	}
}

// Close leaves the coroutines to the whole process.
func (p *Idle) Close() { idle.put(p.take()) }

func (p *Idle) take() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	ws := p.list
	p.list = nil
	return ws
}

// DropIdle ends the coroutines that the process keeps for later. Only who counts goroutines needs it, or who
// enters or leaves a bubble of testing/synctest.
func DropIdle() {
	for _, w := range idle.take() {
		w.stop()
	}
}

// workers finds the worker that a goroutine belongs to. It is asked when a loop starts to run and when a
// call seems to come from elsewhere, not on a switch of tasks.
var workers workerTable

type workerTable struct {
	shards [64]struct {
		mu sync.RWMutex
		m  map[uintptr]*worker
	}
}

func workerOf(g uintptr) *worker {
	s := &workers.shards[shardOf(g)]
	s.mu.RLock()
	w := s.m[g]
	s.mu.RUnlock()
	return w
}

func (t *workerTable) add(w *worker) {
	s := &t.shards[shardOf(w.g)]
	s.mu.Lock()
	if s.m == nil {
		s.m = make(map[uintptr]*worker)
	}
	s.m[w.g] = w
	s.mu.Unlock()
}

func (t *workerTable) remove(g uintptr) {
	s := &t.shards[shardOf(g)]
	s.mu.Lock()
	delete(s.m, g)
	s.mu.Unlock()
}

// shardOf spreads goroutine addresses, which are multiples of the size of the runtime's record.
func shardOf(g uintptr) uintptr { return (g >> 6) * 0x9E3779B1 >> 7 & 63 }
