package choice_test

import (
	"fmt"

	"github.com/reprise-dst/reprise/internal/choice"
)

// serve answers five requests in an order that the list decides, and may lose one.
func serve(list *choice.List) (order []string) {
	pending := []string{"a", "b", "c", "d", "e"}
	next, loss := list.Point("server/completes"), list.Point("server/loss")
	for len(pending) > 0 {
		i := next.Pick(len(pending))
		if i != 0 {
			next.Note(fmt.Sprintf("%s overtakes %s", pending[i], pending[0]))
		}
		if loss.Chance(0.1, 2) == 0 {
			order = append(order, pending[i])
		}
		pending = append(pending[:i], pending[i+1:]...)
	}
	return order
}

// A seed decides a run; its deviations alone bring it back.
func Example() {
	fmt.Println("FIFO     ", serve(choice.NewList(choice.FIFO())))

	list := choice.NewList(choice.Seeded(3))
	fmt.Println("seed 3   ", serve(list))

	again := choice.NewList(choice.Reproduce(list.Deviations()))
	fmt.Println("reproduce", serve(again))

	fmt.Print(choice.Schedule{Test: "TestServe", Seed: 3, Deviations: list.Deviations()})
	// Output:
	// FIFO      [a b c d e]
	// seed 3    [e b d a]
	// reproduce [e b d a]
	// reprise schedule 1
	// test: TestServe
	// seed: 3
	//
	// server/completes#1 = 4  # e overtakes a
	// server/completes#2 = 1  # b overtakes a
	// server/completes#3 = 2  # d overtakes a
	// server/completes#4 = 1  # c overtakes a
	// server/loss#4 = 1
}

func ExampleReproducer_Drift() {
	source := choice.Reproduce([]choice.Deviation{
		{Label: "server/completes", Occurrence: 1, Answer: 2},
		{Label: "server/backup", Occurrence: 1, Answer: 1},
	})
	fmt.Println(serve(choice.NewList(source)))
	fmt.Println(source.Drift(), "of 2 met no choice:", source.Drifted()[0])
	// Output:
	// [c a b d e]
	// 1 of 2 met no choice: server/backup#1 = 1
}
