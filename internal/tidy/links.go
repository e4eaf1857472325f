package tidy

import (
	"path"
	"regexp"
	"strings"
)

var (
	linkTo   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	document = regexp.MustCompile(`\bdocs/[\w/-]+\.md\b`)
	command  = regexp.MustCompile("`make ([a-z]+)")
)

// links finds what sends a reader nowhere: relative links of documents, documents that a document or a
// comment names, and make targets.
func links(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Markdown() {
		for i, line := range f.Lines {
			for _, m := range linkTo.FindAllStringSubmatch(line, -1) {
				if to, _, _ := strings.Cut(m[1], "#"); !t.leadsTo(path.Dir(f.Path), to) {
					found = append(found, Finding{
						Path: f.Path, Line: i + 1, What: "a link to the missing " + m[1],
						Use: "the path of a file, relative to the document",
					})
				}
			}
			found = append(found, t.missing(f.Path, i+1, linkTo.ReplaceAllString(line, ""))...)
		}
	}
	for _, f := range t.Go() {
		if f.Dir() == "internal/tidy" { // names what is bad
			continue
		}
		for i, line := range f.Lines {
			if _, comment, ok := strings.Cut(line, "//"); ok {
				found = append(found, t.missing(f.Path, i+1, comment)...)
			}
		}
	}
	return found
}

// leadsTo reports whether a link in a folder's document leads to something; what is on the net is not tried.
func (t *Tree) leadsTo(dir, to string) bool {
	if to == "" || strings.Contains(to, ":") {
		return true
	}
	to = path.Join(dir, to)
	return t.Files[to] != nil || t.Dirs[to]
}

// missing finds documents and make targets that a line names and that are not there.
func (t *Tree) missing(file string, at int, line string) []Finding {
	var found []Finding
	for _, name := range document.FindAllString(line, -1) {
		if t.Files[name] == nil {
			found = append(found, Finding{
				Path: file, Line: at, What: "the name of the missing " + name, Use: "that of a document of the tree",
			})
		}
	}
	for _, m := range command.FindAllStringSubmatch(line, -1) {
		makefile := t.Files["Makefile"]
		if makefile == nil || !strings.Contains("\n"+makefile.Text, "\n"+m[1]+":") {
			found = append(found, Finding{
				Path: file, Line: at, What: "the missing target make " + m[1], Use: "a target of the Makefile",
			})
		}
	}
	return found
}
