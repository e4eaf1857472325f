package eventloop

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutineNumber is the number under which stack dumps list the calling goroutine.
func goroutineNumber() uint64 {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)]
	n, ok := parseGoroutineNumber(head)
	if !ok {
		panic("invariant: a stack dump starts with the goroutine's number, got " + strconv.Quote(string(head)))
	}
	return n
}

// parseGoroutineNumber reads "goroutine 17 [running]:…".
func parseGoroutineNumber(head []byte) (uint64, bool) {
	rest, ok := bytes.CutPrefix(head, []byte("goroutine "))
	if !ok {
		return 0, false
	}
	digits, _, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	return n, err == nil
}
