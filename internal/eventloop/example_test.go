package eventloop_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

func Example() {
	l := eventloop.New()
	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	l.SetClock(c)
	price := eventloop.Start(l, "price", func() (int, error) { return 42, l.Sleep(time.Second) })
	l.Go("buyer", func() {
		v, err := price.Await()
		fmt.Println(v, err, c.Now().Format(time.TimeOnly))
	})
	fmt.Println(l.Drive(c.Advance, 0))
	// Output:
	// 42 <nil> 00:00:01
	// <nil>
}

func ExampleTask_Cancel() {
	l := eventloop.New()
	task := l.Go("task", func() {
		fmt.Println("wait:", l.Park("an answer"))
		fmt.Println("cleanup:", l.Yield())
	})
	l.Run()
	task.Cancel(errors.New("no longer needed"))
	l.Run()
	fmt.Println("outcome:", task.Err())
	// Output:
	// wait: no longer needed
	// cleanup: <nil>
	// outcome: no longer needed
}

func ExampleTask_Kill() {
	l := eventloop.New()
	task := l.Go("task", func() {
		defer fmt.Println("deferred functions run")
		_ = l.Park("an answer")
		fmt.Println("never")
	})
	l.Run()
	task.Kill()
	fmt.Println(task.Err())
	// Output:
	// deferred functions run
	// eventloop: task was killed
}

func ExampleGather() {
	l := eventloop.New()
	l.Go("main", func() {
		a := eventloop.Start(l, "a", func() (int, error) { return 1, nil })
		b := eventloop.Start(l, "b", func() (int, error) { return 2, nil })
		fmt.Println(eventloop.Gather(a, b))
	})
	l.Run()
	// Output: [1 2] <nil>
}

func ExampleSettle() {
	l := eventloop.New()
	l.Go("main", func() {
		a := eventloop.Start(l, "a", func() (int, error) { return 1, nil })
		b := eventloop.Start(l, "b", func() (int, error) { return 0, errors.New("no") })
		fmt.Println(eventloop.Settle(a, b))
	})
	l.Run()
	// Output: [{1 <nil>} {0 no}] <nil>
}

func ExampleWait() {
	l := eventloop.New()
	l.Go("main", func() {
		quick := l.Go("quick", func() {})
		slow := l.Go("slow", func() { _ = l.Park("an answer") })
		done, pending, err := eventloop.Wait(eventloop.FirstCompleted, slow, quick)
		fmt.Println(done, pending, err)
	})
	l.Run()
	l.Close()
	// Output: [task "quick"] [task "slow"] <nil>
}

func ExampleCompleted() {
	l, c := virtualLoop()
	l.Go("main", func() {
		slow := l.Go("slow", func() { _ = l.Sleep(2 * time.Second) })
		quick := l.Go("quick", func() { _ = l.Sleep(time.Second) })
		for task, err := range eventloop.Completed(slow, quick) {
			fmt.Println(task.Name(), err)
		}
	})
	_ = l.Drive(c.Advance, 0)
	// Output:
	// quick <nil>
	// slow <nil>
}

func ExampleShield() {
	l := eventloop.New()
	inner := eventloop.Start(l, "inner", func() (string, error) { return "done", l.Park("an answer") })
	outer := l.Go("outer", func() {
		_, err := eventloop.Shield(inner).Await()
		fmt.Println("outer:", err)
	})
	l.Run()
	outer.Cancel(nil)
	l.Run()
	inner.Task().Wake()
	l.Run()
	fmt.Println(inner.Result())
	// Output:
	// outer: context canceled
	// done <nil>
}

func ExampleChan() {
	l := eventloop.New()
	ch := eventloop.NewChan[int](l, "numbers", 0)
	l.Go("producer", func() {
		for i := range 3 {
			_ = ch.Send(i)
		}
		ch.Close()
	})
	l.Go("consumer", func() {
		for v, err := range ch.All() {
			fmt.Println(v, err)
		}
	})
	l.Run()
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 2 <nil>
}

func ExampleLoop_Timeout() {
	l, c := virtualLoop()
	l.Go("task", func() {
		err := l.Timeout(time.Second, func() error { return l.Sleep(time.Hour) })
		fmt.Println(errors.Is(err, eventloop.ErrTimeout), err)
	})
	_ = l.Drive(c.Advance, 0)
	// Output: true eventloop: timed out after 1s
}

func ExampleLoop_WithTimeout() {
	l, c := virtualLoop()
	l.Go("task", func() {
		ctx, stop := l.WithTimeout(context.Background(), time.Second)
		defer stop()
		fmt.Println(l.ParkContext(ctx, "an answer"), c.Now().Format(time.TimeOnly))
	})
	_ = l.Drive(c.Advance, 0)
	// Output: context deadline exceeded 00:00:01
}
