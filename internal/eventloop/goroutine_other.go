//go:build !amd64 && !arm64

package eventloop

// goroutine identifies the calling goroutine. Without assembly for this machine it reads the number that
// the runtime prints: correct, and some hundred times slower.
func goroutine() uintptr { return uintptr(goroutineNumber()) }
