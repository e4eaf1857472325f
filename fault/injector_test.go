package fault_test

import (
	"testing"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/stretchr/testify/require"
)

// always deviates wherever it is asked.
var always = choice.SourceFunc(func(q choice.Query) int { return q.N - 1 })

func TestAskHonoursBudgets(t *testing.T) {
	list := choice.NewList(always)
	inj := fault.MustParse("crash 2% max 2; slow 5%").Injector(list)
	a, b, slow := list.Point("a/crash"), list.Point("b/crash"), list.Point("a/slow")
	require.Equal(t, 3, inj.Ask(fault.Crash, "a", a, 4))
	require.Equal(t, 1, inj.Ask(fault.Crash, "b", b, 2))
	require.Equal(t, 0, inj.Ask(fault.Crash, "a", a, 4), "the budget is that of the whole run")
	require.Equal(t, 0, inj.Ask(fault.Crash, "b", b, 4))
	for range 9 {
		require.Equal(t, 1, inj.Ask(fault.Slow, "a", slow, 2), "without a budget there is no end")
	}
	require.Equal(t, []fault.Count{
		{Kind: fault.Crash, Enabled: 2, Fired: 2}, {Kind: fault.Slow, Enabled: 9, Fired: 9},
	}, inj.Counts())
	require.Equal(t, 11, list.Len(), "what can't happen is no choice")
}

func TestOccurrencesDoNotDependOnThePlan(t *testing.T) {
	for _, plan := range []string{"none", "crash 50% max 1", "crash 50%", "crash 50% on b", "torn 1%"} {
		list := choice.NewList(always)
		inj := fault.MustParse(plan).Injector(list)
		p := list.Point("a/crash")
		for i := range 5 {
			if i == 3 {
				inj.Stop()
			}
			inj.Ask(fault.Crash, "a", p, 3)
		}
		require.Equal(t, 5, p.Occurrences(), plan)
	}
}

func TestNoRuleNoFault(t *testing.T) {
	list := choice.NewList(always)
	inj := fault.MustParse("crash 2% on worker*; slow 100% on [ab]").Injector(list)
	p := list.Point("p")
	require.Equal(t, 0, inj.Ask(fault.Torn, "worker-1", p, 4))
	require.Equal(t, 0, inj.Ask(fault.Crash, "db", p, 4))
	require.Equal(t, 0, inj.Ask(fault.Slow, "ab", p, 4))
	require.Equal(t, 0, list.Len())
	require.Equal(t, 3, inj.Ask(fault.Crash, "worker-1", p, 4))
	require.Equal(t, 3, inj.Ask(fault.Slow, "b", p, 4))
	require.Equal(t, 0, inj.Ask(fault.Slow, "b", p, 1), "a fault without a form can't happen")
	require.Equal(t, []int{1, 1, 0}, []int{
		inj.Enabled(fault.Crash), inj.Fired(fault.Slow), inj.Enabled(fault.Torn),
	})
	require.Zero(t, inj.Fired("meteor"))
}

func TestTheFirstRuleThatHoldsCounts(t *testing.T) {
	list := choice.NewList(always)
	inj := fault.MustParse("crash 2% max 1 on a; crash 2% max 2").Injector(list)
	p := list.Point("p")
	fired := func(node string) (n int) {
		for range 5 {
			n += inj.Ask(fault.Crash, node, p, 2)
		}
		return n
	}
	require.Equal(t, []int{1, 2, 0}, []int{fired("a"), fired("b"), fired("c")})
}

func TestStopEndsAllFaults(t *testing.T) {
	list := choice.NewList(always)
	inj := fault.MustParse("crash 100%; slow 100%").Injector(list)
	site := inj.Site(fault.Slow, "a", "a/slow")
	require.Equal(t, 1, site.Ask(2))
	inj.Stop()
	require.Equal(t, 0, site.Ask(2))
	require.Equal(t, 0, inj.Ask(fault.Crash, "a", list.Point("a/crash"), 2))
	require.Equal(t, 1, inj.Enabled(fault.Slow), "stopped faults are not enabled")
}

func TestRatesGuideRandomSources(t *testing.T) {
	const asked = 20_000
	list := choice.NewList(choice.Seeded(11))
	inj := fault.MustParse("crash 2%; slow 0%; torn 100%").Injector(list)
	for _, kind := range []fault.Kind{fault.Crash, fault.Slow, fault.Torn} {
		site := inj.Site(kind, "a", "a/"+string(kind))
		for range asked {
			site.Ask(2)
		}
	}
	require.InDelta(t, 0.02*asked, inj.Fired(fault.Crash), 100)
	require.Equal(t, []int{0, asked}, []int{inj.Fired(fault.Slow), inj.Fired(fault.Torn)})
	require.Equal(t, asked, inj.Enabled(fault.Slow), "0% is enabled for exploration")

	again := choice.NewList(choice.Reproduce([]choice.Deviation{{Label: "a/slow", Occurrence: 3, Answer: 1}}))
	site := fault.MustParse("slow 0%").Injector(again).Site(fault.Slow, "a", "a/slow")
	require.Equal(t, []int{0, 0, 1}, []int{site.Ask(2), site.Ask(2), site.Ask(2)})
}

func TestSiteIsAsk(t *testing.T) {
	plan := fault.MustParse("crash 30% max 5; slow 40% on b")
	one, two := choice.NewList(choice.Seeded(5)), choice.NewList(choice.Seeded(5))
	ask, site := plan.Injector(one), plan.Injector(two)
	for _, node := range []string{"a", "b"} {
		for _, kind := range []fault.Kind{fault.Crash, fault.Slow} {
			label := node + "/" + string(kind)
			s := site.Site(kind, node, label)
			for range 30 {
				require.Equal(t, ask.Ask(kind, node, one.Point(label), 3), s.Ask(3))
			}
		}
	}
	require.Equal(t, one.Choices(), two.Choices())
	require.Equal(t, ask.Counts(), site.Counts())
	require.NotZero(t, one.Len())
}

func TestSiteNotes(t *testing.T) {
	list := choice.NewList(always)
	site := fault.MustParse("slow 1%").Injector(list).Site(fault.Slow, "a", "a/slow")
	site.Ask(2)
	site.Note("the answer takes 3s")
	require.Equal(t, "the answer takes 3s", list.Deviations()[0].Note)
}

func TestAddCounts(t *testing.T) {
	sum := fault.Add(
		[]fault.Count{{Kind: fault.Torn, Enabled: 1}, {Kind: fault.Crash, Enabled: 2, Fired: 1}},
		[]fault.Count{{Kind: fault.Drop, Enabled: 4, Fired: 4}, {Kind: fault.Crash, Enabled: 3, Fired: 2}},
	)
	require.Equal(t, []fault.Count{
		{Kind: fault.Crash, Enabled: 5, Fired: 3},
		{Kind: fault.Torn, Enabled: 1},
		{Kind: fault.Drop, Enabled: 4, Fired: 4},
	}, sum)
	require.Empty(t, fault.Add(nil, nil))
}

func TestInjectorMisuse(t *testing.T) {
	list := choice.NewList(choice.FIFO())
	require.PanicsWithValue(t,
		`bad fault plan: "crash 200%": the rate must be from 0% to 100% (Rate from 0 to 1)`, func() {
			fault.Plan{Rules: []fault.Rule{{Kind: fault.Crash, Rate: 2}}}.Injector(list)
		})
	inj := fault.Default().Injector(list)
	require.Panics(t, func() { inj.Ask("meteor", "a", list.Point("p"), 2) })
	require.Panics(t, func() { inj.Site("meteor", "a", "p") })
	require.PanicsWithValue(t, `choice: Pick("p", 0): there must be at least one answer; `+
		`check for an empty set before you pick from it`, func() { inj.Ask(fault.Crash, "a", list.Point("p"), 0) })
}

func BenchmarkAsk(b *testing.B) {
	benchmark(b, func(inj *fault.Injector, list *choice.List) func() {
		p := list.Point("worker/slow")
		return func() { inj.Ask(fault.Slow, "worker", p, 2) }
	})
}

func BenchmarkSite(b *testing.B) {
	benchmark(b, func(inj *fault.Injector, _ *choice.List) func() {
		site := inj.Site(fault.Slow, "worker", "worker/slow")
		return func() { site.Ask(2) }
	})
}

func benchmark(b *testing.B, prepare func(*fault.Injector, *choice.List) func()) {
	b.ReportAllocs()
	var ask func()
	left := 0
	for b.Loop() {
		if left == 0 {
			list := choice.NewList(choice.Seeded(1))
			ask, left = prepare(fault.Default().Injector(list), list), 2000
		}
		left--
		ask()
	}
}
