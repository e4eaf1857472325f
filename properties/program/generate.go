package program

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// Config says which programs are generated. Its zero value works.
type Config struct {
	// Length is how many operations a body has at most; 5 when it is 0.
	Length int
	// Depth is how many bodies lie within each other at most, besides the outermost; 3 when it is 0, none when
	// it is negative.
	Depth int
	// Without are verbs that are left out, see Verbs.
	Without []string
}

// Programs generates programs, for rapid. They shrink by leaving out operations.
func Programs(cfg Config) *rapid.Generator[Program] {
	g := newGenerator(cfg)
	bodies := make([]*rapid.Generator[Program], g.depth+1)
	for depth := range bodies {
		op := rapid.Custom(func(t *rapid.T) Op {
			pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
			v := g.drawn(depth)[pick("verb", len(g.drawn(depth)))]
			op := Op{Verb: v.name, N: pick("n", v.n)}
			if v.block {
				op.Body = bodies[depth-1].Draw(t, "body")
			}
			return op
		})
		bodies[depth] = rapid.Map(rapid.SliceOfN(op, 0, g.length), func(ops []Op) Program { return ops })
	}
	return bodies[g.depth]
}

// Pick makes a program of the answers to questions, for instance those that World.Pick of package sim gives.
// Each label is asked once and says which operation it is about: answer 0 is none. So a world that is shrunk
// has a program that is shrunk as well, and the world in which every answer is dull has the empty one.
func Pick(cfg Config, pick func(label string, n int) int) Program {
	g := newGenerator(cfg)
	return g.pick("program", g.depth, pick)
}

// generator is a Config without zeroes.
type generator struct {
	length, depth  int
	leaves, either []*verb // each as often as its weight says
}

func newGenerator(cfg Config) *generator {
	g := &generator{length: cfg.Length, depth: cfg.Depth}
	if g.length == 0 {
		g.length = 5
	}
	if g.depth == 0 {
		g.depth = 3
	}
	g.depth = max(g.depth, 0)
	for i := range verbs {
		v := &verbs[i]
		if slices.Contains(cfg.Without, v.name) {
			continue
		}
		for range max(v.weight, 1) {
			g.either = append(g.either, v)
			if !v.block {
				g.leaves = append(g.leaves, v)
			}
		}
	}
	return g
}

// drawn returns the verbs to draw from.
func (g *generator) drawn(depth int) []*verb {
	if depth == 0 {
		return g.leaves
	}
	return g.either
}

func (g *generator) pick(place string, depth int, pick func(label string, n int) int) Program {
	var body Program
	for i := range g.length {
		label := fmt.Sprint(place, ".", i+1)
		verbs := g.drawn(depth)
		k := pick(label, len(verbs)+1)
		if k == 0 {
			continue
		}
		v := verbs[k-1]
		op := Op{Verb: v.name}
		if v.n > 1 {
			op.N = pick(label+" n", v.n)
		}
		if v.block {
			op.Body = g.pick(label, depth-1, pick)
		}
		body = append(body, op)
	}
	return body
}
