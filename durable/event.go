package durable

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// What comes to a run like an event and is none of its journal: a step has sent its progress; the run is to
// be paused; it is to go on.
const (
	eventProgress EventKind = 255
	eventPause    EventKind = 254
	eventGoOn     EventKind = 253
)

// EventKind says what a journal entry tells the run.
type EventKind uint8

// The kinds of events. The numbers are part of the journal's format and never change.
const (
	EventStarted    EventKind = 1 // the run began
	EventStepEnded  EventKind = 2 // a step returned a result or an error
	EventTimerFired EventKind = 3 // a deadline has passed
	// EventAttemptFailed: an attempt at a step has failed, and another one is due at a time
	EventAttemptFailed EventKind = 4
	EventMessage       EventKind = 6 // a message was received
	EventAnswered      EventKind = 7 // the engine accepted or refused what was asked of it
	EventChildEnded    EventKind = 8 // a child run has ended, or could not be started
	EventUpdate        EventKind = 9 // an update was accepted

	EventCancelled  EventKind = 10 // the run was cancelled from outside
	EventTerminated EventKind = 11 // the run was ended from outside

	EventWithdrawn EventKind = 14 // the run was cancelled while it waited in its queue; none of its code ran

	EventRetried EventKind = 20 // a failed run was opened again, to try this step anew
	EventForked  EventKind = 21 // from here on the run is another than the one it was forked from

	lastEventKind = EventForked
)

func (k EventKind) String() string {
	switch k {
	case EventStarted:
		return "started"
	case EventStepEnded:
		return "step ended"
	case EventTimerFired:
		return "timer fired"
	case EventAttemptFailed:
		return "attempt failed"
	case EventMessage:
		return "message received"
	case EventAnswered:
		return "answered"
	case EventChildEnded:
		return "child ended"
	case EventCancelled:
		return "cancelled"
	case EventTerminated:
		return "terminated"
	case EventUpdate:
		return "update accepted"
	case EventWithdrawn:
		return "withdrawn"
	case EventRetried:
		return "retried"
	case EventForked:
		return "forked"
	}
	return "event kind " + strconv.Itoa(int(k))
}

// stops reports whether the event asks the run to end.
func (k EventKind) stops() bool { return k == EventCancelled || k == EventTerminated }

// halts reports whether the event is dealt with between two rounds, without the run's code.
func (k EventKind) halts() bool { return k == EventTerminated || k == eventPause || k == eventGoOn }

// Event is what a run observes. Everything that workflow code can learn is in an event of its journal.
type Event struct {
	Kind EventKind
	// Time is when the engine saw the event; within one journal it never goes back.
	Time time.Time
	// Op is the id of the operation that ended; empty for EventStarted.
	Op string
	// Result is the encoded result of a step or child that succeeded, the content of a message or the input of
	// an update.
	Result []byte
	// Failure is the recorded error of what failed, an attempt at a step included; nil when it succeeded.
	Failure *Failure
	// Retry is when the next attempt is due, after EventAttemptFailed.
	Retry time.Time
	// From is the id of the run that sent a message, or of the child that ended; empty when a message came from
	// outside, or a child was not started.
	From string
	// Message is the id of an update, or the one that the sender gave a message, empty when it gave none.
	Message string
	// Reason is why the run was cancelled or terminated, in the words of who did it; it may be empty.
	Reason string
	// Start holds the facts of EventStarted, nil otherwise.
	Start *Start
	// Fork holds the facts of EventForked, nil otherwise.
	Fork *Fork

	due   time.Time // the deadline of a timer that fired; not recorded, the key of the timer has it
	value any       // where the decoded result is while the step is in this process; not recorded

	attempt  int    // that has ended or sends its progress; not recorded
	final    bool   // its error must not be tried again; not recorded, what follows from it is
	progress []byte // of the attempt, when it is not saved yet; not recorded
	kept     bool   // it came while the run was paused, and lies in the store

	tx    *Tx    // of a transaction that is to be committed with the event; not recorded
	claim *claim // that keeps others from what it has read until then; nil for none
}

// Start holds what EventStarted records.
type Start struct {
	Workflow  string
	Input     []byte
	Seed      uint64            // of the run's random numbers
	Behaviour int               // the engine's behaviour version that the run began with
	Parent    string            // the run that started it; empty when it was started from outside
	ParentOp  string            // the parent's operation that its end is reported to; empty when it is detached
	Headers   map[string]string // of interceptors, see RunInfo
	Scheduled time.Time         // for when a schedule started it; zero when none did
	// Generation is how often the run had continued as new before.
	Generation int
	// Origin is the id that the run's code knew it by, when its journal is now that of another: of the run that
	// it was forked from, or of which it is a part.
	Origin string

	place []byte // of a run that came from a queue: its item, as it was when its turn came
}

// CommandKind says what workflow code asked for.
type CommandKind uint8

// The kinds of commands. The numbers are part of the journal's format and never change.
const (
	CommandStep   CommandKind = 1 // run a step
	CommandTimer  CommandKind = 2 // wake at a deadline
	CommandBranch CommandKind = 3 // a branch began
	CommandEnd    CommandKind = 4 // the run ended with a result or an error
	CommandCancel CommandKind = 5 // an operation is not wanted any more
	CommandRetry  CommandKind = 6 // wake at a deadline, to run a step again
	// CommandTransact: run a transaction
	CommandTransact CommandKind = 7

	CommandReceive CommandKind = 8  // wait for a message
	CommandSend    CommandKind = 9  // send a message to a run
	CommandPublish CommandKind = 10 // set a published value
	CommandChild   CommandKind = 11 // start a child run
	CommandHandle  CommandKind = 12 // take updates of a kind
	CommandAnswer  CommandKind = 13 // answer an update

	CommandVersion CommandKind = 14 // which version of a change the run has

	CommandContinue CommandKind = 30 // the run goes on with a new journal

	lastCommandKind = CommandContinue
)

func (k CommandKind) String() string {
	switch k {
	case CommandStep:
		return "step"
	case CommandTimer:
		return "timer"
	case CommandBranch:
		return "branch"
	case CommandEnd:
		return "end"
	case CommandCancel:
		return "cancel"
	case CommandRetry:
		return "retry"
	case CommandTransact:
		return "transaction"
	case CommandReceive:
		return "receive"
	case CommandSend:
		return "send"
	case CommandPublish:
		return "publish"
	case CommandChild:
		return "child"
	case CommandHandle:
		return "handle"
	case CommandAnswer:
		return "answer"
	case CommandVersion:
		return "version"
	case CommandContinue:
		return "continue as new"
	}
	return "command kind " + strconv.Itoa(int(k))
}

// Command is what workflow code asked for in answer to an event.
type Command struct {
	Kind        CommandKind
	Op          string // the operation's id, its place in the tree of branches; empty for CommandEnd
	Name        string // of the step, branch, topic, value or update; the child's workflow
	To          string // the run that a message goes to; the child's id; the update's id
	Fingerprint uint64 // of the encoded argument, duration, message or result
	Deadline    time.Time
	Target      CommandKind // of CommandCancel: what the operation is
	Attempt     int         // of a step that is run again, from 2; only failed attempts count
	Queue       string      // that a child waits in; empty when it starts at once
	Unawaited   ChildPolicy // of a child: what becomes of it when the parent is ended from outside

	op      *operation // of CommandCancel
	step    stepCall   // what to run; nil except for CommandStep
	tx      txFunc     // what to run; nil except for CommandTransact
	child   *child     // of CommandChild
	handler *handler   // of CommandHandle
	pc      uintptr    // of the call in workflow code; captured only while diagnosing a replay
	content []byte     // of CommandSend and CommandPublish; the input of CommandChild and CommandContinue
	result  []byte     // of CommandEnd and CommandAnswer
	failure *Failure   // of CommandEnd and CommandAnswer
	gaveIn  bool       // of CommandEnd: with the cancellation of the run
}

// same reports whether a replay's command is the recorded one. Deadlines follow from the argument and the
// event's time, so they need no comparing.
func (c *Command) same(d *Command) bool {
	return c.Kind == d.Kind && c.Op == d.Op && c.Name == d.Name && c.To == d.To &&
		c.Fingerprint == d.Fingerprint && c.Target == d.Target && c.Queue == d.Queue
}

// String describes a command as reports show it: step "charge" (id 2).
func (c *Command) String() string {
	switch c.Kind {
	case CommandEnd:
		return fmt.Sprintf("return of a result with fingerprint %016x", c.Fingerprint)
	case CommandContinue:
		return fmt.Sprintf("continue as new with an input of fingerprint %016x", c.Fingerprint)
	case CommandTimer:
		return fmt.Sprintf("%s (id %s)", cmp.Or(c.Name, "sleep"), c.Op)
	case CommandVersion:
		return fmt.Sprintf("version %d of change %q", c.Fingerprint, c.Name)
	case CommandCancel:
		return "cancel of " + (&Command{Kind: c.Target, Op: c.Op, Name: c.Name}).String()
	case CommandSend:
		if c.To != "" {
			return fmt.Sprintf("send %q to %q (id %s)", c.Name, c.To, c.Op)
		}
	case CommandChild:
		switch {
		case c.Queue != "":
			return fmt.Sprintf("child %q of workflow %q in queue %q (id %s)", c.To, c.Name, c.Queue, c.Op)
		case c.To != "":
			return fmt.Sprintf("child %q of workflow %q (id %s)", c.To, c.Name, c.Op)
		}
	case CommandRetry:
		return fmt.Sprintf("wait for attempt %d at step %q (id %s)", c.Attempt, c.Name, c.Op)
	}
	if c.Attempt > 1 {
		return fmt.Sprintf("%s %q (id %s), attempt %d", c.Kind, c.Name, c.Op, c.Attempt)
	}
	return fmt.Sprintf("%s %q (id %s)", c.Kind, c.Name, c.Op)
}

// Entry is one journal entry: an event and the commands that the run answered it with. They are committed
// together with everything that follows from them.
type Entry struct {
	Seq      int // 1-based position in the journal
	Event    Event
	Commands []Command
	// Unanswered marks the last entry of a run that was parked because its code could not answer the
	// event: it panicked, or could not decode the result.
	Unanswered bool

	wire [][]byte // the commands, encoded, while they are not spelt out
}

// String describes an entry on one line, for listings and messages.
func (e *Entry) String() string {
	s := fmt.Sprintf("%d %s", e.Seq, e.Event.Kind)
	if e.Event.Op != "" {
		s += " " + e.Event.Op
	}
	if e.Event.Failure != nil {
		s += " error " + strconv.Quote(e.Event.Failure.Text)
	}
	if !e.Event.Retry.IsZero() {
		s += " retry at " + e.Event.Retry.UTC().Format(time.RFC3339Nano)
	}
	for i := range e.Commands {
		s += " -> " + e.Commands[i].String()
	}
	return s
}
