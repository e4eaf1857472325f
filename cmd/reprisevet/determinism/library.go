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
	for _, arg := range c.args {
		if arg.v != nil && isPointerLike(arg.v.Type()) {
			s.access(markReads, arg, &effect{kind: markReads, pos: s.p.positionOf(at), hops: at.hops})
		}
	}
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
