package tidy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// furniture are the files that a newcomer looks for, with what must stand in each.
var furniture = []struct{ path, must string }{
	{"LICENSE", ""},
	{"README.md", "make demo"},
	{"README.md", "make test"},
	{"CHANGELOG.md", "## Unreleased"},
	{"Makefile", "## "},
	{".ci/run", "make test"},
	{"docs/ARCHITECTURE.md", "Who may import whom"},
	{"docs/GLOSSARY.md", "| deviation"},
	{"docs/BENCHMARKS.md", "## "},
	{"docs/COMPARISON.md", "## "},
	{"docs/adr/0000-template.md", "## Decision"},
}

// decisionParts are the sections of a decision record.
var decisionParts = []string{"## Context", "## Decision", "## The alternative, and why not"}

func house(t *Tree) []Finding {
	var found []Finding
	for _, want := range furniture {
		f, ok := t.Files[want.path]
		switch {
		case !ok:
			found = append(found, Finding{Path: want.path, What: "a tree without this file", Use: "one"})
		case !strings.Contains(f.Text, want.must):
			found = append(found, Finding{
				Path: want.path, What: fmt.Sprintf("the file without %q", want.must), Use: "one that has it",
			})
		}
	}
	found = append(found, decisions(t)...)
	for _, f := range t.Markdown() {
		found = append(found, deadLinks(t, f)...)
	}
	return found
}

var decisionName = regexp.MustCompile(`^docs/adr/([0-9]{4})-[a-z0-9-]+\.md$`)

// decisions wants the records numbered without gaps, each with its parts and with a row in the list of them.
func decisions(t *Tree) []Finding {
	var found []Finding
	next, list := 0, ""
	for _, f := range t.Markdown() {
		if f.Path == "docs/adr/README.md" {
			list = strings.Join(f.Lines, "\n")
		}
	}
	for _, f := range t.Markdown() {
		if f.Dir() != "docs/adr" || f.Path == "docs/adr/README.md" {
			continue
		}
		if !strings.Contains(list, "]("+path.Base(f.Path)+")") {
			found = append(found, Finding{
				Path: f.Path, What: "a decision record that is not listed", Use: "a row in docs/adr/README.md",
			})
		}
		m := decisionName.FindStringSubmatch(f.Path)
		number := fmt.Sprintf("%04d", next)
		if m == nil || m[1] != number {
			found = append(found, Finding{
				Path: f.Path, What: "a decision record under this name",
				Use: number + "-what-was-decided.md, without gaps",
			})
		}
		next++
		for _, part := range decisionParts {
			if !slices.Contains(f.Lines, part) {
				found = append(found, Finding{
					Path: f.Path, Line: 1, What: fmt.Sprintf("a decision record without %q", part),
					Use: "the parts of docs/adr/0000-template.md",
				})
			}
		}
	}
	return found
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// deadLinks finds relative links to files that aren't there.
func deadLinks(t *Tree, f *File) []Finding {
	var found []Finding
	fenced := false
	for i, line := range f.Lines {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			at := path.Join(f.Dir(), target)
			if _, ok := t.Files[at]; !ok && !t.Dirs[at] {
				found = append(found, Finding{
					Path: f.Path, Line: i + 1, What: "a link to the missing " + target,
					Use: "a path relative to " + f.Dir() + "/",
				})
			}
		}
	}
	return found
}
