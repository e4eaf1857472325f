//go:build planted

package plantedtest

func init() { shown = true }
