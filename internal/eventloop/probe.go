package eventloop

import (
	"runtime"
	"strconv"
)

func quote(s string) string { return strconv.Quote(s) }

// maxPlace is how much of a waiting task's stack is looked at.
const maxPlace = 64

func (t *Task) answerProbe() {
	pcs := make([]uintptr, maxPlace)
	t.place = pcs[:runtime.Callers(2, pcs)]
}
