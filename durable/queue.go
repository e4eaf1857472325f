package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Queue starts runs of a workflow when there is room for them. What is put into it, an item, is a run from
// the moment on at which it is accepted: it has an id, and can be awaited, listed, sent messages, cancelled
// and terminated. It waits (its state is Queued) until its turn has come and the queue's limits let it start;
// that is when its journal begins. It then has a slot of the queue until it ends, however it ends.
//
// Among the items that wait, those with the greatest priority go first; among these, keys take turns, one
// item each; and the items of one key start in the order in which they were accepted. All items without a key
// have one turn together, and no order among those that run.
//
// A run that is parked gives its slot back, so that it stops no queue. When it is resumed it waits for a slot
// again, as the first of its key; so does one that has failed and is opened again by Retry.
//
// Runs of several workflows share one line, with its limits, when there is a Queue of that name for each of
// them, all with the same QueueConfig.
type Queue[In, Out any] struct {
	name     string
	workflow *Workflow[In, Out]
	limits   QueueConfig
}

// QueueConfig limits what a queue starts; its zero value starts everything at once, one item of each key
// after the other. The limits may change from one Open to the next.
type QueueConfig struct {
	// Concurrency is how many items may have a slot at once; 0 for any number.
	Concurrency int
	// PerKey is how many items of one key may have a slot at once; 0 for 1, so that one begins when the one
	// before has ended. It does not limit items without a key.
	PerKey int
	// Rate limits how many items start in a time; its zero value does not.
	Rate Rate
}

// Rate is how many items may start in a time: no more than Starts in any window of the length Per, wherever
// the window begins (its end is not part of it). A run that is recovered after a crash does not start again.
//
// The host's clock measures it. When that has stepped back, the starts that now are in the future count as if
// they were made now.
type Rate struct {
	Starts int
	Per    time.Duration
}

// Item says how a run waits in its queue; its zero value is an item without a key, to be started soon.
type Item struct {
	// ID is the run's id. For EnqueueChild it may be empty, and is derived then as Child says.
	ID string
	// Key is what it belongs to, such as a customer. Items of a key start one after the other, see
	// QueueConfig.PerKey, and keys take turns.
	Key string
	// Priority is how urgent it is: the greatest goes first. An urgent item overtakes others of its key.
	Priority int8
	// Delay is how long it waits before its turn can come; its place in the order is the one that it then
	// gets. A negative one is 0.
	Delay time.Duration
	// Unique lets no other item with the same text into the queue until this one has ended; empty for no
	// such limit. Enqueue of another is ErrDuplicate.
	Unique string
}

// ErrDuplicate says that an item was not put into a queue because another one with the same Item.Unique has
// not ended.
var ErrDuplicate = errors.New("durable: another item of the queue is the same")

var errNoQueue = errors.New("durable: the queue is nil; use one that NewQueue returned")

func init() { RegisterError(ErrDuplicate) }

// NewQueue names a queue of runs of a workflow. Stores refer to it by that name, so the name must not change
// while items wait. Config.Queues has to list it in the process that starts its items; a workflow of a queue
// need not be in Config.Workflows too.
func NewQueue[In, Out any](name string, w *Workflow[In, Out], limits QueueConfig) *Queue[In, Out] {
	if err := checkID("queue's name", name); err != nil {
		panic(err.Error())
	}
	if w == nil {
		panic(fmt.Sprintf("durable.NewQueue: the workflow of queue %q is nil; use one that Define returned", name))
	}
	if err := limits.check(); err != nil {
		panic(fmt.Sprintf("durable.NewQueue: queue %q: %v", name, err))
	}
	return &Queue[In, Out]{name, w, limits}
}

func (c *QueueConfig) check() error {
	switch r := c.Rate; {
	case c.Concurrency < 0:
		return fmt.Errorf("QueueConfig.Concurrency is %d; give it 1 or more, or 0 for any number", c.Concurrency)
	case c.PerKey < 0:
		return fmt.Errorf("QueueConfig.PerKey is %d; give it 1 or more, or 0 for 1", c.PerKey)
	case r.Starts < 0 || r.Per < 0 || (r.Starts == 0) != (r.Per == 0):
		return fmt.Errorf("QueueConfig.Rate is %d per %v; give it 1 start or more and a positive time, "+
			"or leave out both for no limit", r.Starts, r.Per)
	}
	return nil
}

// Name returns the name that stores know the queue by.
func (q *Queue[In, Out]) Name() string { return q.name }

// QueueDefinition is a Queue of any input and result type, as Config lists them.
type QueueDefinition interface {
	// Name is the name that stores know the queue by.
	Name() string
	defineQueue() (Definition, QueueConfig)
}

func (q *Queue[In, Out]) defineQueue() (Definition, QueueConfig) { return q.workflow, q.limits }

// Enqueue puts a run into the queue, from outside of workflow code, and returns once that is durable: it will
// start when its turn has come, and end, come what may. As with Workflow.Start, the id makes it happen once:
// the same id with the same workflow and input is the same run, with others ErrConflict. Without an id in a
// step, the item is the same in every attempt at the step, if the attempts put the same ones into queues in
// the same order.
//
// When another item has the same Item.Unique, the run returned is that one, and the error is ErrDuplicate.
func (q *Queue[In, Out]) Enqueue(ctx context.Context, e *Engine, in In, how Item) (Run[Out], error) {
	if q == nil {
		return Run[Out]{}, errNoQueue
	}
	if err := e.missing(); err != nil {
		return Run[Out]{}, err
	}
	if how.ID == "" {
		how.ID = requestID(ctx)
	}
	r := Run[Out]{engine: e, id: how.ID}
	if err := errors.Join(checkID("run's id", how.ID), how.check()); err != nil {
		return r, err
	}
	input, err := e.codec.Encode(in)
	if err != nil {
		return r, &CodecError{What: fmt.Sprintf("input of run %q", how.ID), Type: typeName[In](), Cause: err}
	}
	run := RunInfo{Workflow: q.workflow.name, Run: how.ID}
	if len(e.hooks) > 0 {
		run.Headers = map[string]string{}
	}
	return r, e.hooks.start(ctx, run, func(ctx context.Context) error {
		if r.id, err = e.enqueue(ctx, q.name, how, run, input); err != nil {
			r.workflow = q.workflow.name // it may be another's
		}
		return err
	})
}

// check says what of an item can't be used, apart from its id.
func (how *Item) check() error {
	if how.Key != "" {
		if err := checkID("item's Key", how.Key); err != nil {
			return err
		}
	}
	if how.Unique != "" {
		return checkID("item's Unique", how.Unique)
	}
	return nil
}

// EnqueueChild puts a child run into the queue; workflow code calls it. The item is committed together with
// the event that led to it, exactly once. The Future tells the run's end, as that of StartChild does; a child
// that nobody awaits, or whose parent ends or is cancelled, goes on alone. The Future's error is ErrDuplicate
// when another item has the same Item.Unique, and ErrConflict when another run has the id.
//
// When Config.Queues does not list the queue, the item waits until an engine opens that does.
func (q *Queue[In, Out]) EnqueueChild(ctx Context, in In, how Item) ChildRun[Out] {
	b := ctx.enter("EnqueueChild")
	if q == nil {
		panic(errNoQueue.Error())
	}
	if err := how.check(); err != nil {
		panic(err.Error())
	}
	place := &item{lane: queueLane(q.name), key: how.Key, priority: how.Priority, unique: how.Unique}
	if how.Delay > 0 {
		place.due = b.m.now.Add(how.Delay)
	}
	kind := &child{unawaited: AbandonChild, queue: q.name, place: place}
	d := xxhash.New()
	_, _ = fmt.Fprintf(d, "%q %d %d %q", how.Key, how.Priority, max(how.Delay, 0), how.Unique)
	kind.placed = d.Sum64()
	return issueChild(b, q.workflow, in, kind, how.ID)
}
