package tidy

import (
	"fmt"
	"slices"
	"strings"
)

// A lineMarkSet holds the marks of one kind in a file: by line, the reason and whether a finding
// needed it.
type lineMarkSet map[int]*lineMark

type lineMark struct {
	reason string
	alone  bool // nothing else stands on the line: the mark is for the line below
	needed bool
}

// lineMarks finds the comments of a Go file that begin with the mark.
func lineMarks(t *Tree, f *File, mark string) lineMarkSet {
	set := lineMarkSet{}
	for _, group := range f.AST.Comments {
		for _, c := range group.List {
			reason, ok := strings.CutPrefix(c.Text, mark)
			if !ok {
				continue
			}
			line := t.line(c.Pos())
			set[line] = &lineMark{
				reason: strings.TrimSpace(reason),
				alone:  strings.HasPrefix(strings.TrimSpace(f.Lines[line-1]), mark),
			}
		}
	}
	return set
}

// take uses the mark that stands on the line, or alone on the line above it, and reports whether there
// is one.
func (s lineMarkSet) take(line int) bool {
	if m, ok := s[line]; ok {
		m.needed = true
		return true
	}
	if m, ok := s[line-1]; ok && m.alone {
		m.needed = true
		return true
	}
	return false
}

// complaints says which marks lack a reason and which answer nothing.
func (s lineMarkSet) complaints(f *File, mark, target string) []Finding {
	var found []Finding
	for line, m := range s {
		switch {
		case m.reason == "":
			found = append(found, Finding{
				Path: f.Path, Line: line, What: mark + " without a reason",
				Use: fmt.Sprintf("%s <reason>, in a few words", mark),
			})
		case !m.needed:
			found = append(found, Finding{
				Path: f.Path, Line: line, What: mark + " where nothing needs it",
				Use: "no mark: it answers only " + target,
			})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return a.Line - b.Line })
	return found
}
