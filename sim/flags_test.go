package sim_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
)

// TestFlagsOutOfRange shows the message of every value that a flag or its variable can't have.
func TestFlagsOutOfRange(t *testing.T) {
	var said []string
	for _, c := range [][2]string{
		{"seed", "-1"},
		{"seed", "x"},
		{"runs", "0"},
		{"runs", "1e3"},
		{"runs", "1000000000001"},
		{"for", "0s"},
		{"for", "ten"},
		{"schedule", ""},
		{"trace", "loud"},
		{"explore", "luck"},
		{"explore", "pct"},
		{"starts", "luck"},
		{"shard", "3/2"},
		{"shard", "0/2"},
		{"shard", "2"},
		{"shrink", "-1"},
		{"shrink", "soon"},
		{"selfcheck", "1.5"},
		{"selfcheck", "most"},
		{"faults", "crash 200%"},
		{"faults", "flood 1%"},
	} {
		name, value := c[0], c[1]
		flags := flag.NewFlagSet("shop.test", flag.ContinueOnError)
		var usage strings.Builder
		flags.SetOutput(&usage)
		registered := flag.Lookup("sim." + name)
		flags.Var(registered.Value, registered.Name, registered.Usage)
		err := flags.Parse([]string{"-sim." + name + "=" + value})
		require.Error(t, err)
		said = append(said, err.Error())
		if value == "" {
			continue
		}
		t.Run("variable", func(t *testing.T) {
			t.Setenv("REPRISE_"+strings.ToUpper(name), value)
			out, failed := spied(t, "TestShop", memory, func(*sim.World) {})
			require.True(t, failed)
			said = append(said, out)
		})
	}
	golden.Assert(t, "flags.txt", strings.Join(said, "\n")+"\n")
}

// TestVariables checks that each variable does what it says.
func TestVariables(t *testing.T) {
	for _, c := range []struct{ variable, value, says string }{
		{"REPRISE_SEED", "5", "1 run "},
		{"REPRISE_RUNS", "17", "17 runs "},
		{"REPRISE_EXPLORE", "fifo", "1 run "},
		{"REPRISE_FAULTS", "none", " 0 crashes"},
		{"REPRISE_SHARD", "2/4", " 500 runs"},
		{"REPRISE_EXPLORE", "pct:2", "a seed meets a bug of depth 2 with probability at least"},
		{"REPRISE_EXPLORE", "deviations:1", "% of the 385 within 1"},
		{"REPRISE_EXPLORE", "portfolio", "pct:"},
		{"REPRISE_FOR", "1ms", "2,000 runs"}, // it is what is wanted at least
	} {
		t.Run(c.variable, func(t *testing.T) {
			ownModule(t)
			t.Setenv(c.variable, c.value)
			if c.variable == "REPRISE_EXPLORE" {
				t.Setenv("REPRISE_RUNS", "100")
			}
			out, failed := spied(t, "TestShop", memory, busy)
			require.False(t, failed, out)
			require.Contains(t, out, c.says)
		})
	}
}

// TestMisspeltVariable: a sweep that is silently the short one would pass for the long one.
func TestMisspeltVariable(t *testing.T) {
	ownModule(t)
	t.Setenv("REPRISE_SEEDS", "100000")
	out, failed := spied(t, "TestShop", memory, func(*sim.World) {})
	require.True(t, failed)
	require.Contains(t, out, "sim: there is no variable REPRISE_SEEDS, want REPRISE_SEED, REPRISE_RUNS, ")
}

// TestWordsOfCoverage: a sweep that was exhaustive says so.
func TestWordsOfCoverage(t *testing.T) {
	body := func(w *sim.World) {
		for range 6 {
			w.Pick("fruit", 3)
		}
	}
	r, err := sim.Sweep(sim.Config{Explore: "deviations:2", NoFaults: true, Runs: 30}, body)
	require.NoError(t, err)
	require.Equal(t, "deviations:2: all 13 schedules within 1 deviation; 41% of the 73 within 2", r.Coverage)
	r, err = sim.Sweep(sim.Config{Explore: "deviations:2", NoFaults: true, Runs: 100}, body)
	require.NoError(t, err)
	require.Equal(t, "deviations:2: all 73 schedules within 2 deviations", r.Coverage)
	require.Equal(t, 73, r.Runs)
}

// TestMissingSchedule: a path is often given from the module's root, where the command is typed.
func TestMissingSchedule(t *testing.T) {
	ownModule(t)
	t.Setenv("REPRISE_SCHEDULE", "shop/testdata/sim/TestShop/1.schedule")
	out, failed := spied(t, "TestShop", memory, func(*sim.World) {})
	require.True(t, failed)
	require.Equal(t, "sim: the schedule can't be read: open shop/testdata/sim/TestShop/1.schedule: no such "+
		"file or directory; go test runs in the package's folder, so the path begins there", out)
}

// TestEnumerationIgnoresSeeds: what a test proves does not depend on how many seeds others run, and of
// several shards the first proves all of it.
func TestEnumerationIgnoresSeeds(t *testing.T) {
	ownModule(t)
	cfg := memory
	cfg.Explore, cfg.Faults = "exhaust:1", fault.MustParse("crash 2%")
	body := func(w *sim.World) {
		w.Node("worker", func(n *sim.Node) {
			n.Go("order", func(context.Context) {})
			n.Go("bill", func(context.Context) {})
		})
		_ = w.Sleep(w.Context(), time.Hour)
	}
	proved, failed := spied(t, "TestShop", cfg, body)
	require.False(t, failed, proved)
	require.Contains(t, proved, "covered: crash/spawn 2; never: crash/commit, crash/start, crash/end, "+
		"crash/timer, crash/answer\n", "nothing is torn, nor could be")
	require.Contains(t, proved, "exhaust:1: the one schedule without a crash and all 2 single crashes")
	for _, name := range []string{"SEED", "RUNS", "FOR", "EXPLORE", "FAULTS", "STARTS", "SHARD"} {
		value := map[string]string{
			"SEED": "1", "RUNS": "1", "FOR": "1ms", "EXPLORE": "fifo", "FAULTS": "none", "STARTS": "random",
			"SHARD": "1/2",
		}[name]
		t.Run(name, func(t *testing.T) {
			t.Setenv("REPRISE_"+name, value)
			out, _ := spied(t, "TestShop", cfg, body)
			require.Equal(t, proved, out)
		})
	}
	t.Setenv("REPRISE_SHARD", "2/2")
	out, _ := spied(t, "TestShop", cfg, body)
	require.Equal(t, "reprise: not run: shard 1 tries all of exhaust:1, which can't be divided", out)
}

// TestVariablesOfFailures is the same for those that show in the report of a failure.
func TestVariablesOfFailures(t *testing.T) {
	runs := 0
	impure := func(w *sim.World) {
		runs++
		_ = w.Sleep(w.Context(), time.Duration(runs))
		w.Logf("slept")
	}
	startsFirst := func(w *sim.World) {
		first := ""
		for _, name := range []string{"a", "b"} {
			w.Go(name, func(context.Context) { first += name })
		}
		_ = w.Sleep(w.Context(), time.Second)
		w.Always("a begins first", first == "ab")
	}
	for _, c := range []struct {
		variable, value string
		body            func(*sim.World)
		without, with   string // what the report says with and without it
	}{
		{"REPRISE_SHRINK", "off", shop, "to shrink", "deviation"},
		{"REPRISE_SHRINK", "1", shop, "to shrink", "stopped by the budget"},
		{"REPRISE_SELFCHECK", "1", impure, "2,000 runs", "the first event at which two runs part is #1"},
		{"REPRISE_STARTS", "random", startsFirst, "2,000 runs", `"b" runs before "a"`},
	} {
		t.Run(c.variable, func(t *testing.T) {
			ownModule(t)
			cfg := memory
			cfg.SelfCheck, cfg.Workers = -1, 1
			out, _ := spied(t, "TestShop", cfg, c.body)
			require.Contains(t, out, c.without)
			require.NoError(t, os.RemoveAll("testdata"))
			t.Setenv(c.variable, c.value)
			out, failed := spied(t, "TestShop", cfg, c.body)
			require.True(t, failed, out)
			require.Contains(t, out, c.with)
			if c.variable == "REPRISE_STARTS" {
				require.Contains(t, out, "-sim.starts=random")
				t.Setenv(c.variable, "")
				again, failed := spied(t, "TestShop", cfg, c.body)
				require.True(t, failed, "a schedule says by itself that it is about starts")
				require.Contains(t, again, c.with)
			}
		})
	}
}

// TestSeedAlone runs just the seed that it is given, and the same seed finds the same failure.
func TestSeedAlone(t *testing.T) {
	ownModule(t)
	out, failed := spied(t, "TestShop", memory, shop)
	require.True(t, failed)
	args := seedLine.FindStringSubmatch(out)
	require.NotNil(t, args, out)
	t.Setenv("REPRISE_SEED", strings.TrimPrefix(args[1], "-sim.seed="))
	require.NoError(t, os.RemoveAll("testdata"))
	again, failed := spied(t, "TestShop", memory, shop)
	require.True(t, failed)
	require.Equal(t, out, again)

	t.Setenv("REPRISE_SHARD", "3/3")
	require.NoError(t, os.RemoveAll("testdata"))
	again, failed = spied(t, "TestShop", memory, shop)
	require.True(t, failed, "one seed is not divided")
	require.Equal(t, out, again)
}

// TestSeedNamesItsStrategy prints the strategy of a failing run wherever the test would take another one.
func TestSeedNamesItsStrategy(t *testing.T) {
	for _, c := range []struct{ own, flag, says string }{
		{"", "", "(or -sim.seed=N, before"},
		{"", "uniform", "(or -sim.seed=N -sim.explore=uniform, before"},
		{"uniform", "", "(or -sim.seed=N, before"},
		{"uniform", "random", "(or -sim.seed=N -sim.explore=random, before"},
		{"fifo+uniform", "", "(or -sim.seed=N -sim.explore=uniform, before"},
	} {
		t.Run(c.own+"/"+c.flag, func(t *testing.T) {
			ownModule(t)
			t.Setenv("REPRISE_EXPLORE", c.flag)
			cfg := memory
			cfg.Explore = c.own
			out, failed := spied(t, "TestShop", cfg, shop)
			require.True(t, failed)
			require.Contains(t, regexp.MustCompile(`seed=\d+`).ReplaceAllString(out, "seed=N"), c.says)
		})
	}
}

// TestShardsAreParts runs each of a sweep's worlds in exactly one shard.
func TestShardsAreParts(t *testing.T) {
	seeds := func(shard, shards int) (all []uint64) {
		cfg := memory
		cfg.Name, cfg.Runs, cfg.Shard, cfg.Shards, cfg.Workers, cfg.SelfCheck = "shards", 10, shard, shards, 1, -1
		_, err := sim.Sweep(cfg, func(w *sim.World) { all = append(all, w.Seed()) })
		require.NoError(t, err)
		return all
	}
	var parts []uint64
	for i := range 3 {
		parts = append(parts, seeds(i, 3)...)
	}
	require.Len(t, seeds(0, 1), 10)
	require.ElementsMatch(t, seeds(0, 1), parts)
}

// TestSavedSchedules runs first what earlier failures have left.
func TestSavedSchedules(t *testing.T) {
	ownModule(t)
	out, failed := spied(t, "TestShop", memory, shop)
	require.True(t, failed)

	t.Run("a failing one", func(t *testing.T) {
		again, failed := spied(t, "TestShop", memory, shop)
		require.True(t, failed)
		require.Equal(t, essence(out), essence(again))
	})
	t.Run("one that no longer fails", func(t *testing.T) {
		out, failed := spied(t, "TestShop", memory, busy)
		require.False(t, failed, out)
		require.Contains(t, out, `no longer fails "a customer is charged once"`)
		require.Contains(t, out, "Drift: 1 of the schedule's 1 deviation met no such choice")
		require.Contains(t, out, "2,000 runs")
	})
	paths := files(t, filepath.Join("testdata", "sim", "TestShop"), "*")
	require.Len(t, paths, 2, "a schedule and its trace")
	schedule, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	for _, c := range []struct{ name, old, new, says string }{
		{"one of another test", "test: TestShop", "test: TestX", "this schedule is of test TestX, not of TestShop"},
		{"one of another version", "schedule 1", "schedule 9", "this is format 9"},
		{"one with a bad line", " = 1", " = one", "line 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, string(schedule), c.old)
			changed := strings.Replace(string(schedule), c.old, c.new, 1)
			require.NoError(t, os.WriteFile(paths[0], []byte(changed), 0o644))
			out, failed := spied(t, "TestShop", memory, busy)
			require.True(t, failed)
			require.Contains(t, out, c.says)
			require.Contains(t, out, filepath.ToSlash(paths[0]))
			require.NotContains(t, out, "2,000 runs", "the sweep waits until the schedules can be read")
		})
	}
	t.Run("a flag that names no file", func(t *testing.T) {
		t.Setenv("REPRISE_SCHEDULE", "gone.schedule")
		out, failed := spied(t, "TestShop", memory, shop)
		require.True(t, failed)
		require.Contains(t, out, "gone.schedule")
	})
}

// TestTraceForms shows traces of failing and of passing runs, as text and as JSON lines.
func TestTraceForms(t *testing.T) {
	ownModule(t)
	t.Setenv("REPRISE_TRACE", "json")
	_, failed := spied(t, "TestShop", memory, shop)
	require.True(t, failed)
	paths, err := filepath.Glob("testdata/sim/TestShop/*.trace.jsonl")
	require.NoError(t, err)
	require.Len(t, paths, 1)
	data, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	require.Equal(t, `{"event":1,"at_ns":0,"node":"worker","text":"boots (1st incarnation)"}`, lines[0])
	require.Contains(t, lines[len(lines)-1], "FAIL")

	t.Setenv("REPRISE_TRACE", "text")
	out, failed := spied(t, "TestShop", memory, shop)
	require.True(t, failed)
	require.Contains(t, out, "Trace:\n      #1     +0s          worker   boots (1st incarnation)\n")

	require.NoError(t, os.RemoveAll("testdata"))
	t.Setenv("REPRISE_SEED", "7")
	out, failed = spied(t, "TestShop", memory, busy)
	require.False(t, failed, out)
	require.Contains(t, out, "the trace of seed 7\n#1     +0s          node-1   boots (1st incarnation)\n")
	t.Setenv("REPRISE_TRACE", "json")
	out, failed = spied(t, "TestShop", memory, busy)
	require.False(t, failed, out)
	require.Contains(t, out, "the trace of seed 7\n"+`{"event":1,`)
}
