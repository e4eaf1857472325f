package durable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protowire"
)

// plan is a schedule as the store has it. Without a workflow it is not there.
type plan struct {
	Schedule
	name     string
	workflow string
	input    []byte
	next     time.Time // the time that it waits for, kept in UTC; zero when there is none
	last     time.Time // the latest that it has seen to; next is always later
	paused   bool
	broken   string
}

// Fields of a plan in the store.
const (
	fieldPlanWorkflow = 1
	fieldPlanInput    = 2
	fieldPlanCron     = 3
	fieldPlanZone     = 4
	fieldPlanOverlap  = 5
	fieldPlanCatchUp  = 6 // nanoseconds
	fieldPlanNext     = 7 // Unix nanoseconds, zigzag
	fieldPlanLast     = 8 // the same
	fieldPlanPaused   = 9
	fieldPlanBroken   = 10
)

func (p *plan) encode() []byte {
	buf := appendString(nil, fieldPlanWorkflow, p.workflow)
	buf = appendBytes(buf, fieldPlanInput, p.input)
	buf = appendString(buf, fieldPlanCron, p.Cron)
	buf = appendString(buf, fieldPlanZone, p.Zone)
	buf = appendVarint(buf, fieldPlanOverlap, uint64(p.Overlap))
	buf = appendVarint(buf, fieldPlanCatchUp, uint64(p.CatchUp))
	if !p.next.IsZero() {
		buf = appendVarint(buf, fieldPlanNext, protowire.EncodeZigZag(p.next.UnixNano()))
	}
	if !p.last.IsZero() {
		buf = appendVarint(buf, fieldPlanLast, protowire.EncodeZigZag(p.last.UnixNano()))
	}
	if p.paused {
		buf = appendVarint(buf, fieldPlanPaused, 1)
	}
	if p.broken != "" {
		buf = appendString(buf, fieldPlanBroken, p.broken)
	}
	return buf
}

func decodePlan(name string, data []byte) (*plan, error) {
	p := &plan{name: name}
	err := eachField(data, func(field protowire.Number, v uint64, b []byte) error {
		switch field {
		case fieldPlanWorkflow:
			p.workflow = string(b)
		case fieldPlanInput:
			p.input = bytes.Clone(b)
		case fieldPlanCron:
			p.Cron = string(b)
		case fieldPlanZone:
			p.Zone = string(b)
		case fieldPlanOverlap:
			p.Overlap = Overlap(v)
		case fieldPlanCatchUp:
			p.CatchUp = time.Duration(v)
		case fieldPlanNext:
			p.next = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
		case fieldPlanLast:
			p.last = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
		case fieldPlanPaused:
			p.paused = v == 1
		case fieldPlanBroken:
			p.broken = string(b)
		}
		return nil
	})
	if err == nil && p.workflow == "" {
		err = errBadWire
	}
	if err != nil {
		return nil, fmt.Errorf("%w: schedule %q: %w", ErrDamaged, name, err)
	}
	return p, nil
}

func (p *plan) same(workflow string, input []byte, s Schedule) bool {
	return p.workflow == workflow && bytes.Equal(p.input, input) && p.Schedule == s && p.broken == ""
}

func (p *plan) info() ScheduleInfo {
	return ScheduleInfo{
		Schedule: p.Schedule, Name: p.name, Workflow: p.workflow, Next: p.next, Last: p.last,
		Paused: p.paused, Broken: p.broken,
	}
}

// Parts of the table of schedules, besides scheduleLanes.
const (
	schedulePlans = 'n' // by name
	scheduleTimes = 't' // names by the time that is next, of those that are to fire
)

func planKey(name string) []byte {
	return append(append([]byte{tableSchedule, schedulePlans}, name...), 0)
}

func planTimeKey(at time.Time, name string) []byte {
	return append(append(appendTime([]byte{tableSchedule, scheduleTimes}, at), name...), 0)
}

func parsePlanTimeKey(k []byte) (at time.Time, name string, err error) {
	if len(k) < 12 || k[len(k)-1] != 0 {
		return at, "", fmt.Errorf("%w: not the time of a schedule: %x", ErrDamaged, k)
	}
	return parseTime(k[2:10]), string(k[10 : len(k)-1]), nil
}

// scheduledRun is the id of the run that a schedule starts for a time.
func scheduledRun(name string, at time.Time) string {
	return name + "/" + at.UTC().Format(time.RFC3339)
}

// readPlan returns a schedule, and as the store has it; nil when there is none.
func (e *Engine) readPlan(name string) (p *plan, raw []byte, err error) {
	raw, found, err := e.store.Get(planKey(name))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("durable: looking for schedule %q: %w", name, err)
	case !found:
		return nil, nil, nil
	}
	p, err = decodePlan(name, raw)
	return p, raw, err
}

// changeSchedule changes a schedule, or makes one.
func (e *Engine) changeSchedule(ctx context.Context, name string, change func(*plan, time.Time) error) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.end()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		p, raw, err := e.readPlan(name)
		if err != nil {
			return err
		}
		before := plan{name: name}
		if p != nil {
			before = *p
		}
		now := before
		q := e.newRound(nil)
		if err := change(&now, q.now); err != nil {
			return err
		}
		if bytes.Equal(now.encode(), before.encode()) {
			return nil
		}
		q.replacePlan(&before, &now, raw)
		err = e.store.Commit(&q.batch)
		switch {
		case lostRace(err):
			continue
		case err != nil:
			return e.fail(err)
		}
		if at := now.due(); !at.IsZero() {
			e.expect(at)
		}
		return nil
	}
}

// due is when the schedule has something to do; zero for never.
func (p *plan) due() (at time.Time) {
	if p.workflow != "" && !p.paused && p.broken == "" {
		at = p.next
	}
	return at
}

// replacePlan makes the batch replace a schedule, if it is still what was read.
func (q *round) replacePlan(before, now *plan, raw []byte) {
	b, key := &q.batch, planKey(now.name)
	if raw == nil {
		b.RequireAbsent(key)
	} else {
		b.RequireValue(key, raw)
	}
	if at := before.due(); !at.IsZero() {
		b.Delete(planTimeKey(at, now.name))
	}
	if now.workflow == "" {
		b.Delete(key)
		return
	}
	b.Set(key, now.encode())
	if at := now.due(); !at.IsZero() {
		b.Set(planTimeKey(at, now.name), nil)
	}
}

// fireSchedules starts what is due, and returns when the next schedule is; zero when none is.
func (e *Engine) fireSchedules() (next time.Time, err error) {
	for {
		var name string
		var bad error
		next = time.Time{}
		from := []byte{tableSchedule, scheduleTimes}
		err := e.store.Scan(from, []byte{tableSchedule, scheduleTimes + 1}, func(k, _ []byte) bool {
			next, name, bad = parsePlanTimeKey(k)
			return false
		})
		if err = errors.Join(err, bad); err != nil {
			return next, fmt.Errorf("durable: reading the schedules: %w", err)
		}
		if next.IsZero() || next.After(e.host.Now()) {
			return next, nil
		}
		if err := e.fireSchedule(name, next); err != nil && !lostRace(err) {
			return next, err
		}
	}
}

// fireSchedule starts the runs of a schedule whose times have come.
func (e *Engine) fireSchedule(name string, due time.Time) error {
	q := e.newRound(nil)
	before, raw, err := e.readPlan(name)
	switch {
	case errors.Is(err, ErrDamaged) || before == nil && err == nil || err == nil && !before.due().Equal(due):
		q.batch.Delete(planTimeKey(due, name)) // it does not keep the others from firing
		return e.store.Commit(&q.batch)
	case err != nil:
		return err
	}
	now := *before
	f := &firing{q: q, plan: &now, lane: scheduleLane(name)}
	if err := f.fire(); err != nil {
		return err
	}
	q.replacePlan(before, &now, raw)
	if err := q.recordChildren(); err != nil {
		return err
	}
	for i := range q.letters {
		q.put(&q.letters[i])
	}
	if err := e.store.Commit(&q.batch); err != nil {
		return err
	}
	e.deliver(q)
	return nil
}

// firing is what a schedule does in one commit.
type firing struct {
	q    *round
	plan *plan
	lane string

	looked  bool   // at the lane
	waiting bool   // a run waits for the end of the one before
	holder  string // the run that has not ended, empty for none
}

// maxFirings is how many times of one schedule are seen to with one commit.
const maxFirings = 64

// fire sees to the times that have come, those that are too old left out.
func (f *firing) fire() error {
	p, now := f.plan, f.q.now
	table, err := p.table()
	if err != nil {
		p.broken = errorText(err)
		return nil
	}
	catchUp := p.CatchUp
	if catchUp == 0 {
		catchUp = defaultCatchUp
	}
	if oldest := now.Add(-catchUp); p.next.Before(oldest) {
		p.next = table.next(oldest.Add(-1))
	}
	for n := 0; n < maxFirings && !p.next.IsZero() && !p.next.After(now); n++ {
		if err := f.start(p.next); err != nil {
			return err
		}
		p.last, p.next = p.next, table.next(p.next)
	}
	return nil
}

// start starts the run for a time, as the overlap lets it.
func (f *firing) start(at time.Time) error {
	p, q := f.plan, f.q
	id := scheduledRun(p.name, at)
	h := header{workflow: p.workflow, fingerprint: xxhash.Sum64(p.input), item: p.Overlap != AllowOverlap}
	if exists, _, err := q.existing(id, h); exists || err != nil {
		return err
	}
	if h.item {
		if err := f.look(); err != nil {
			return err
		}
		if f.waiting || f.holder != "" && p.Overlap == SkipOverlap {
			return nil
		}
		if f.holder != "" && p.Overlap == CancelOverlap {
			if err := f.cancel(); err != nil {
				return err
			}
		}
		f.waiting = true
	}
	start := newStart(id, p.workflow, p.input, q.now, nil)
	start.Scheduled = at
	s := startedChild{id: id, header: h, entry: Entry{
		Seq: 1, Unanswered: true, Event: Event{Kind: EventStarted, Time: q.now, Start: start},
	}}
	if h.item {
		s.item = &item{run: id, lane: f.lane}
	}
	q.started = append(q.started, s)
	return nil
}

// look finds out whether a run of the schedule waits, and which one has not ended. In this order: a run that
// begins meanwhile is seen.
func (f *firing) look() error {
	if f.looked {
		return nil
	}
	f.looked = true
	from, to := laneRange(f.lane, laneWaiting)
	err := f.q.e.store.Scan(from, to, func([]byte, []byte) bool {
		f.waiting = true
		return false
	})
	if err != nil {
		return err
	}
	from, to = laneRange(f.lane, laneSlots)
	return f.q.e.store.Scan(from, to, func(k, _ []byte) bool {
		f.holder = string(k[len(from)+1 : len(k)-1]) // the key is empty
		return false
	})
}

// cancel asks the run to end that has not ended.
func (f *firing) cancel() error {
	q := f.q
	unreachable, err := q.reach(f.holder)
	if err != nil || unreachable != nil {
		return err
	}
	q.letters = append(q.letters, letter{
		kind: mailCancel, to: f.holder, name: f.plan.name,
		content: []byte("schedule " + f.plan.name + " starts its next run"),
	})
	return nil
}
