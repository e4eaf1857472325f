package properties_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type order = *durable.Workflow[int, int]

// in runs code in turn, each with the result of the one before.
func in(code ...func(ctx durable.Context, n int) (int, error)) func() order {
	return func() order {
		return durable.Define("order", func(ctx durable.Context, n int) (int, error) {
			var err error
			for _, do := range code {
				if n, err = do(ctx, n); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
	}
}

func charge(ctx durable.Context, n int) (int, error) { return durable.Step(ctx, "charge", plus, n) }
func ship(ctx durable.Context, n int) (int, error)   { return durable.Step(ctx, "ship", plus, n) }
func thank(ctx durable.Context, n int) (int, error)  { return durable.Step(ctx, "thank", plus, n) }
func rest(ctx durable.Context, n int) (int, error)   { return n, ctx.Sleep(time.Hour) }

// since runs code in runs that have the change, and other code in older ones.
func since(code, other func(durable.Context, int) (int, error)) func(durable.Context, int) (int, error) {
	return func(ctx durable.Context, n int) (int, error) {
		if durable.Version(ctx, "change", 0, 1) >= 1 {
			return code(ctx, n)
		}
		return other(ctx, n)
	}
}

func nothing(_ durable.Context, n int) (int, error) { return n, nil }

func negative(_ durable.Context, n int) (int, error) { return -n, nil }

func upgraded(t *testing.T, old, today func() order, runs int) sim.Result {
	t.Helper()
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: runs, Disk: store.NewMemoryDisk},
		properties.UpgradeBody(properties.Config[int, int]{
			Inputs: rapid.IntRange(0, 9),
			World: func(*sim.World) properties.World[int, int] {
				return properties.World[int, int]{Old: old, Boot: today}
			},
		}))
	require.NoError(t, err)
	return r
}

var position = regexp.MustCompile(`upgrade_test\.go:\d+`)

func TestUpgradeThatDoesNotFitIsFound(t *testing.T) {
	old := in(charge, rest, ship, thank)
	praise := func(ctx durable.Context, n int) (int, error) { return durable.Step(ctx, "praise", plus, n) }
	thankMore := func(ctx durable.Context, n int) (int, error) { return thank(ctx, n+1) }
	restLess := func(ctx durable.Context, n int) (int, error) { return n, ctx.Sleep(time.Minute) }
	restAside := func(ctx durable.Context, n int) (int, error) {
		aside := func(ctx durable.Context) (int, error) { return rest(ctx, n) }
		return durable.Go(ctx, "rest", aside).Await(ctx)
	}
	for name, today := range map[string]func() order{
		"reordered": in(charge, rest, thank, ship),
		"renamed":   in(charge, rest, ship, praise),
		"removed":   in(charge, rest, thank),
		"added":     in(charge, ship, rest, ship, thank),
		"argument":  in(charge, rest, ship, thankMore),
		"duration":  in(charge, restLess, ship, thank),
		"branched":  in(charge, restAside, ship, thank),
	} {
		t.Run(name, func(t *testing.T) {
			r := upgraded(t, old, today, 200)
			require.NotNil(t, r.Failure, "not found: %s", r.Summary())
			require.Equal(t, properties.FitsJournals, r.Failure.Property, r.Report)
			detail := fmt.Sprintln(r.Failure.Subject) + strings.Join(r.Failure.Detail, "\n") + "\n"
			require.Regexp(t, position, detail)
			golden.Assert(t, "upgrade/"+name+".txt", position.ReplaceAllString(detail, "upgrade_test.go:LINE"))
		})
	}
}

func TestUpgradeThatFitsPasses(t *testing.T) {
	old := in(charge, rest, ship, thank)
	for name, today := range map[string]func() order{
		"same":           in(charge, rest, ship, thank),
		"guarded step":   in(since(ship, nothing), charge, rest, ship, thank),
		"guarded order":  in(charge, since(thank, rest), ship, since(rest, thank)),
		"guarded end":    in(charge, rest, ship, since(nothing, thank)),
		"another result": in(charge, rest, ship, thank, negative),
	} {
		t.Run(name, func(t *testing.T) {
			r := upgraded(t, old, today, 300)
			require.Nil(t, r.Failure, r.Report)
		})
	}
}

func TestUpgradeWithoutAnOldWorkflowSaysWhatToSet(t *testing.T) {
	r := upgraded(t, nil, in(charge), 1)
	require.NotNil(t, r.Failure)
	require.Contains(t, r.Report, "properties: World.Old must be set")
}
