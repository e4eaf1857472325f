package sim_test

import "runtime"

// exit ends the goroutine, as t.FailNow does.
func exit() { runtime.Goexit() }
