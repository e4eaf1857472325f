package explore_test

import (
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
)

// All orders of completion that differ from first in, first out in one place are tried.
func Example() {
	strategy, err := explore.Parse("deviations:1", explore.Config{})
	if err != nil {
		panic(err)
	}
	for {
		run, ok := strategy.Next()
		if !ok {
			break
		}
		list := choice.NewList(run.Source)
		var order []string
		for pending := []string{"a", "b", "c"}; len(pending) > 0; {
			i := list.Pick("worker/completes", len(pending))
			order = append(order, pending[i])
			pending = append(pending[:i], pending[i+1:]...)
		}
		fmt.Println(strings.Join(order, " "), list.Deviations())
		strategy.Done(run, explore.Result{Choices: list.Choices()})
	}
	fmt.Println(strategy.Coverage())
	// Output:
	// a b c []
	// b a c [worker/completes#1 = 1]
	// c a b [worker/completes#1 = 2]
	// a c b [worker/completes#2 = 1]
	// deviations:1: all 4 schedules within 1 deviation
}

func ExampleSize_Bound() {
	size := explore.Size{Labels: []explore.LabelSize{{Label: "worker/completes", Chains: 5, Picks: 41}}}
	for depth := 1; depth <= 3; depth++ {
		fmt.Printf("depth %d: %.2g for each seed; 10,000 seeds miss it with %.2g\n", depth, size.Bound(depth),
			size.Miss(depth, 10_000))
	}
	// Output:
	// depth 1: 0.2 for each seed; 10,000 seeds miss it with 0
	// depth 2: 0.0049 for each seed; 10,000 seeds miss it with 5.8e-22
	// depth 3: 0.00012 for each seed; 10,000 seeds miss it with 0.3
}
