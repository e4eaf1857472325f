// Package prey holds small worlds that use every part of the engine and watch it closely. On a sound engine
// all of them pass; a mutant of the engine is killed by one of them.
package prey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// Prey is a world with a name.
type Prey struct {
	Name   string
	Body   func(w *sim.World)
	Faults string // its fault plan; the default one when it is empty
}

// All returns every prey.
func All() []Prey {
	return []Prey{
		{Name: "branches", Body: branches},
		{Name: "races", Body: races},
		{Name: "retries", Body: retries},
		{Name: "sleepers", Body: sleepers},
		{Name: "clocks", Body: clocks, Faults: "crash 2% max 3; torn 30%; clock-jump 3% max 6"},
		{Name: "errors", Body: failures},
		{Name: "bank", Body: bank},
		{Name: "players", Body: players},
		{Name: "collectors", Body: collectors},
		{Name: "impatient", Body: impatient},
		{Name: "till", Body: tills},
		{Name: "twins", Body: twins},
		{Name: "brief", Body: brief},
		{Name: "deadlines", Body: deadlines},
		{Name: "postmen", Body: postmen},
		{Name: "turns", Body: turns},
		{Name: "messenger", Body: messengers},
		{Name: "leaver", Body: leavers},
		{Name: "shop", Body: shop},
		{Name: "family", Body: families},
		{Name: "sagas", Body: sagas},
		{Name: "stops", Body: stops},
		{Name: "names", Body: names},
		{Name: "starters", Body: starters},
		{Name: "successors", Body: successors},
		{Name: "closers", Body: closers},
		{
			Name: "disks", Body: disks,
			Faults: "crash 1% max 2; sync-error 2% max 2; disk-full 1% max 1",
		},
	}
}

// plant is a simulated process with an engine on it, and what its clients need. It watches what every prey
// has in common: committed entries stay, what ended stays ended, journals replay, nothing is left behind.
type plant struct {
	w          *sim.World
	node       *sim.Node
	cfg        durable.Config
	engine     *durable.Engine // of the node's current life
	workflows  map[string]durable.Definition
	told       map[string][]told         // the committed entries of each run
	ended      map[string]durable.Status // final states that were seen
	over       map[string]bool           // operations whose end is committed, by run and id
	asked      map[string]bool           // steps whose start is committed
	failed     map[string]int            // attempts whose failure is committed, by run
	deleted    string                    // a run that was asked to be deleted
	generation int                       // of engines
	opening    bool                      // the engine is being opened
	mend       func(err error) bool      // what to do about an engine that can't go on; nil: nothing
	alive      time.Time                 // when the process committed last
	wasDown    bool                      // for a long time
}

// told is a committed entry.
type told struct {
	text       string
	unanswered bool
}

// boot starts the process. Worlds differ in whether the engine keeps runs in memory, and in whether other
// tasks overtake its commits.
func boot(w *sim.World, cfg durable.Config, workflows ...durable.Definition) *plant {
	p := &plant{
		w: w, workflows: map[string]durable.Definition{}, told: map[string][]told{},
		ended: map[string]durable.Status{}, over: map[string]bool{}, failed: map[string]int{},
		asked: map[string]bool{},
		alive: w.Now(),
	}
	for _, d := range workflows {
		p.workflows[d.Name()] = d
	}
	cfg.Workflows = workflows
	switch w.Pick("memory", 3) {
	case 1:
		cfg.Cold = true
	case 2:
		cfg.Warm = -1
	}
	p.cfg = cfg
	p.node = w.Node("worker", func(n *sim.Node) {
		p.wasDown = p.wasDown || w.Now().Sub(p.alive) > 30*time.Minute
		p.compare(n.Store())
		p.open(n)
	})
	w.Go("end of faults", func(ctx context.Context) {
		if w.Sleep(ctx, 24*time.Hour) == nil {
			w.StopFaults()
		}
	})
	return p
}

// open opens an engine in the process.
func (p *plant) open(n *sim.Node) {
	mine := p.cfg
	mine.Store, mine.Host = overtaken{n.Store(), p}, n
	p.engine, p.opening = nil, true
	p.generation++
	mine.Interceptors = []durable.Interceptor{p.interceptor(p.generation)}
	e, err := durable.Open(mine)
	p.opening = false
	p.engine = e
	if err != nil {
		p.engine = nil
		p.holds("the engine opens", "worker", p.mend != nil && !errors.Is(err, store.ErrDamaged), err)
	}
}

// overtaken is a store on which other tasks may go on between a task's last read and its commit, and after it
// has read a mailbox, an update or a value.
type overtaken struct {
	store.Store
	p *plant
}

func (o overtaken) Commit(b *store.Batch) error {
	o.lag("overtaken", 8)
	o.p.alive = o.p.w.Now()
	return o.Store.Commit(b)
}

func (o overtaken) Get(key []byte) ([]byte, bool, error) {
	value, ok, err := o.Store.Get(key)
	if key[0] == 'u' || key[0] == 'v' {
		o.lag("overtaken after a read", 3)
	}
	return value, ok, err
}

func (o overtaken) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	err := o.Store.Scan(from, to, visit)
	if from[0] == 'q' {
		o.lag("overtaken after a look into the mailbox", 3)
	}
	return err
}

func (o overtaken) lag(label string, answers int) {
	if n := o.p.w.Pick(label, answers); n > 0 {
		s := o.p.node.NewSignal()
		o.p.node.AfterFunc(time.Duration(n-1)*time.Millisecond, s.Fire)
		_ = s.Wait(context.Background())
	}
}

func (p *plant) committed(run string, entries []durable.Entry) {
	for i := range entries {
		e := &entries[i]
		before := p.told[run]
		if e.Seq <= len(before) { // the answer to an entry that had none
			was := before[e.Seq-1]
			p.holds("committed entries are kept", run, was.unanswered || was.text == text(e), text(e))
			if !was.unanswered {
				continue // a fenced engine learns late what its successor has read
			}
			before = before[:e.Seq-1]
		} else if e.Event.Kind == durable.EventAttemptFailed {
			p.failed[run]++
		}
		p.told[run] = append(before, told{text(e), e.Unanswered})
		for _, c := range e.Commands {
			if c.Kind == durable.CommandStep || c.Kind == durable.CommandTransact {
				p.asked[run+" "+c.Op] = true
			}
		}
		if e.Event.Kind == durable.EventStepEnded {
			p.over[run+" "+e.Event.Op] = true
		}
	}
}

// interceptor watches one engine.
func (p *plant) interceptor(generation int) durable.Interceptor {
	return durable.Interceptor{
		Step: func(ctx context.Context, s durable.StepInfo, next func(context.Context) error) error {
			if generation == p.generation { // one that was fenced off may not know it yet
				p.stepStarts(s)
			}
			return next(ctx)
		},
		Committed: func(run durable.RunInfo, entries []durable.Entry) { p.committed(run.Run, entries) },
	}
}

func (p *plant) stepStarts(s durable.StepInfo) {
	op := s.Run + " " + s.ID
	if !p.asked[op] { // by an engine that was fenced off before it knew
		p.compareRun(p.node.Store(), s.Run)
	}
	p.holds("a checkpointed step does not run again", op, !p.over[op], s.Name)
	p.holds("a step runs when that is durable", op, p.asked[op], s.Name)
}

func text(e *durable.Entry) string { return fmt.Sprintf("%s %s", e, e.Event.Result) }

// compare holds what the store has against what was committed and what had ended.
func (p *plant) compare(st store.Store) {
	there := map[string]bool{}
	err := durable.List(st, func(l durable.Listing) bool {
		was := p.ended[l.Run]
		if was != "" && was != l.Status {
			p.w.Fail("what has ended stays ended", l.Run, fmt.Sprintf("was %s, is %s", was, l.Status))
		}
		if l.Status.Final() {
			p.ended[l.Run] = l.Status
		}
		there[l.Run] = true
		return true
	})
	if err != nil {
		p.w.Fail("the store can be listed", "the store", err.Error())
	}
	for _, run := range keys(there) {
		p.compareRun(st, run)
	}
	for _, run := range keys(p.told) {
		there := there[run] || run == p.deleted
		p.holds("committed entries are kept", run, there, "the store does not know the run")
	}
}

func (p *plant) compareRun(st store.Store, run string) {
	j, err := durable.ReadJournal(st, run)
	for i, want := range p.told[run] {
		have := "nothing"
		if i < len(j.Entries) {
			have = text(&j.Entries[i])
		}
		answered := want.unanswered && strings.HasPrefix(have, strings.TrimSuffix(want.text, " "))
		if have != want.text && !answered {
			p.w.Fail("committed entries are kept", run, "was  "+want.text, "is   "+have, fmt.Sprint(err))
		}
	}
	for i := len(p.told[run]); i < len(j.Entries); i++ { // durable, though its engine never knew
		p.committed(run, j.Entries[i:i+1])
	}
	for i := range j.Entries {
		ev := &j.Entries[i].Event
		back := i > 0 && ev.Time.Before(j.Entries[i-1].Event.Time)
		p.holds("no run sees time go back", run, !back, "entry ", i+1)
		unknown := ev.Kind == durable.EventMessage && ev.From == "" && ev.Message == "" // clients' have ids
		p.holds("messages say from whom they are", run, !unknown, "entry ", i+1)
	}
}

// insist repeats a call until the process answers.
func (p *plant) insist(ctx context.Context, name string, call func(ctx context.Context) error) error {
	for {
		err := p.node.Call(ctx, name, func(ctx context.Context) error {
			if p.engine == nil {
				return durable.ErrFailed
			}
			if p.mend != nil { // or wait for ever for an engine that was left
				var cancel func()
				ctx, cancel = p.w.WithTimeout(ctx, time.Hour)
				defer cancel()
			}
			return call(ctx)
		})
		switch {
		case errors.Is(err, sim.ErrCrashed):
		case err != nil && p.mend != nil && p.mend(err):
			_ = p.w.Sleep(ctx, time.Millisecond)
		default:
			return err
		}
	}
}

// must is insist for calls that have to succeed.
func (p *plant) must(ctx context.Context, name string, call func(ctx context.Context) error) {
	if err := p.insist(ctx, name, call); err != nil {
		p.w.Fail("calls are answered", name, err.Error())
	}
}

func start[In, Out any](ctx context.Context, p *plant, w *durable.Workflow[In, Out], id string, in In) {
	p.must(ctx, "start "+id, func(ctx context.Context) error {
		_, err := w.Start(ctx, p.engine, id, in)
		return err
	})
}

// result waits for the end of a run, and asks again: the answer stays.
func result[In, Out any](
	ctx context.Context, p *plant, w *durable.Workflow[In, Out], id string,
) (out Out, failed error) {
	ask := func() (out Out, failed error) {
		p.must(ctx, "result of "+id, func(ctx context.Context) (err error) {
			out, err = w.Run(p.engine, id).Result(ctx)
			if e := (*durable.RunError)(nil); errors.As(err, &e) {
				failed, err = e.Cause, nil
			}
			return err
		})
		return out, failed
	}
	out, failed = ask()
	again, failedAgain := ask()
	before, now := fmt.Sprint(out, failed), fmt.Sprint(again, failedAgain)
	p.same("a result stays", id, before, now)
	return out, failed
}

// same fails the world for a value that is not the wanted one.
func (p *plant) same(property, subject string, want, have any) {
	if a, b := fmt.Sprintf("%v", want), fmt.Sprintf("%v", have); a != b {
		p.w.Fail(property, subject, "want  "+a, "have  "+b)
	}
}

func (p *plant) holds(property, subject string, holds bool, detail ...any) {
	if !holds {
		p.w.Fail(property, subject, fmt.Sprint(detail...))
	}
}

// settle checks, when every run has ended, what they have left, and that their journals replay.
func (p *plant) settle() {
	p.w.StopFaults()
	p.must(p.w.Context(), "settle", func(context.Context) error {
		st := p.node.Store()
		p.compare(st)
		for _, table := range []string{"q", "a", "t", "p", "s"} {
			err := st.Scan([]byte(table), []byte{table[0] + 1}, func(k, _ []byte) bool {
				p.w.Fail("an ended run leaves nothing behind", "the store", fmt.Sprintf("%q", k))
				return true
			})
			if err != nil {
				return err
			}
		}
		return durable.List(st, func(l durable.Listing) bool {
			p.replay(st, l)
			return true
		})
	})
}

// replay runs the code over every prefix of a run's journal.
func (p *plant) replay(st store.Store, l durable.Listing) {
	j, err := durable.ReadJournal(st, l.Run)
	for n := 1; err == nil && n <= len(j.Entries); n++ {
		part := durable.Journal{Run: j.Run, Entries: j.Entries[:n]}
		var done durable.Replayed
		done, err = durable.Replay(part, p.workflows[l.Workflow], nil)
		if n == len(j.Entries) && err == nil && !done.Ended {
			err = errors.New("the code has not ended after the last entry")
		}
	}
	if err != nil {
		p.w.Fail("replay is identical", l.Run, strings.Split(err.Error(), "\n")...)
	}
}

// clients runs tasks outside of the process, side by side, until all have ended.
func clients(w *sim.World, n int, client func(ctx context.Context, i int)) {
	w.Concurrently(func(i int) string { return fmt.Sprint("client ", i) }, n, client)
}

func keys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
