package durable_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// TestTheDiagramOfLifeHasTheStatesOfTheCode: docs/LIFECYCLE.md draws and lists every Status, and no other.
func TestTheDiagramOfLifeHasTheStatesOfTheCode(t *testing.T) {
	states := statesOfTheCode(t)
	data, err := os.ReadFile("../docs/LIFECYCLE.md")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(data), "```\n")
	diagram, _, _ := strings.Cut(rest, "```")
	for _, s := range states {
		require.Regexp(t, `\b`+string(s)+`\b`, diagram, "the diagram lacks it")
	}
	drawn := drawnTransitions(t)
	for _, s := range states {
		require.Contains(t, drawn, s, "the table lacks it")
	}
	require.Len(t, drawn, len(states), "the table has a state that the code has not")
}

// statesOfTheCode are the constants of type Status.
func statesOfTheCode(t *testing.T) (states []durable.Status) {
	file, err := parser.ParseFile(token.NewFileSet(), "list.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Status" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			states = append(states, durable.Status(text))
		}
		return true
	})
	require.NotEmpty(t, states)
	return states
}

// drawnTransitions reads the table of states: where each goes to.
func drawnTransitions(t require.TestingT) map[durable.Status][]durable.Status {
	data, err := os.ReadFile("../docs/LIFECYCLE.md")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(data), "| state | the run | goes to |\n|---|---|---|\n")
	table, _, _ := strings.Cut(rest, "\n\n")
	drawn := map[durable.Status][]durable.Status{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		require.Len(t, cells, 5)
		from := durable.Status(strings.TrimSpace(cells[1]))
		to := []durable.Status{}
		for _, word := range regexp.MustCompile(`[a-z]+`).FindAllString(cells[3], -1) {
			to = append(to, durable.Status(word))
		}
		if strings.Contains(cells[3], "any final state") {
			to = append(to, durable.Done, durable.Failed, durable.Cancelled, durable.Terminated, durable.Continued)
		}
		drawn[from] = to
	}
	return drawn
}

// observed is a store that tells the states of runs before every commit, when those before it are applied,
// and after it.
type observed struct {
	store.Store
	see func(store.Store)
}

func (o observed) Commit(b *store.Batch) error {
	o.see(o.Store)
	err := o.Store.Commit(b)
	o.see(o.Store)
	return err
}

// TestTransitionsAreDrawn: whatever clients do with runs, under crashes, no commit takes one from a state to
// another that the table does not name.
func TestTransitionsAreDrawn(t *testing.T) {
	drawn, seen := drawnTransitions(t), map[string]bool{}
	restless := durable.Define("restless", func(ctx durable.Context, n int) (string, error) {
		fail := func(context.Context, int) (string, error) { return "", errNoFlour }
		if n == 3 {
			panic("restless")
		}
		s, err := letters.ReceiveTimeout(ctx, time.Second)
		if n == 1 {
			return durable.Step(ctx, "fail", fail, n)
		} else if n == 2 && s != "" {
			return durable.ContinueAsNew[string](ctx, 0)
		}
		if _, err := durable.Step(ctx, "step", upper, s); err != nil {
			return "", err
		}
		return s, err
	})
	line := durable.NewQueue("line", restless, durable.QueueConfig{Concurrency: 1})
	cfg := sim.Config{Name: t.Name(), Runs: 400, Workers: 1, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(cfg, func(w *sim.World) {
		last := map[string]durable.Status{}
		p := &plant{w: w}
		see := func(st store.Store) {
			require.NoError(w, durable.List(st, func(l durable.Listing) bool {
				was, known := last[l.Run]
				if last[l.Run] = l.Status; known && was != l.Status {
					seen[fmt.Sprint(was, " to ", l.Status)] = true
					if !slices.Contains(drawn[was], l.Status) {
						w.Fail("transitions are drawn", l.Run, fmt.Sprint(was, " to ", l.Status))
					}
				}
				return true
			}))
		}
		p.node = w.Node("worker", func(n *sim.Node) {
			see(n.Store())
			e, err := durable.Open(durable.Config{
				Store: observed{n.Store(), see}, Host: n, Cold: w.Pick("cold", 2) == 1,
				Workflows: []durable.Definition{restless}, Queues: []durable.QueueDefinition{line},
			})
			require.NoError(w, err)
			p.engine = e
		})
		for i := range 8 {
			id := fmt.Sprint("r", w.Pick("run", 3))
			_ = p.insist(w.Context(), fmt.Sprint("call ", i), func(ctx context.Context) error {
				return meddle(ctx, w, p.engine, restless, line, id)
			})
			_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause", 3))*400*time.Millisecond)
		}
	})
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	t.Log(len(seen), "transitions were seen")
	require.GreaterOrEqual(t, len(seen), 12)
}

// meddle is a call of a client who is not afraid of anything. Its errors are none of the test's business.
func meddle(
	ctx context.Context, w *sim.World, e *durable.Engine,
	flow *durable.Workflow[int, string], line *durable.Queue[int, string], id string,
) error {
	ctx, cancel := w.WithTimeout(ctx, time.Second)
	defer cancel()
	var err error
	switch kind := w.Pick("kind", 4); w.Pick("call", 10) {
	case 0, 1:
		_, err = flow.Start(ctx, e, id, kind)
	case 2:
		_, err = line.Enqueue(ctx, e, kind, durable.Item{ID: id})
	case 3:
		err = letters.Post(ctx, e, id, "mail")
	case 4:
		err = e.Cancel(ctx, id, "")
	case 5:
		err = e.Terminate(ctx, id, "")
	case 6:
		err = e.Pause(ctx, id, "")
	case 7:
		err = e.Resume(id)
	case 8:
		err = e.Retry(ctx, id)
	case 9:
		err = e.Fork(ctx, id, 1, id+"-fork")
	}
	return keepCrash(err)
}

// keepCrash drops every error but that of a call whose process has crashed.
func keepCrash(err error) error {
	if errors.Is(err, sim.ErrCrashed) {
		return err
	}
	return nil
}
