package determinism

import (
	"go/types"
	"strings"
)

// unordered are functions of the standard library whose result has the order of a map.
var unordered = words("maps.Keys maps.Values maps.All reflect.Value.MapKeys")

// libraryOrder handles what functions of the standard library do to the order of things.
func (s *summarizer) libraryOrder(c callee, at site) {
	name := shortName(c.obj)
	switch {
	case unordered.has(name):
		s.adoptResult(&effect{
			kind: kindMapOrder, what: fullName(c.obj), pos: s.p.positionOf(at), hops: at.hops, result: true,
		}, at)
	case isSorter(c.obj) && len(c.args) > 0:
		for _, r := range s.p.rootsOf(c.args[0]) {
			if r.param != nil && r.param.Parent() == s.fn {
				s.add(&effect{kind: markSorts, param: paramIndex(r.param), pos: s.p.positionOf(at)})
			}
		}
	}
	for i, arg := range c.args {
		if arg.v == nil || !isPointerLike(arg.v.Type()) {
			continue
		}
		k := markReads
		if writesThrough(c.obj, i) || s.addressOfGlobal(arg) {
			k = markWrites
		}
		s.access(k, arg, &effect{kind: k, pos: s.p.positionOf(at), hops: at.hops})
	}
}

// addressOfGlobal reports whether an argument is the address of a package variable: who takes that, fills it.
func (s *summarizer) addressOfGlobal(arg operand) bool {
	for _, r := range s.p.rootsOf(arg) {
		if r.global != nil && r.loads == 0 {
			return true
		}
	}
	return false
}

// fillers are functions of the standard library that write to what their last arguments point to.
var fillers = words("Unmarshal Decode Sscan Sscanf Sscanln Fscan Fscanf Fscanln Scan As Read ReadFull")

// writesThrough reports whether a function of the standard library writes to what its argument i points to.
func writesThrough(fn *types.Func, i int) bool {
	return i == 0 && (isSorter(fn) || fn.Name() == "Reverse") || i > 0 && fillers.has(fn.Name())
}

// isSorter reports whether a function of the standard library sorts its first argument.
func isSorter(fn *types.Func) bool {
	if fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() {
	case "sort":
		return !strings.HasPrefix(fn.Name(), "Search") && !strings.HasPrefix(fn.Name(), "Is")
	case "slices":
		return strings.HasPrefix(fn.Name(), "Sort") && !strings.HasPrefix(fn.Name(), "Sorted")
	}
	return false
}
