package tidy

import (
	"path"
	"strings"
)

// emptyNames say where something was put and not what it is.
var emptyNames = map[string]bool{
	"util": true, "utils": true, "common": true, "types": true, "manager": true, "managers": true,
	"helper": true, "helpers": true, "misc": true,
}

const betterName = "the name of the concept that it holds"

func names(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.Go() {
		name := strings.TrimSuffix(f.AST.Name.Name, "_test")
		if emptyNames[name] {
			found = append(found, Finding{
				Path: f.Path, Line: t.line(f.AST.Name.Pos()), What: "package name " + name, Use: betterName,
			})
		}
		base := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".go"), "_test")
		if emptyNames[base] {
			found = append(found, Finding{
				Path: f.Path, What: "file name " + path.Base(f.Path), Use: betterName,
			})
		}
	}
	for dir := range t.Dirs {
		if emptyNames[path.Base(dir)] {
			found = append(found, Finding{Path: dir, What: "folder name " + path.Base(dir), Use: betterName})
		}
	}
	return found
}
