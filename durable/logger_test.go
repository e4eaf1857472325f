package durable_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// pages is where loggers write in tests.
type pages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *pages) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

// lines returns what was written, and forgets it.
func (p *pages) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := strings.TrimSuffix(p.text.String(), "\n")
	p.text.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// logger writes to the pages, without the level and the wall clock's time.
func (p *pages) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{ReplaceAttr: func(
		groups []string, a slog.Attr,
	) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestLinesSayWhereTheyComeFrom(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		w := durable.Define("greet", func(ctx durable.Context, name string) (string, error) {
			log := ctx.Logger().With("name", name)
			log.Info("begins")
			log.Debug("not written: the handler's level is info")
			f := durable.Go(ctx, "b", func(ctx durable.Context) (string, error) {
				ctx.Logger().WithGroup("g").Warn("in a branch", "n", 1)
				return durable.Step(ctx, "shout", func(ctx context.Context, s string) (string, error) {
					durable.Logger(ctx).Info("in a step", "s", s)
					return s + "!", nil
				}, name)
			})
			out, err := f.Await(ctx)
			log.Info("ends", "with", out)
			return out, err
		})
		var p pages
		cfg.Workflows, cfg.Logger = []durable.Definition{w}, p.logger()
		e := openWith(t, cfg)
		result(t, start(t, w, e, "r", "ann"))
		require.NoError(t, e.Close(t.Context()))
		require.Equal(t, []string{
			"msg=begins run=r workflow=greet name=ann",
			`msg="in a branch" run=r workflow=greet branch=1 g.n=1`,
			`msg="in a step" run=r workflow=greet step=shout id=1.1 attempt=1 s=ann`,
			"msg=ends run=r workflow=greet name=ann with=ann!",
		}, p.lines())
		j, err := durable.ReadJournal(cfg.Store, "r")
		require.NoError(t, err)
		_, err = durable.Replay(j, w, nil)
		require.NoError(t, err)
		require.Empty(t, p.lines(), "written on replay")
	})
}

func TestALineHasTheTimeOfItsRun(t *testing.T) {
	_, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 1, Disk: store.NewMemoryDisk}, func(w *sim.World) {
		sleeper := durable.Define("sleeper", func(ctx durable.Context, d time.Duration) (string, error) {
			err := ctx.Sleep(d)
			ctx.Logger().Info("awake")
			_, _ = durable.Step(ctx, "s", func(ctx context.Context, _ int) (int, error) {
				durable.Logger(ctx).Info("step")
				return 0, nil
			}, 0)
			return "", err
		})
		var p pages
		p2 := newPlantWith(w, durable.Config{Logger: slog.New(slog.NewTextHandler(&p, nil))}, sleeper)
		startOn(w.Context(), p2, sleeper, "s", time.Hour)
		_, err := resultOn(w.Context(), p2, sleeper, "s")
		require.NoError(w, err)
		for _, line := range p.lines() {
			require.Contains(w, line, "time=2026-01-01T01:00:0")
		}
	})
	require.NoError(t, err)
}

// chatty says what it takes from its mailbox.
var chatty = durable.Define("chatty", func(ctx durable.Context, n int) ([]string, error) {
	log := ctx.Logger()
	log.Info("begins")
	s, err := letters.Receive(ctx)
	got := []string{s}
	for err == nil {
		log.Info("got " + s)
		if _, err := durable.Step(ctx, "upper", upper, s); err != nil {
			return nil, err
		}
		log.Info("worked on " + s)
		if s, err = letters.ReceiveTimeout(ctx, 0); err == nil {
			got = append(got, s)
		}
	}
	log.Info("ends")
	return got, nil
})

// TestLinesAreWrittenOnceThroughCrashes: a line is written at most once, whatever crashes, is evicted or is
// refused because a message has come; and exactly once when nothing crashes.
func TestLinesAreWrittenOnceThroughCrashes(t *testing.T) {
	sweepPlant(t, 1500, func(w *sim.World) {
		var p pages
		pl := newPlantWith(w, durable.Config{Logger: p.logger()}, chatty)
		startOn(w.Context(), pl, chatty, "c", 0)
		for i := range 3 {
			_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 4))*time.Millisecond)
			_ = pl.insist(w.Context(), "post", func(ctx context.Context) error {
				return letters.PostOnce(ctx, pl.engine, "c", fmt.Sprint(i), fmt.Sprint("m", i))
			})
		}
		got, err := resultOn(w.Context(), pl, chatty, "c")
		require.NoError(w, err)
		all := []string{"begins"}
		for _, m := range got {
			all = append(all, "got "+m, "worked on "+m)
		}
		all = append(all, "ends")
		written := p.lines()
		crashed := pl.boots > 1
		at := 0
		for _, line := range all {
			want := fmt.Sprintf("msg=%s run=c workflow=chatty", line)
			if strings.Contains(line, " ") {
				want = fmt.Sprintf("msg=%q run=c workflow=chatty", line)
			}
			if at < len(written) && written[at] == want {
				at++
			} else if !crashed {
				w.Fail("each line is written", line, strings.Join(written, "\n"))
			}
		}
		require.Len(w, written, at, "written twice, in another order, or of a round that did not happen")
		w.Sometimes("all lines are written", at == len(all))
		w.Sometimes("a crash loses a line", at < len(all))
		pl.settled(named(chatty))
	})
}

func TestTheLinesOfAParkedAnswerAreWritten(t *testing.T) {
	broken := true
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		out, err := durable.Step(ctx, "upper", upper, "x")
		ctx.Logger().Info("about to divide")
		if broken {
			panic("by zero")
		}
		return out, err
	})
	var p pages
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w}, Logger: p.logger(),
	})
	run := start(t, w, e, "r", "")
	_, err := run.Result(t.Context())
	require.ErrorIs(t, err, durable.ErrParked)
	require.Equal(t, []string{`msg="about to divide" run=r workflow=w`}, p.lines())
	broken = false
	require.NoError(t, e.Resume("r"))
	result(t, run)
	require.Equal(t, []string{`msg="about to divide" run=r workflow=w`}, p.lines())
}

func TestMisuseOfLoggersSaysWhatToWrite(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		log := ctx.Logger()
		return durable.Step(ctx, "s", func(context.Context, string) (string, error) {
			log.Info("from a step")
			return "", nil
		}, "")
	})
	e := open(t, store.OpenMemory(), w)
	_, err := start(t, w, e, "r", "").Result(t.Context())
	require.ErrorContains(t, err, "durable: a workflow's Logger was used outside of the workflow, perhaps in a "+
		"step or after the run had ended; a step uses durable.Logger with its own context.Context")
	require.Same(t, slog.Default(), durable.Logger(t.Context()))
}
