package fault_test

import (
	"fmt"

	"github.com/reprise-dst/reprise/fault"
)

func ExampleParse() {
	plan, err := fault.Parse(`
		crash 2% max 3      # at most three times in a run
		slow 5% on worker*
		bit-rot 0.1% on db`)
	fmt.Println(plan, err)

	_, err = fault.Parse("crash 2%; slow 120%")
	fmt.Println(err)
	// Output:
	// crash 2% max 3; slow 5% on worker*; bit-rot 0.1% on db <nil>
	// bad fault plan: "slow 120%": the rate "120%" must be a percentage from 0% to 100%, like 2% or 0.5%
}
