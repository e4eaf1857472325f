package durable

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers can match with errors.Is.
var (
	ErrNotFound        = errors.New("durable: run not found")
	ErrEnded           = errors.New("durable: the run has ended")
	ErrConflict        = errors.New("durable: the id belongs to another run")
	ErrClosed          = errors.New("durable: the engine is closed")
	ErrFenced          = errors.New("durable: another engine has taken over the store")
	ErrFailed          = errors.New("durable: the engine has stopped because its store failed")
	ErrParked          = errors.New("durable: the run is parked")
	ErrTerminated      = errors.New("durable: the run was terminated")
	ErrUnknownWorkflow = errors.New("durable: unknown workflow")
	ErrNonDeterminism  = errors.New("durable: the run does not replay")
	ErrDamaged         = errors.New("durable: damaged data")
	ErrCodec           = errors.New("durable: a value does not encode or decode")
)

// RunError is how a run failed: the error that its workflow returned. errors.Is and errors.As see through
// it to that error.
type RunError struct {
	Run   string
	Cause error
}

func (e *RunError) Error() string { return fmt.Sprintf("run %q failed: %v", e.Run, e.Cause) }

// Unwrap returns the workflow's error.
func (e *RunError) Unwrap() error { return e.Cause }

// ParkedError says why a run is parked: it can't go on with the code as it is, nothing of it is lost, and
// it goes on when the engine opens, or Resume is called, with code that can.
type ParkedError struct {
	Run   string
	Cause error
}

func (e *ParkedError) Error() string {
	return fmt.Sprintf("run %q is parked, unharmed, until the cause is mended and it is resumed: %v",
		e.Run, e.Cause)
}

// Unwrap makes errors.Is match ErrParked as well as the cause.
func (e *ParkedError) Unwrap() []error { return []error{ErrParked, e.Cause} }

// NonDeterminismError says where today's code parts from a journal. errors.Is matches ErrNonDeterminism.
type NonDeterminismError struct {
	Run      string
	Workflow string
	Entry    int    // the journal entry, counted from 1
	Recorded string // what the journal says was done
	Replayed string // what the code does now
	Position string // file:line of the call in workflow code; empty when the code asks for nothing
}

func (e *NonDeterminismError) Error() string {
	at := ""
	if e.Position != "" {
		at = " at " + e.Position
	}
	return fmt.Sprintf("run %q of workflow %q does not replay: journal entry %d recorded %s, "+
		"the code now does %s%s; run it with the code that recorded it, or undo the change",
		e.Run, e.Workflow, e.Entry, e.Recorded, e.Replayed, at)
}

// Unwrap makes errors.Is match ErrNonDeterminism.
func (e *NonDeterminismError) Unwrap() error { return ErrNonDeterminism }

// CodecError says which value did not encode or decode. errors.Is matches ErrCodec.
type CodecError struct {
	What  string // e.g. `result of step "charge" (id 2)`
	Type  string // the Go type
	Cause error
}

func (e *CodecError) Error() string {
	return fmt.Sprintf("durable: the %s does not fit the type %s: %v", e.What, e.Type, e.Cause)
}

// Unwrap makes errors.Is match ErrCodec as well as the cause.
func (e *CodecError) Unwrap() []error { return []error{ErrCodec, e.Cause} }

// StuckError says that every branch of a run waits for something that can't happen any more.
type StuckError struct {
	Waits []string // a line for each waiting branch
}

func (e *StuckError) Error() string {
	return "durable: every branch of the run waits and nothing is under way that could wake one:\n  " +
		strings.Join(e.Waits, "\n  ")
}

// StillRunningError lists the steps that had not returned when Close gave up waiting, although their
// contexts were cancelled. They run again when the engine next opens.
type StillRunningError struct {
	Steps []string
}

func (e *StillRunningError) Error() string {
	return fmt.Sprintf("durable: closed while %d steps were still running: they ignore their cancelled context "+
		"(watch ctx.Done in the step) and will run again at the next open: %s",
		len(e.Steps), strings.Join(e.Steps, ", "))
}

func init() {
	RegisterError(ErrEnded, ErrTerminated)
	RegisterErrorType[*RunError]()
}
