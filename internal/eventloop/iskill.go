package eventloop

// IsKill reports whether a recovered panic value is that of a killed task, which code that turns panics
// into errors must panic with again.
func IsKill(recovered any) bool {
	_, ok := recovered.(unwinding)
	return ok
}
