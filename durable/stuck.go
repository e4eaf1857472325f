package durable

import (
	"fmt"
	"strconv"
	"strings"
)

// describe names a branch for reports.
func (b *branch) describe() string {
	switch {
	case b == nil:
		return "no branch"
	case b.prefix == "":
		return "workflow " + strconv.Quote(b.task.Name())
	}
	return fmt.Sprintf("branch %q (id %s)", b.task.Name(), strings.TrimSuffix(b.prefix, "."))
}

// waitsFor is the branch whose end an operation is; nil for other operations.
func (op *operation) waitsFor() *branch { return op.branch }

// stuck says who waits for what, and where, in a run in which nothing is under way.
func stuck(m *machine) error {
	err := &StuckError{}
	next := map[*branch]*branch{}
	var all []*branch
	for _, t := range m.loop.Tasks() {
		b := t.Owner.(*branch)
		all = append(all, b)
		line := b.describe()
		if b.on != nil {
			line += " waits for " + b.on.String()
			if other, ok := b.on.(interface{ waitsFor() *branch }); ok {
				next[b] = other.waitsFor()
			}
		}
		if at := t.Where(); at.File != "" && b.on != itsBranches {
			line += " at " + at.String()
		}
		err.Waits = append(err.Waits, line)
	}
	for _, b := range all {
		if ring := ringOf(b, next); ring != nil {
			err.Waits = append(err.Waits, "in a ring: "+strings.Join(ring, " -> "))
			break
		}
	}
	return err
}

// ringOf follows who waits for whom from b until it comes back to b; nil when it doesn't.
func ringOf(b *branch, next map[*branch]*branch) []string {
	ring := []string{b.describe()}
	for at := next[b]; at != nil && len(ring) <= len(next); at = next[at] {
		ring = append(ring, at.describe())
		if at == b {
			return ring
		}
	}
	return nil
}
