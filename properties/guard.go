package properties

import (
	"bytes"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// guarded is a store that looks at what the engine commits.
type guarded struct {
	store.Store
	v *watch
}

// Commit checks that what a transaction writes is in one batch with a journal entry, its checkpoint, so that
// neither is ever there without the other. It notes which runs are deleted.
func (g guarded) Commit(b *store.Batch) error {
	var wrote []byte
	entry := false
	g.v.commits++
	for op := range b.Ops() {
		switch op.Key[0] {
		case 'k':
			wrote = op.Key
		case 'r':
			run, part, _ := bytes.Cut(op.Key[1:], []byte{0})
			if len(part) > 0 && part[0] == 'j' {
				entry = true
				g.v.when[string(op.Key)] = g.v.commits
			}
			if op.Kind == store.OpDeleteRange && len(part) == 0 {
				g.v.deletes(string(run))
			}
		}
	}
	if wrote != nil && !entry {
		g.v.world.Fail(TxWithEntry, g.v.name, fmt.Sprintf("key %q is written without a journal entry", wrote[1:]))
	}
	return g.Store.Commit(b)
}
