package durable

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// How a run ended, in the store: a mark, the time as in a timer's key, and the encoded result or the failure
// as JSON.
const (
	endResult     = 'r'
	endFailure    = 'e'
	endCancelled  = 'c'
	endTerminated = 't'
	endContinued  = 'n'

	endHeadSize = 9
)

func endHead(mark byte, at time.Time) []byte {
	return appendTime([]byte{mark}, at)
}

func encodeEnd(c *Command, at time.Time) ([]byte, error) {
	if c.failure == nil {
		return append(endHead(endResult, at), c.result...), nil
	}
	mark := byte(endFailure)
	if c.gaveIn {
		mark = endCancelled
	}
	text, err := json.Marshal(c.failure)
	return append(endHead(mark, at), text...), err
}

// encodeTermination is the end of a run that was ended from outside.
func encodeTermination(why string, at time.Time) ([]byte, error) {
	text, err := json.Marshal(recordFailure(termination(why)))
	return append(endHead(endTerminated, at), text...), err
}

// encodeWithdrawal is the end of a run that was cancelled before it began.
func encodeWithdrawal(why string, at time.Time) ([]byte, error) {
	return encodeEnd(&Command{failure: recordFailure(cancellation(why)), gaveIn: true}, at)
}

func termination(why string) error {
	if why == "" {
		return ErrTerminated
	}
	return fmt.Errorf("%w: %s", ErrTerminated, why)
}

func decodeEnd(run string, data []byte) ([]byte, error) {
	result, failure, err := parseEnd(run, data)
	if failure != nil {
		err = &RunError{Run: run, Cause: failure.err()}
	}
	return result, err
}

// parseEnd returns the result of a run that ended with one, or its failure.
func parseEnd(run string, data []byte) (result []byte, failure *Failure, err error) {
	status, _, err := parseEndHead(run, data)
	switch {
	case err != nil:
		return nil, nil, err
	case status == Done:
		return data[endHeadSize:], nil, nil
	}
	failure = new(Failure)
	if err := json.Unmarshal(data[endHeadSize:], failure); err != nil {
		return nil, nil, damagedEnd(run, data)
	}
	return nil, failure, nil
}

// parseEndHead says how a run ended, and when.
func parseEndHead(run string, data []byte) (status Status, at time.Time, err error) {
	if len(data) < endHeadSize {
		return "", at, damagedEnd(run, data)
	}
	switch data[0] {
	case endResult:
		status = Done
	case endFailure:
		status = Failed
	case endCancelled:
		status = Cancelled
	case endTerminated:
		status = Terminated
	case endContinued:
		status = Continued
	default:
		return "", at, damagedEnd(run, data)
	}
	return status, parseTime(data[1:endHeadSize]), nil
}

func damagedEnd(run string, data []byte) error {
	return fmt.Errorf("%w: run %q: how it ended: %.40q", ErrDamaged, run, data)
}

// appendTime appends a time so that byte order is the order of time.
func appendTime(k []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(k, uint64(at.UnixNano())^signBit)
}

// parseTime is the inverse of appendTime.
func parseTime(k []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(k)^signBit)).UTC()
}
