package kernels_test

import (
	"fmt"

	"github.com/reprise-dst/reprise/properties/kernels"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// A tool is tried on the kernels of one family.
func ExampleAll() {
	for _, k := range kernels.All() {
		if k.Family != "encoding" {
			continue
		}
		cfg := sim.Config{Name: k.Name, Disk: store.NewMemoryDisk, Runs: 1000}
		found, err := sim.Sweep(cfg, k.Buggy())
		if err != nil {
			panic(err)
		}
		passed, err := sim.Sweep(cfg, k.Fixed())
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %q is broken; fixed, it holds: %v\n",
			k.Name, found.Failure.Property, passed.Failure == nil)
	}
	// Output:
	// empty taken for absent: "a recorded step does not run again" is broken; fixed, it holds: true
	// error that is only its text: "a declined card raises no alarm" is broken; fixed, it holds: true
	// fingerprint in order of arrival: "a run is recognised" is broken; fixed, it holds: true
	// prefix without a terminator: "a timer stays until it fires" is broken; fixed, it holds: true
}
