package durable

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

// behaviour is the version of the machine's observable behaviour: which commands it issues for a given
// program and journal. It grows when that changes; older runs keep replaying with the version they record.
const behaviour = 4

// structuredEnd is the behaviour version since which the end of a branch, or of the run, cancels what was
// asked for and not awaited, and waits for branches.
const structuredEnd = 2

// ownDeadlines is the behaviour version since which a context does without a timer only for the earlier
// deadline of a context of the same branch: Shield can take a branch out of the deadlines around it.
const ownDeadlines = 3

// undoingScopes is the behaviour version since which a Scope that fails undoes what was done in it.
const undoingScopes = 4

// machine is a run as a fold over its journal: apply(event) gives commands. It has no clock, does no I/O
// and starts no goroutine. Branches are tasks of its own FIFO event loop, which runs inside apply on the
// caller's goroutine.
type machine struct {
	run   string
	def   definition
	codec Codec
	loop  *eventloop.Loop
	root  *branch // the workflow function

	now        time.Time
	seed       uint64
	parent     string // the run that started this one, and its operation that waits for the end
	parentOp   string
	scheduled  time.Time // for when a schedule started it; zero when none did
	headers    map[string]string
	began      time.Time
	behaviour  int
	generation int
	self       string // the id that the code knows the run by
	origin     string // see Start
	maxTurns   int
	issued     int                   // operations so far, to order the pending ones
	resolved   int                   // operations that have ended so far
	pending    map[string]*operation // operations that an event will end
	receives   []*operation          // waits for messages, in the order of creation; some may have ended
	commands   []Command             // issued since the last event
	replayed   *Entry                // that the event is from, when the journal has the commands that answer it
	unanswered bool                  // the entry replayed last was not answered when it was recorded
	reused     []Command             // where those issued on replay go: they are only compared
	scratch    []byte
	lines      []logged       // not written yet
	versions   map[string]int // of changes that the code has asked for
	undo       []undoing      // what OnFailure was told
	updating   []*operation   // branches of updates, of which some may have ended
	asked      bool           // to end, by a cancellation from outside
	why        string         // it was asked to
	ended      bool
	goesOn     bool  // it has ended to continue as new
	err        error // why the run can't go on
	locate     bool  // note where in the code commands are issued; it makes replay half as fast
}

// operation is something that workflow code waits for.
type operation struct {
	m       *machine
	id      string
	kind    CommandKind
	name    string
	order   int
	due     time.Time // of a timer, of a wait with a timeout, or of a step's next attempt; zero for none
	looked  bool      // of a wait for a message: the mailbox had none up to the run's mark
	step    stepCall  // of a step
	tx      txFunc    // of a transaction
	retry   *retrying // of a step with options or failed attempts; nil otherwise
	child   *child    // of a child run
	handler *handler  // of updates
	branch  *branch   // of a branch that was started
	ended   int       // 1 for the first operation of the run that ended; 0 while it hasn't
	outcome

	place    member // in its scope
	watcher  watcher
	watchers []watcher // after the first
}

// outcome is how an operation ended. The value is there when it was made in this process; otherwise it is
// decoded from the result when it is asked for.
type outcome struct {
	result []byte
	value  any // a pointer to it; nil while there is none
	err    error
}

func newMachine(run string, def definition, codec Codec) *machine {
	return &machine{
		run: run, def: def, codec: codec, loop: eventloop.New(),
		pending: map[string]*operation{}, maxTurns: maxTurns,
	}
}

// apply feeds one event to the run and returns what it asks for in answer. The commands stay valid after
// the next apply, those of a replay only until then.
func (m *machine) apply(ev *Event) ([]Command, error) {
	m.now = ev.Time
	m.commands = nil
	if m.replayed != nil {
		m.commands = m.reused[:0]
	}
	switch ev.Kind {
	case EventStarted:
		m.start(ev.Start)
	case EventAttemptFailed:
		m.attemptFailed(m.pendingFor(ev), ev)
	case EventCancelled:
		m.asked, m.why = true, ev.Reason
		m.cancelRun(cancellation(ev.Reason))
	case EventTerminated, EventWithdrawn:
		m.ended, m.goesOn = true, false
	case EventUpdate:
		m.startUpdate(ev)
	case EventRetried:
		m.renew(m.pendingFor(ev))
	case EventForked:
		m.self, m.seed = ev.Fork.Run, ev.Fork.Seed
		for _, t := range m.loop.Tasks() {
			t.Owner.(*branch).rand = nil
		}
	default:
		if op := m.pendingFor(ev); op.kind == CommandStep && ev.Kind == EventTimerFired {
			m.attempt(op)
		} else {
			m.end(op, ev)
		}
	}
	m.loop.RunMax(m.maxTurns)
	if m.err == nil && m.loop.Ready() > 0 {
		m.err = fmt.Errorf("durable: after event %s the branches of the run have taken %d turns and still have "+
			"not come to rest; make them wait for an operation, such as Sleep", ev.describe(), m.maxTurns)
	}
	return m.commands, m.err
}

// maxTurns bounds how often branches take turns in answer to one event.
const maxTurns = 1 << 20

// pendingFor returns the operation that the event is for.
func (m *machine) pendingFor(ev *Event) *operation {
	op := m.pending[ev.Op]
	if op == nil {
		panic("invariant: machine: event for an operation that is not pending: " + ev.Op)
	}
	return op
}

// end resolves the operation that the event is about.
func (m *machine) end(op *operation, ev *Event) {
	delete(m.pending, ev.Op)
	o := outcome{result: ev.Result, value: ev.value, err: ev.Failure.err()}
	switch {
	case ev.Kind == EventChildEnded && ev.From != "" && o.err != nil:
		o.err = &RunError{Run: ev.From, Cause: o.err}
	case ev.Kind != EventTimerFired:
	case op.kind == CommandReceive:
		o.err = noMessage(op.name)
	default:
		now := m.now
		o.value = &now
	}
	op.resolve(o)
}

// awaits reports whether the event of this kind for operation op is still to come.
func (m *machine) awaits(kind EventKind, op string) bool {
	switch kind {
	case EventCancelled:
		return m.root != nil && !m.asked && !m.ended
	case EventTerminated, EventWithdrawn:
		return m.root != nil && (!m.ended || m.unanswered)
	case EventForked:
		return m.root != nil
	}
	p := m.pending[op]
	if p == nil || m.ended {
		return false
	}
	switch kind {
	case EventStepEnded:
		return p.kind.isStep()
	case EventAttemptFailed:
		return p.runs()
	case EventRetried:
		return p.kind.isStep()
	case EventTimerFired:
		return p.waits()
	case EventMessage:
		return p.kind == CommandReceive
	case EventAnswered:
		return p.kind == CommandSend || p.kind == CommandChild && p.child.detached
	case EventChildEnded:
		return p.kind == CommandChild && !p.child.detached
	case EventUpdate:
		return p.kind == CommandHandle
	}
	return false
}

// pendingSorted returns the pending operations in the order in which they were issued.
func (m *machine) pendingSorted() []*operation {
	ops := make([]*operation, 0, len(m.pending))
	for _, op := range m.pending { //tidy:unordered sorted below
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b *operation) int { return cmp.Compare(a.order, b.order) })
	return ops
}

// close unwinds every branch. What they do while unwinding reaches nothing.
func (m *machine) close() {
	m.ended = true
	m.loop.Close()
}

func (m *machine) start(s *Start) {
	m.seed, m.behaviour = s.Seed, s.Behaviour
	m.parent, m.parentOp, m.headers, m.began = s.Parent, s.ParentOp, s.Headers, m.now
	m.scheduled = s.Scheduled
	m.generation, m.self = s.Generation, cmp.Or(s.Origin, m.run)
	m.origin = s.Origin
	m.root = m.newBranch(nil, nil)
	m.spawn(m.root, m.def.name, func(ctx Context) {
		result, err, broken := m.def.call(ctx, m.codec, s.Input)
		if broken != nil {
			m.stop(broken)
		}
		m.root.finish()
		if c, ok := m.continues(err); ok {
			m.commands = append(m.commands, c)
			m.ended = true
			return
		}
		err = m.compensate(Context{m.root, m.root.outside()}, err, nil)
		failure := recordFailure(err)
		c := Command{Kind: CommandEnd, result: result, failure: failure, Fingerprint: xxhash.Sum64(result)}
		if failure != nil {
			c.Fingerprint = xxhash.Sum64String(failure.Text)
			c.gaveIn = m.asked && errors.Is(err, ErrCancelled)
		}
		m.commands = append(m.commands, c)
		m.ended = true
	})
}

// stop says that the run can't go on, and ends the calling branch.
func (m *machine) stop(err error) {
	if m.err == nil {
		m.err = err
	}
	for {
		m.loop.Park("a run that can't go on")
	}
}

func (b *branch) newOperation(kind CommandKind, name string) *operation {
	op := &operation{}
	b.begin(op, kind, name)
	return op
}

// begin makes op, which is zero, the next operation of the branch.
func (b *branch) begin(op *operation, kind CommandKind, name string) {
	b.m.issued++
	op.m, op.id, op.kind, op.name, op.order = b.m, b.nextID(), kind, name, b.m.issued
}

// issue completes a command with what the operation knows and hands it to the engine. In a cancelled scope it
// asks for nothing: the operation has ended with the cancellation.
func (b *branch) issue(op *operation, c Command) {
	m := b.m
	if m.ended {
		return
	}
	if b.scope.cause != nil {
		op.resolve(outcome{err: b.refuse(b.scope, op.String())})
		return
	}
	c.Kind, c.Op, c.Name = op.kind, op.id, op.name
	op.step, op.tx, op.child, op.handler = c.step, c.tx, c.child, c.handler
	c.pc = b.pc[0]
	m.commands = append(m.commands, c)
	if op.kind != CommandBranch {
		m.pending[op.id] = op
		b.scope.adopt(op)
	}
	if op.kind == CommandReceive {
		m.receives = append(m.receives, op)
	}
}

// String describes an operation as reports show it.
func (op *operation) String() string {
	return (&Command{Kind: op.kind, Op: op.id, Name: op.name}).String()
}

// position turns a program counter into file:line, with the last folder of the file's path.
func position(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	file := frame.File
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	return fmt.Sprintf("%s:%d", file, frame.Line)
}
