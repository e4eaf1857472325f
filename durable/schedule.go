package durable

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Schedule says when the runs of a schedule are started, and what happens when they overlap or are late.
type Schedule struct {
	// Cron is the timetable: minute, hour, day of month, month, day of week, as in "30 9 * * mon-fri", or a word
	// such as @daily. When both days are limited, either will do.
	//
	// A line that names hours goes by the clock on the wall: what is left out when clocks are set forward is
	// made up for, as much later as they were set, and what comes twice when they are set back is done the
	// first time. A line for every hour goes by the time that passes.
	Cron string
	// Zone is the IANA name of the time zone of Cron; empty for UTC.
	Zone string
	// Overlap is what happens at a time at which the run before has not ended. A run that is parked does not
	// count.
	Overlap Overlap
	// CatchUp is how late a run may start for a time that was missed, because no engine was open; 0 for a
	// minute. What is older is left out.
	CatchUp time.Duration
}

// Overlap is what a schedule does when its time has come and the run before has not ended.
type Overlap uint8

// What a schedule may do about overlaps.
const (
	SkipOverlap   Overlap = iota // nothing: the time is left out
	QueueOverlap                 // the run waits for the end of the one before; one may wait, more are left out
	CancelOverlap                // the one before is cancelled, and the run waits for its end
	AllowOverlap                 // the run starts beside the one before
)

// defaultCatchUp is what a CatchUp of 0 stands for.
const defaultCatchUp = time.Minute

// ErrNoSchedule says that there is no schedule of a name.
var ErrNoSchedule = errors.New("durable: schedule not found")

func init() { RegisterError(ErrNoSchedule) }

// Schedule makes a schedule: at each time of its timetable a run of the workflow is started with this input.
// When it returns nil, the schedule is durable, and goes on in every engine that opens the store. A run's id
// is the schedule's name and the time in UTC, as in "report/2026-01-05T08:30:00Z", so there is at most one
// for each time, however clocks step. The run's start and the schedule's next time are one commit.
//
// Calling it again changes what has changed, from now on; a program may call it each time it starts. A
// schedule that is paused stays so.
func (w *Workflow[In, Out]) Schedule(ctx context.Context, e *Engine, name string, s Schedule, in In) error {
	if w == nil {
		return fmt.Errorf("durable: schedule %q is of a nil *Workflow; use one that Define returned", name)
	}
	if err := errors.Join(e.missing(), checkID("schedule's name", name)); err != nil {
		return err
	}
	if most := maxIDLength - len(scheduledRun("", time.Time{})); len(name) > most {
		return fmt.Errorf("durable: the schedule's name is %d bytes long, at most %d are allowed: %.40q…",
			len(name), most, name)
	}
	table, err := s.table()
	if err != nil {
		return fmt.Errorf("durable: schedule %q: %w", name, err)
	}
	input, err := e.codec.Encode(in)
	if err != nil {
		return &CodecError{What: fmt.Sprintf("input of schedule %q", name), Type: typeName[In](), Cause: err}
	}
	if _, known := e.defs[w.name]; !known {
		return fmt.Errorf("%w: schedule %q is of %q, which Config.Workflows does not list",
			ErrUnknownWorkflow, name, w.name)
	}
	return e.changeSchedule(ctx, name, func(p *plan, now time.Time) error {
		if p.same(w.name, input, s) {
			return nil
		}
		p.workflow, p.input, p.Schedule, p.broken = w.name, input, s, ""
		p.next = table.next(later(now, p.last))
		return nil
	})
}

// table checks a schedule and returns its timetable.
func (s *Schedule) table() (*timetable, error) {
	switch {
	case s.Overlap > AllowOverlap:
		return nil, fmt.Errorf("Schedule.Overlap is %d; use SkipOverlap, QueueOverlap, CancelOverlap or "+
			"AllowOverlap", s.Overlap)
	case s.CatchUp < 0:
		return nil, fmt.Errorf("Schedule.CatchUp is %v; give it a time, or 0 for a minute", s.CatchUp)
	}
	return parseTimetable(s.Cron, s.Zone)
}

// ScheduleInfo is what a store tells of a schedule.
type ScheduleInfo struct {
	Schedule
	Name     string
	Workflow string
	Next     time.Time // when it starts the next run, unless it is paused; zero for never
	Last     time.Time // the latest time for which it had to start one; zero before
	Paused   bool
	// Broken is why it can't go on, such as a time zone that this system does not know. Schedule mends it.
	Broken string
}

// ScheduleInfo returns where a schedule is, or ErrNoSchedule.
func (e *Engine) ScheduleInfo(name string) (ScheduleInfo, error) {
	if err := e.missing(); err != nil {
		return ScheduleInfo{}, err
	}
	p, _, err := e.readPlan(name)
	if err == nil && p == nil {
		err = fmt.Errorf("%w: %q", ErrNoSchedule, name)
	}
	if err != nil {
		return ScheduleInfo{}, err
	}
	return p.info(), nil
}

// Schedules lists the schedules, sorted by name.
func (e *Engine) Schedules() (list []ScheduleInfo, err error) {
	if err := e.missing(); err != nil {
		return nil, err
	}
	prefix := []byte{tableSchedule, schedulePlans}
	var bad error
	err = e.store.Scan(prefix, []byte{tableSchedule, schedulePlans + 1}, func(k, v []byte) bool {
		var p *plan
		if p, bad = decodePlan(string(k[2:len(k)-1]), v); bad == nil {
			list = append(list, p.info())
		}
		return bad == nil
	})
	return list, errors.Join(err, bad)
}

// PauseSchedule makes a schedule start no runs, or go on: then from now on, without those that it has missed.
// The runs that it has started are left alone. When there is no such schedule the error is ErrNoSchedule.
func (e *Engine) PauseSchedule(ctx context.Context, name string, paused bool) error {
	return e.changeSchedule(ctx, name, func(p *plan, now time.Time) error {
		if p.workflow == "" {
			return fmt.Errorf("%w: %q", ErrNoSchedule, name)
		}
		if p.paused && !paused && p.broken == "" {
			table, err := p.table()
			if err != nil {
				return fmt.Errorf("durable: schedule %q: %w", name, err)
			}
			p.next = table.next(later(now, p.last))
		}
		p.paused = paused
		return nil
	})
}

// DeleteSchedule ends a schedule. The runs that it has started are left alone. When there is no such schedule
// the error is ErrNoSchedule.
func (e *Engine) DeleteSchedule(ctx context.Context, name string) error {
	return e.changeSchedule(ctx, name, func(p *plan, _ time.Time) error {
		if p.workflow == "" {
			return fmt.Errorf("%w: %q", ErrNoSchedule, name)
		}
		p.workflow = ""
		return nil
	})
}

// ScheduledFor returns the time for which a schedule has started the run, which may be earlier than its
// start; zero when no schedule did.
func (ctx Context) ScheduledFor() time.Time { return ctx.enter("ScheduledFor").m.scheduled }
