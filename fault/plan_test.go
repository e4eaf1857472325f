package fault_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParsePlan(t *testing.T) {
	plan, err := fault.Parse("crash 2% max 3; torn 1%; slow 5% on worker*")
	require.NoError(t, err)
	require.Equal(t, fault.Plan{Rules: []fault.Rule{
		{Kind: fault.Crash, Rate: 0.02, Budget: 3},
		{Kind: fault.Torn, Rate: 0.01},
		{Kind: fault.Slow, Rate: 0.05, Node: "worker*"},
	}}, plan)
	require.Equal(t, "crash 2% max 3; torn 1%; slow 5% on worker*", plan.String())
}

func TestPlanTextIsTidied(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "none",
		"none":                             "none",
		" ;; \n # nothing here; at all\n":  "none",
		"crash 002.50% on a max 7":         "crash 2.5% max 7 on a",
		"crash 0%;torn 100%":               "crash 0%; torn 100%",
		"crash .5%\n\ttorn 0.001%  # rare": "crash 0.5%; torn 0.001%",
		"crash 5.%; crash 1% on a":         "crash 5%; crash 1% on a",
		"none; crash 7%":                   "crash 7%",
	} {
		plan, err := fault.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, plan.String())
	}
}

func TestDefaultPlan(t *testing.T) {
	require.Equal(t, "crash 2% max 3; torn 1%; slow 5%", fault.Default().String())
	require.NoError(t, fault.Default().Validate())
	require.True(t, fault.Default().Has(fault.Torn))
	require.False(t, fault.Default().Has(fault.Partition))
	require.Equal(t, "none", fault.Plan{}.String())
	require.Equal(t, "crash 0%", fault.Rule{Kind: fault.Crash, Rate: math.Copysign(0, -1)}.String())
}

func anyPlan() *rapid.Generator[fault.Plan] {
	node := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-z0-9*?./-]{1,6}`), rapid.Just("worker-[12]"))
	rule := rapid.Custom(func(t *rapid.T) fault.Rule {
		rate := rapid.OneOf(
			rapid.Map(rapid.IntRange(0, 10_000), func(n int) float64 { return float64(n) / 10_000 }),
			rapid.Float64Range(0, 1),
		).Draw(t, "rate")
		return fault.Rule{
			Kind: rapid.SampledFrom(fault.Kinds()).Draw(t, "kind"), Rate: math.Abs(rate),
			Budget: rapid.IntRange(0, math.MaxInt32).Draw(t, "budget"), Node: node.Draw(t, "node"),
		}
	})
	return rapid.Custom(func(t *rapid.T) fault.Plan {
		rules := rapid.SliceOfDistinct(rule, func(r fault.Rule) string { return string(r.Kind) + " " + r.Node })
		p := fault.Plan{Rules: rules.Draw(t, "rules")}
		if len(p.Rules) == 0 {
			p.Rules = nil
		}
		return p
	})
}

func TestPlanRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := anyPlan().Draw(t, "plan")
		require.NoError(t, plan.Validate())
		parsed, err := fault.Parse(plan.String())
		require.NoError(t, err, plan.String())
		require.Equal(t, plan, parsed, plan.String())
	})
}

func FuzzParse(f *testing.F) {
	f.Add("crash 2% max 3; torn 1%; slow 5% on worker*")
	f.Add("io-error 0.01% on db # rare\nnone")
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := fault.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, fault.ErrPlan)
			return
		}
		again, err := fault.Parse(plan.String())
		require.NoError(t, err)
		require.Equal(t, plan, again)
	})
}

func TestPlanAsFlagAndJSON(t *testing.T) {
	var plan fault.Plan
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	flags.SetOutput(new(strings.Builder))
	flags.TextVar(&plan, "faults", fault.Default(), "the fault plan")
	require.Equal(t, fault.Default(), plan)
	require.NoError(t, flags.Parse([]string{"-faults", "drop 3%"}))
	require.Equal(t, fault.MustParse("drop 3%"), plan)
	require.ErrorContains(t, flags.Parse([]string{"-faults", "dorp 3%"}), `there is no fault "dorp"`)
	require.Equal(t, fault.MustParse("drop 3%"), plan, "a bad text leaves the plan as it was")

	text, err := json.Marshal(plan)
	require.NoError(t, err)
	require.JSONEq(t, `"drop 3%"`, string(text))
	_, err = json.Marshal(fault.Plan{Rules: []fault.Rule{{Kind: "dorp"}}})
	require.ErrorIs(t, err, fault.ErrPlan)
}

// TestBadPlans holds the message for each way in which the text of a plan can be wrong.
func TestBadPlans(t *testing.T) {
	var out strings.Builder
	for _, text := range []string{
		"crsh 2%", "Crash 2%", "crash", "crash 2", "crash two", "crash %", "crash 1.2.3%", "crash -1%",
		"crash 101%", "crash 100.0001%", "crash 1e1%", "crash 2% max", "crash 2% max 0",
		"crash 2% max -1", "crash 2% max 1.5", "crash 2% max 3 max 4", "crash 2% max 99999999999",
		"crash 2% on", "crash 2% on a on b", "crash 2% on [a", "crash 2% at most 3", "crash 2% often",
		"slow 5%; crash 2% max 3; crash 1%", "crash 2% none", "none crash 2%",
	} {
		_, err := fault.Parse(text)
		require.ErrorIs(t, err, fault.ErrPlan, text)
		fmt.Fprintf(&out, "%s\n\t=> %s\n\n", text, err)
	}
	golden.Assert(t, "bad_plans.txt", out.String())
}

// TestBadRules holds the message for each way in which a plan built in code can be wrong.
func TestBadRules(t *testing.T) {
	var out strings.Builder
	for _, r := range []fault.Rule{
		{},
		{Kind: "meteor", Rate: 0.1},
		{Kind: fault.Crash, Rate: -0.1},
		{Kind: fault.Crash, Rate: 1.1},
		{Kind: fault.Crash, Rate: math.NaN()},
		{Kind: fault.Crash, Rate: math.Inf(1)},
		{Kind: fault.Crash, Budget: -1},
		{Kind: fault.Crash, Node: "a b"},
		{Kind: fault.Crash, Node: "a;b"},
		{Kind: fault.Crash, Node: "[]a]"},
		{Kind: fault.Crash, Node: "a#b"},
	} {
		err := fault.Plan{Rules: []fault.Rule{r}}.Validate()
		require.ErrorIs(t, err, fault.ErrPlan, "%+v", r)
		fmt.Fprintf(&out, "%+v\n\t=> %s\n\n", r, err)
	}
	golden.Assert(t, "bad_rules.txt", out.String())
}

func TestMustParsePanics(t *testing.T) {
	require.PanicsWithValue(t, `bad fault plan: "crash": the rate is missing: write it like crash 2%`,
		func() { fault.MustParse("crash") })
}
