//go:build amd64 || arm64

package eventloop

// goroutine identifies the calling goroutine: equal for two calls exactly when one goroutine made both,
// for as long as that goroutine lives. It is the address of the runtime's record and is never followed.
func goroutine() uintptr
