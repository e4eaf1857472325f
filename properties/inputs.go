package properties

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/reprise-dst/reprise/durable"
	"pgregory.net/rapid"
)

// examples is how many inputs are generated; they are sorted by size, so that a shrunk input is a small one.
const examples = 128

// generate makes the inputs, the smallest first.
func generate[In any](gen *rapid.Generator[In], codec durable.Codec) []In {
	type sized struct {
		in   In
		data []byte
	}
	all := make([]sized, examples)
	for i := range all {
		in := gen.Example(i)
		data, err := codec.Encode(in)
		if err != nil {
			panic(fmt.Sprintf("properties: an input that Config.Inputs generated does not encode: %v", err))
		}
		all[i] = sized{in, data}
	}
	slices.SortFunc(all, func(a, b sized) int {
		return cmp.Or(cmp.Compare(len(a.data), len(b.data)), bytes.Compare(a.data, b.data))
	})
	inputs := make([]In, examples)
	for i := range all {
		inputs[i] = all[i].in
	}
	return inputs
}

// distinct leaves out inputs that encode as the one before them does.
func distinct[In any](inputs []In, codec durable.Codec) []In {
	return slices.CompactFunc(inputs, func(a, b In) bool {
		x, _ := codec.Encode(a)
		y, _ := codec.Encode(b)
		return bytes.Equal(x, y)
	})
}
