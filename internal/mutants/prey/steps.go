package prey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

func echo(_ context.Context, s string) (string, error) { return "<" + s + ">", nil }

// branches: concurrent lines of two steps each, whose names are equal; each result belongs to its line.
func branches(w *sim.World) {
	flow := durable.Define("branches", func(ctx durable.Context, n int) (string, error) {
		var lines []durable.Future[string]
		for i := range n {
			lines = append(lines, durable.Go(ctx, "line", func(ctx durable.Context) (string, error) {
				first, err := durable.Step(ctx, "first", echo, fmt.Sprint(i))
				if err != nil {
					return "", err
				}
				return durable.Step(ctx, "second", echo, first)
			}))
		}
		direct := durable.Async(ctx, "direct", echo, "d")
		all, err := durable.Gather(ctx, append(lines, direct)...)
		return strings.Join(all, " "), err
	})
	p := boot(w, durable.Config{}, flow)
	n := 2 + w.Pick("lines", 2)
	start(w.Context(), p, flow, "b", n)
	got, err := result(w.Context(), p, flow, "b")
	want := ""
	for i := range n {
		want += fmt.Sprintf("<<%d>> ", i)
	}
	p.same("each line has its own results", "b", want+"<d> <nil>", fmt.Sprint(got, " ", err))
	p.settle()
}

// races: whoever was first stays first, and a loser leaves nothing.
func races(w *sim.World) {
	flow := durable.Define("races", func(ctx durable.Context, d time.Duration) (string, error) {
		place, winner, err := durable.Race(ctx,
			durable.Async(ctx, "a", echo, "a"), durable.Async(ctx, "b", echo, "b"),
			durable.Go(ctx, "alarm", func(ctx durable.Context) (string, error) { return "alarm", ctx.Sleep(d) }))
		if err != nil {
			return "", err
		}
		confirmed, err := durable.Step(ctx, "confirm "+fmt.Sprint(place), echo, winner)
		if err != nil {
			return "", err
		}
		var order []string
		futures := []durable.Future[string]{
			durable.Async(ctx, "c", echo, "c"), durable.Async(ctx, "d", echo, "d"), durable.Async(ctx, "e", echo, "e"),
		}
		for i, o := range durable.Completed(ctx, futures...) {
			if o.Err != nil {
				return "", o.Err
			}
			order = append(order, fmt.Sprint(i, o.Value))
		}
		first, last := futures[0], futures[2]
		place, _, err = durable.Race(ctx, last, first) // which have ended long ago
		if err != nil {
			return "", err
		}
		order = append(order, fmt.Sprint(" ", place))
		coin := fmt.Sprint(ctx.Rand().IntN(1000))
		return durable.Step(ctx, "last", echo, confirmed+strings.Join(order, "")+coin)
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "r", time.Duration(w.Pick("alarm", 3))*time.Millisecond)
	got, err := result(w.Context(), p, flow, "r")
	p.same("a race has an end", "r", nil, err)
	for _, c := range []string{"0<c>", "1<d>", "2<e>"} {
		p.holds("what completes is seen once", "r", strings.Count(got, c) == 1, got)
	}
	p.settle()
}

var errBusy = errors.New("prey: busy")

func init() { durable.RegisterError(errBusy) }

// retries: a step that fails has as many attempts as it may, at their times.
func retries(w *sim.World) {
	failures, done := 1+w.Pick("failures", 4), 0
	var p *plant
	work := func(_ context.Context, n int) (int, error) {
		if p.failed["r"] < failures {
			return 0, fmt.Errorf("attempt: %w", errBusy)
		}
		done++
		return n + 1, nil
	}
	flow := durable.Define("retries", func(ctx durable.Context, n int) (int, error) {
		return durable.StepWith(ctx, durable.StepOptions{
			Retry: durable.Retry{Attempts: 4, Interval: time.Hour, Factor: 2},
		}, "work", work, n)
	})
	ticks := ticker()
	p = boot(w, durable.Config{}, flow, ticks)
	begin := w.Now()
	start(w.Context(), p, flow, "r", 1)
	start(w.Context(), p, ticks, "o", 16)
	got, err := result(w.Context(), p, flow, "r")
	if failures < 4 {
		p.same("a step is tried as often as it may", "r", "2 <nil>", fmt.Sprint(got, " ", err))
	} else {
		p.holds("the last error is the step's", "r", errors.Is(err, errBusy), err)
		p.holds("no attempt beyond the budget", "r", done == 0, done)
	}
	least := time.Duration(1<<min(failures, 3)-1) * time.Hour
	took := w.Now().Sub(begin)
	p.holds("waits between attempts last as they should", "r", took >= least, "took ", took, ", wanted ", least)
	_, err = result(w.Context(), p, ticks, "o")
	p.same("sleepers sleep", "o", nil, err)
	p.settle()
}

// ticker is a workflow that keeps the process busy now and then.
func ticker() *durable.Workflow[int, int] {
	return durable.Define("ticks", func(ctx durable.Context, n int) (int, error) {
		for i := range n {
			if err := ctx.Sleep(25 * time.Minute); err != nil {
				return i, err
			}
		}
		return n, nil
	})
}

// sleepers: deadlines are absolute, also when the process dies while they are waited for, and those of one
// instant do not disturb each other.
func sleepers(w *sim.World) { sleep(w, 5*time.Hour+30*time.Minute) }

// clocks: the same while the process's clock jumps; then only the least is certain.
func clocks(w *sim.World) { sleep(w, 1000*time.Hour) }

func sleep(w *sim.World, most time.Duration) {
	flow := durable.Define("sleepers", func(ctx durable.Context, until bool) (time.Duration, error) {
		begun := ctx.Now()
		var err error
		if until {
			err = ctx.SleepUntil(begun.Add(4 * time.Hour))
		} else {
			err = ctx.Sleep(4 * time.Hour)
		}
		if err != nil {
			return 0, err
		}
		took := ctx.Now().Sub(begun)
		_, err = durable.Step(ctx, "wake", echo, "")
		return took, err
	})
	ticks := ticker()
	p := boot(w, durable.Config{}, flow, ticks)
	ids := []string{"s", "s1", "t"}
	for i, id := range ids {
		start(w.Context(), p, flow, id, i == 1)
	}
	start(w.Context(), p, ticks, "o", 9)
	for _, id := range ids {
		took, err := result(w.Context(), p, flow, id)
		p.holds("sleep lasts as it should", id, err == nil && took >= 4*time.Hour &&
			(p.wasDown || took < most), took, " ", err)
	}
	_, err := result(w.Context(), p, ticks, "o")
	p.same("sleepers sleep", "o", nil, err)
	p.settle()
}

// failures: an error is what it was, live and on replay; so is a result that is nothing.
func failures(w *sim.World) {
	fail := func(_ context.Context, how string) (*int, error) {
		switch how {
		case "busy":
			return nil, errors.Join(errors.New("first"), fmt.Errorf("wrapped: %w", errBusy))
		case "panic":
			panic("no idea")
		}
		return nil, nil
	}
	ran := map[string]int{}
	flow := durable.Define("errors", func(ctx durable.Context, list []string) (string, error) {
		told := ""
		for _, how := range list {
			v, err := durable.Step(ctx, how, fail, how)
			var p *durable.PanicError
			told += fmt.Sprintf("%s:%t,%t,%t ", how, v == nil, errors.Is(err, errBusy), errors.As(err, &p))
			if _, err := durable.Step(ctx, "note", func(_ context.Context, s string) (int, error) {
				ran[s]++
				return 0, nil
			}, told); err != nil {
				return "", err
			}
		}
		return told, nil
	})
	p := boot(w, durable.Config{}, flow)
	list := []string{"busy", "nothing", "panic"}
	start(w.Context(), p, flow, "e", list)
	told, err := result(w.Context(), p, flow, "e")
	p.same("errors and results are what they were", "e",
		"busy:true,true,false nothing:true,false,false panic:true,false,true  <nil>", told+" "+fmt.Sprint(err))
	p.same("each step has run", "e", 3, len(ran))
	p.settle()
}
