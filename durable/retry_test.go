package durable_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// calm runs the body in worlds without faults, cold and warm, in which completions come in any order.
func calm(t *testing.T, body func(w *sim.World)) {
	t.Helper()
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 20, NoFaults: true, Disk: store.NewMemoryDisk}, body)
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
}

// service is an outside world that remembers, through all crashes, how it was asked.
type service struct {
	w        *sim.World
	attempts []durable.StepInfo
	times    []time.Duration // since the first
	fail     int             // so many times, in attempts that return
}

var errBusy = errors.New("retry_test: busy")

func init() { durable.RegisterError(errBusy) }

func (s *service) ask(ctx context.Context, question string) (string, error) {
	info, ok := durable.Info(ctx)
	require.True(s.w, ok)
	s.attempts = append(s.attempts, info)
	s.times = append(s.times, s.w.Now().Sub(sim.Epoch))
	if s.fail > 0 {
		s.fail--
		return "", fmt.Errorf("asking %s: %w", question, errBusy)
	}
	return "answer to " + question, nil
}

// asks is a workflow of one step.
func asks(
	fn func(context.Context, string) (string, error), o durable.StepOptions,
) *durable.Workflow[string, string] {
	return durable.Define("asks", func(ctx durable.Context, question string) (string, error) {
		return durable.StepWith(ctx, o, "ask", fn, question)
	})
}

// outcome runs the workflow once, and returns what came of it.
func outcome(w *sim.World, p *plant, wf *durable.Workflow[string, string]) (string, error) {
	startOn(w.Context(), p, wf, "r", "q")
	return resultOn(w.Context(), p, wf, "r")
}

// journalOf reads a run's journal from the node's store.
func journalOf(w *sim.World, p *plant, run string) (j durable.Journal) {
	require.NoError(w, p.insist(w.Context(), "read the journal", func(context.Context) (err error) {
		j, err = durable.ReadJournal(p.node.Store(), run)
		return err
	}))
	return j
}

func count(j durable.Journal, kind durable.EventKind) (n int) {
	for i := range j.Entries {
		if j.Entries[i].Event.Kind == kind {
			n++
		}
	}
	return n
}

func TestAStepIsTriedAgainAtItsTimes(t *testing.T) {
	calm(t, func(w *sim.World) {
		s := &service{w: w, fail: 3}
		wf := asks(s.ask, durable.StepOptions{
			Retry: durable.Retry{Attempts: 4, Interval: 10 * time.Second, Factor: 3},
		})
		p := newPlant(w, wf)
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "answer to q", got)
		want := []time.Duration{0, 10 * time.Second, 40 * time.Second, 130 * time.Second}
		for i := range want { // the store is overtaken by some milliseconds at each commit
			require.InDelta(w, want[i], s.times[i], float64(100*time.Millisecond))
			require.Equal(w, i+1, s.attempts[i].Attempt)
			require.Equal(w, s.attempts[0].IdempotencyKey(), s.attempts[i].IdempotencyKey())
		}
		p.settled(named(wf))
	})
}

func TestTheLastErrorIsTheSteps(t *testing.T) {
	calm(t, func(w *sim.World) {
		s := &service{w: w, fail: math.MaxInt}
		wf := asks(s.ask, durable.StepOptions{Retry: durable.Retry{Attempts: 3}})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		require.ErrorIs(w, err, errBusy)
		require.EqualError(w, err, `run "r" failed: asking q: retry_test: busy`)
		require.Len(w, s.attempts, 3)
		p.settled(named(wf))
	})
}

func TestFinalErrorsAreNotTriedAgain(t *testing.T) {
	never := durable.Retry{Attempts: 9, Final: func(err error) bool { return errors.Is(err, errBusy) }}
	for name, c := range map[string]struct {
		retry durable.Retry
		fn    func(context.Context, string) (string, error)
	}{
		"by the policy": {never, func(context.Context, string) (string, error) {
			return "", fmt.Errorf("x: %w", errBusy)
		}},
		"by the step": {durable.Retry{Attempts: 9}, func(context.Context, string) (string, error) {
			return "", fmt.Errorf("%w, %w", errBusy, durable.ErrFinal)
		}},
		"by a policy that panics": {
			durable.Retry{Attempts: 9, Final: func(error) bool { panic("no idea") }},
			func(context.Context, string) (string, error) { return "", errBusy },
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			wf := asks(func(ctx context.Context, q string) (string, error) {
				asked++
				return c.fn(ctx, q)
			}, durable.StepOptions{Retry: c.retry})
			e := open(t, store.OpenMemory(), wf)
			_, err := start(t, wf, e, "r", "q").Result(t.Context())
			require.ErrorIs(t, err, errBusy)
			require.Equal(t, 1, asked)
		})
	}
}

func TestAPanicIsTriedAgain(t *testing.T) {
	calm(t, func(w *sim.World) {
		s := &service{w: w}
		wf := asks(func(ctx context.Context, q string) (string, error) {
			if info, _ := durable.Info(ctx); info.Attempt == 1 {
				panic("ouch")
			}
			return s.ask(ctx, q)
		}, durable.StepOptions{Retry: durable.Retry{Attempts: 2}})
		p := newPlant(w, wf)
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "answer to q", got)
	})
}

// TestTheBudgetSurvivesCrashes: however often the process dies, no more attempts fail than there may, none
// begins before its time, and the numbers of attempts go up.
func TestTheBudgetSurvivesCrashes(t *testing.T) {
	sweepPlant(t, 4000, func(w *sim.World) {
		s := &service{w: w, fail: w.Pick("failures", 6)}
		fail := s.fail
		const attempts = 4
		wf := asks(s.ask, durable.StepOptions{
			Retry: durable.Retry{Attempts: attempts, Interval: time.Minute, Jitter: 0.5},
		})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		j := journalOf(w, p, "r")
		failed := count(j, durable.EventAttemptFailed)
		if err != nil {
			require.ErrorIs(w, err, errBusy)
			failed++
		}
		require.LessOrEqual(w, failed, attempts)
		if fail < attempts {
			require.NoError(w, err, "there were attempts left")
		}
		w.Sometimes("an attempt fails and its failure is lost in a crash", fail > failed && err == nil)
		w.Sometimes("the budget is used up", err != nil)
		due := time.Time{}
		at := 0
		for _, e := range j.Entries {
			switch ev := e.Event; ev.Kind {
			case durable.EventAttemptFailed:
				require.Greater(w, ev.Retry.Sub(ev.Time), 29*time.Second)
				due = ev.Retry
			case durable.EventTimerFired:
				require.False(w, ev.Time.Before(due), "an attempt before its time")
				at++
			}
		}
		for i := 1; i < len(s.attempts); i++ {
			require.GreaterOrEqual(w, s.attempts[i].Attempt, s.attempts[i-1].Attempt)
			require.Equal(w, s.attempts[0].IdempotencyKey(), s.attempts[i].IdempotencyKey())
		}
		w.Sometimes("an attempt is interrupted", len(s.attempts) > failed+1)
		p.settled(named(wf))
	})
}

func TestAStepThatEndsItsProcessIsParked(t *testing.T) {
	calm(t, func(w *sim.World) {
		var p *plant
		asked := 0
		deadly := true
		wf := asks(func(context.Context, string) (string, error) {
			asked++
			if deadly {
				p.node.Crash()
			}
			return "alive", nil
		}, durable.StepOptions{Interruptions: 3})
		p = newPlant(w, wf)
		_, err := outcome(w, p, wf)
		var interrupted *durable.InterruptedError
		require.ErrorAs(w, err, &interrupted)
		require.ErrorIs(w, err, durable.ErrParked)
		require.Equal(w, durable.InterruptedError{Run: "r", Step: "ask", ID: "1", Times: 3}, *interrupted)
		require.EqualError(w, interrupted, `step "ask" (id 1) of run "r" was interrupted by the end of its process `+
			`3 times in a row, perhaps because of it; mend what ends the process, then call Resume`)
		require.Equal(w, 3, asked)
		p.node.Restart()
		_, err = resultOn(w.Context(), p, wf, "r")
		require.ErrorAs(w, err, &interrupted, "a new process does not try it again by itself")
		require.Equal(w, 3, asked)

		require.ErrorIs(w, p.node.Call(w.Context(), "resume", func(ctx context.Context) error {
			require.NoError(w, p.engine.Resume("r"))
			return w.Sleep(ctx, time.Minute)
		}), sim.ErrCrashed)
		_, err = resultOn(w.Context(), p, wf, "r")
		require.ErrorAs(w, err, &interrupted)
		require.Equal(w, 6, asked, "as often again")

		deadly = false
		require.NoError(w, p.node.Call(w.Context(), "resume", func(context.Context) error {
			return p.engine.Resume("r")
		}))
		got, err := resultOn(w.Context(), p, wf, "r")
		require.NoError(w, err)
		require.Equal(w, "alive", got)
		p.settled(named(wf))
	})
}

func TestAStepWithoutOptionsIsNotInterruptedForEver(t *testing.T) {
	calm(t, func(w *sim.World) {
		var p *plant
		asked := 0
		wf := durable.Define("w", func(ctx durable.Context, q string) (string, error) {
			return durable.Step(ctx, "deadly", func(context.Context, string) (string, error) {
				asked++
				p.node.Crash()
				return "", nil
			}, q)
		})
		p = newPlant(w, wf)
		_, err := outcome(w, p, wf)
		var interrupted *durable.InterruptedError
		require.ErrorAs(w, err, &interrupted)
		require.Equal(w, 100, asked)
	})
}

func TestOptionsThatCantBeSayWhatToWrite(t *testing.T) {
	r := func(r durable.Retry) durable.StepOptions { return durable.StepOptions{Retry: r} }
	for want, o := range map[string]durable.StepOptions{
		"Timeout is -1s; a time is 0, for the default, or more":          {Timeout: -time.Second},
		"TotalTimeout is -1s; a time is 0, for the default, or more":     {TotalTimeout: -time.Second},
		"HeartbeatTimeout is -1s; a time is 0, for the default, or more": {HeartbeatTimeout: -time.Second},
		"Retry.Interval is -1s; a time is 0, for the default, or more":   r(durable.Retry{Interval: -time.Second}),
		"Retry.MaxInterval is -1s; a time is 0, for the default, or more": r(durable.Retry{
			Attempts: 2, MaxInterval: -time.Second,
		}),
		"StepOptions.Interruptions is -1; give it 1 or more, or 0 for 100": {Interruptions: -1},
		"Retry.Attempts is -1; give it 1 or more, math.MaxInt for no end":  r(durable.Retry{Attempts: -1}),
		"Retry.Factor is 0.5; give it 1, for waits of equal length, or more, or 0 for 2": r(durable.Retry{
			Attempts: 2, Factor: 0.5,
		}),
		"Retry.Factor is NaN; give it 1, for waits of equal length, or more, or 0 for 2": r(durable.Retry{
			Attempts: 2, Factor: math.NaN(),
		}),
		"Retry.Jitter is 20; it is a share of the wait, from 0 to 1": r(durable.Retry{Attempts: 2, Jitter: 20}),
		"Retry.MaxInterval is 1s, less than Retry.Interval, which is 1m0s; swap them, or leave out MaxInterval": r(
			durable.Retry{Attempts: 2, Interval: time.Minute, MaxInterval: time.Second}),
		"Retry.Attempts is 1, so there is no second attempt and the rest of Retry says nothing; set how many " +
			"attempts there may be": r(durable.Retry{Attempts: 1, Interval: time.Second}),
	} {
		_, err := ended1(t, asks(upper, o))
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorContains(t, err, "panic: durable: StepWith(ask): StepOptions."+want)
	}
}

// ended1 runs a workflow once.
func ended1(t *testing.T, wf *durable.Workflow[string, string]) (string, error) {
	t.Helper()
	e := open(t, store.OpenMemory(), wf)
	return start(t, wf, e, "r", "q").Result(t.Context())
}

func TestStepsThatCantBeSayWhatToWrite(t *testing.T) {
	long := strings.Repeat("x", 513)
	type call = func(ctx durable.Context) (string, error)
	for want, call := range map[string]call{
		"durable: Step(s) needs a function to run, got nil": func(ctx durable.Context) (string, error) {
			return durable.Step[string, string](ctx, "s", nil, "")
		},
		"durable: StepWith(s) needs a function to run, got nil": func(ctx durable.Context) (string, error) {
			return durable.StepWith[string, string](ctx, durable.StepOptions{}, "s", nil, "")
		},
		"durable: Async(s) needs a function to run, got nil": func(ctx durable.Context) (string, error) {
			return durable.Async[string, string](ctx, "s", nil, "").Await(ctx)
		},
		"durable: AsyncWith(s) needs a function to run, got nil": func(ctx durable.Context) (string, error) {
			return durable.AsyncWith[string, string](ctx, durable.StepOptions{}, "s", nil, "").Await(ctx)
		},
		"durable: AsyncWith(s): StepOptions.Timeout is -1ns": func(ctx durable.Context) (string, error) {
			return durable.AsyncWith(ctx, durable.StepOptions{Timeout: -1}, "s", upper, "").Await(ctx)
		},
		"durable: the step's name is empty; give it a name of 1 to 512 bytes": func(
			ctx durable.Context,
		) (string, error) {
			return durable.StepWith(ctx, durable.StepOptions{}, "", upper, "")
		},
		"durable: the step's name is 513 bytes long, at most 512 are allowed": func(
			ctx durable.Context,
		) (string, error) {
			return durable.Step(ctx, long, upper, "")
		},
	} {
		_, err := ended1(t, durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
			return call(ctx)
		}))
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorContains(t, err, want)
	}
}

func TestArgumentsAndResultsHaveABound(t *testing.T) {
	huge := strings.Repeat("x", 16<<20)
	type call = func(ctx durable.Context) (string, error)
	for want, call := range map[string]call{
		`the argument of step "s" (id 1) does not fit the type string: it encodes to 16777218 bytes, at most ` +
			`16777216 are allowed; keep it elsewhere and pass on where it is`: func(
			ctx durable.Context,
		) (string, error) {
			return durable.Step(ctx, "s", upper, huge)
		},
		`the result of step "s" (id 1) does not fit the type string: it encodes to 16777218 bytes`: func(
			ctx durable.Context,
		) (string, error) {
			return durable.StepWith(ctx, durable.StepOptions{Retry: durable.Retry{Attempts: 5}}, "s",
				func(context.Context, string) (string, error) { return huge, nil }, "")
		},
	} {
		_, err := ended1(t, durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
			return call(ctx)
		}))
		require.ErrorIs(t, err, durable.ErrCodec)
		require.ErrorContains(t, err, want)
	}
}

// TestALoserThatWaitsForItsNextAttemptLeavesNothing: it is cancelled, or the run ends, while an attempt is
// due later or under way.
func TestALoserThatWaitsForItsNextAttemptLeavesNothing(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		failing := func(ctx context.Context, _ string) (string, error) {
			_ = durable.Heartbeat(ctx, 1)
			_ = w.Sleep(ctx, time.Duration(w.Pick("failing takes", 3))*20*time.Second)
			return "", errBusy
		}
		slow := func(ctx context.Context, s string) (string, error) {
			_ = w.Sleep(ctx, time.Duration(w.Pick("slow takes", 5))*20*time.Second)
			return s, nil
		}
		cancel, detached := w.Pick("cancel", 2) == 1, w.Pick("detached", 2) == 1
		wf := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
			options := durable.StepOptions{Retry: durable.Retry{Attempts: 1e6, Interval: 15 * time.Second, Factor: 1}}
			where := ctx
			if detached {
				where = ctx.Detached()
			}
			loser := durable.AsyncWith(where, options, "failing", failing, in)
			out, err := durable.Step(ctx, "slow", slow, in)
			if cancel {
				loser.Cancel(ctx, nil)
				_ = ctx.Sleep(time.Minute)
			}
			return out, err
		})
		p := newPlant(w, wf)
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "q", got)
		p.settled(named(wf))
	})
}

// TestAnAttemptGoesOnWhileItsRunIsParked: Resume finds it under way and does not make another.
func TestAnAttemptGoesOnWhileItsRunIsParked(t *testing.T) {
	calm(t, func(w *sim.World) {
		broken := true
		s := &service{w: w}
		wf := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
			long := durable.Async(ctx, "long", func(ctx context.Context, q string) (string, error) {
				_ = durable.Heartbeat(ctx, 1)
				_ = w.Sleep(ctx, time.Hour)
				_ = durable.Heartbeat(ctx, 2)
				return s.ask(ctx, q)
			}, in)
			if _, err := durable.Step(ctx, "short", upper, in); err != nil {
				return "", err
			}
			if broken {
				panic("broken")
			}
			return long.Await(ctx)
		})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		require.ErrorIs(w, err, durable.ErrParked)
		broken = false
		require.NoError(w, p.node.Call(w.Context(), "resume", func(context.Context) error {
			return p.engine.Resume("r")
		}))
		got, err := resultOn(w.Context(), p, wf, "r")
		require.NoError(w, err)
		require.Equal(w, "answer to q", got)
		require.Len(w, s.attempts, 1)
		p.settled(named(wf))
	})
}
