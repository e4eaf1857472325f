package program

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Outside is the world that the steps of programs act on.
type Outside struct {
	// Sleep is how a step takes time; World and Deployment set it to the Sleep of their sim.World when it is
	// nil.
	Sleep func(ctx context.Context, d time.Duration) error
	// Did is told of each call of a step's function when it has had its effect. It may be nil.
	Did func(info durable.StepInfo, n int)

	name func(step string) string // spoils the names of steps; nil: it doesn't
}

// ErrOdd is what the steps of programs fail with.
var ErrOdd = errors.New("odd")

var (
	mail     = durable.NewTopic[int]("mail")
	progress = durable.NewValue[int]("progress")
)

// options are those of the steps that are tried again.
var options = durable.StepOptions{Retry: durable.Retry{Attempts: 3, Interval: time.Second}}

// beats are those of the step that says how far it has come.
var beats = durable.StepOptions{
	Retry: durable.Retry{Attempts: 3, Interval: time.Second}, HeartbeatTimeout: 2 * time.Second,
}

// patience is how long a step waits for an update that is perhaps never taken.
var patience = durable.StepOptions{Timeout: 2 * time.Second}

func init() { durable.RegisterError(ErrOdd) }

// work is a step that takes n seconds. It fails when n is 3.
func (o *Outside) work(ctx context.Context, n int) (string, error) {
	if err := o.Sleep(ctx, time.Duration(n)*time.Second); err != nil {
		return "", err
	}
	o.did(ctx, n)
	if n == 3 {
		return "", ErrOdd
	}
	return fmt.Sprint("done ", n), nil
}

// flaky is work whose first attempt fails, when it is not interrupted.
func (o *Outside) flaky(ctx context.Context, n int) (string, error) {
	if info, _ := durable.Info(ctx); info.Attempt == 1 {
		return "", ErrOdd
	}
	return o.work(ctx, n)
}

// beat is a step of which the first attempt says each second how far it has come, and fails; the next ones
// tell what it has said.
func (o *Outside) beat(ctx context.Context, n int) (string, error) {
	info, _ := durable.Info(ctx)
	if info.Attempt > 1 {
		far, ok, err := durable.Progress[int](ctx)
		return fmt.Sprint("beat ", far, ok), err
	}
	for i := range n {
		if err := durable.Heartbeat(ctx, i+1); err != nil {
			return "", err
		}
		if err := o.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
	}
	o.did(ctx, n)
	return "", ErrOdd
}

// letter is a step that sends mail to its own run, as a client would.
func (o *Outside) letter(ctx context.Context, n int) (string, error) {
	info, _ := durable.Info(ctx)
	err := mail.Post(ctx, durable.EngineOf(ctx), info.Run, n)
	o.did(ctx, n)
	return "sent", err
}

// ask is a step that asks its own run for an update, as a client would.
func (o *Outside) ask(ctx context.Context, n int) (string, error) {
	info, _ := durable.Info(ctx)
	update := durable.NewUpdate[int, string](updateName(max(n, 1)))
	answer, err := update.Call(ctx, durable.EngineOf(ctx), info.Run, "", n)
	o.did(ctx, n)
	return answer, err
}

// check refuses an update.
func check(n int) error {
	if n == 3 {
		return ErrOdd
	}
	return nil
}

// quit is a step that cancels its own run, as a client would.
func (o *Outside) quit(ctx context.Context, n int) (string, error) {
	if err := o.Sleep(ctx, time.Duration(n)*time.Second); err != nil {
		return "", err
	}
	info, _ := durable.Info(ctx)
	err := durable.EngineOf(ctx).Cancel(ctx, info.Run, "quit")
	o.did(ctx, n)
	return "", err
}

func (o *Outside) did(ctx context.Context, n int) {
	if o.Did == nil {
		return
	}
	if info, ok := durable.Info(ctx); ok {
		o.Did(info, n)
	}
}

// count is a transaction that adds n to a counter that all runs share, and 1 to that of the transactions.
func count(tx *durable.Tx, n int) (string, error) {
	total, times := add(tx, "total", n), add(tx, "times", 1)
	if n == 3 {
		return "", ErrOdd
	}
	return fmt.Sprintf("count %d: %d", times, total), nil
}

func add(tx *durable.Tx, key string, n int) uint64 {
	var sum uint64
	if old, ok := tx.Get(key); ok {
		sum = binary.BigEndian.Uint64(old)
	}
	sum += uint64(n)
	tx.Set(key, binary.BigEndian.AppendUint64(nil, sum))
	return sum
}

// step is the name that a step gets.
func (o *Outside) step(name string) string {
	if o.name == nil {
		return name
	}
	return o.name(name)
}
