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

// generated is generate, or says why it can't be.
func generated[In any](gen *rapid.Generator[In], codec durable.Codec) (inputs []In, why string) {
	defer func() {
		if v := recover(); v != nil {
			why = fmt.Sprint(v)
		}
	}()
	return generate(gen, codec), ""
}

// generate makes the inputs, the smallest first.
func generate[In any](gen *rapid.Generator[In], codec durable.Codec) []In {
	type sized struct {
		in   In
		data []byte
	}
	all := make([]sized, examples)
	for i := range all {
		in := example(gen, i)
		data, err := codec.Encode(in)
		if err != nil {
			panic(fmt.Sprintf("properties: an input does not encode: %v; generate plain data, or set a Codec that "+
				"knows its type", err))
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

// example is the generator's example of this number.
func example[In any](gen *rapid.Generator[In], i int) In {
	defer func() {
		if v := recover(); v != nil {
			panic(fmt.Sprintf("properties: inputs can't be generated: %v", v))
		}
	}()
	return gen.Example(i)
}

// distinct leaves out inputs that encode as the one before them does.
func distinct[In any](inputs []In, codec durable.Codec) []In {
	return slices.CompactFunc(inputs, func(a, b In) bool {
		x, _ := codec.Encode(a)
		y, _ := codec.Encode(b)
		return bytes.Equal(x, y)
	})
}
