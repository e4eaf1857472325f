package durable

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// timetable is a cron line in a time zone.
//
// The library matches times of a clock on the wall, as if there was no time zone. What wall clocks do that
// are set forward and back is decided here:
//
//   - A line that names hours fires once for each time of the wall clock. A time that is left out when clocks
//     are set forward is made up for, as much later as the clocks were set; of one that comes twice when they
//     are set back, the first counts.
//   - A line for every hour goes by the time that passes: it fires in both of the hours that look alike, and
//     not for an hour that is left out.
type timetable struct {
	line  *cron.SpecSchedule
	zone  *time.Location
	every bool // it is for every hour
}

const everyHour = 1<<24 - 1

// cronParser takes five fields, or a word such as @daily.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

var cronFields = []string{"minute", "hour", "day of month", "month", "day of week"}

// parseTimetable says what in a cron line or the name of a zone can't be used, and where.
func parseTimetable(line, zone string) (*timetable, error) {
	t := &timetable{zone: time.UTC}
	if zone == "Local" {
		return nil, errors.New("the Zone is \"Local\", which is another one on other machines; name it, as in " +
			"Europe/Berlin, or leave it empty for UTC")
	}
	if zone != "" {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("the Zone %q is unknown: %w; use a name such as Europe/Berlin, and import "+
				"time/tzdata where the system has no time zones", zone, err)
		}
		t.zone = loc
	}
	if strings.Contains(line, "TZ=") {
		return nil, fmt.Errorf("the Cron %q names a time zone; put it into Zone", line)
	}
	parsed, err := cronParser.Parse(strings.TrimSpace(line))
	if err != nil {
		return nil, explainCron(line, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("the Cron %q is no timetable; use five fields, such as \"*/5 * * * *\"", line)
	}
	spec.Location = time.UTC
	t.line, t.every = spec, spec.Hour&everyHour == everyHour
	if t.line.Next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, fmt.Errorf("the Cron %q never comes; look at its days and months", line)
	}
	return t, nil
}

// explainCron finds the field that does not parse.
func explainCron(line string, err error) error {
	fields := strings.Fields(line)
	if len(fields) != len(cronFields) {
		return fmt.Errorf("the Cron %q has %d fields; give it five: minute, hour, day of month, month, day of "+
			"week, or a word such as @daily", line, len(fields))
	}
	for i, f := range fields {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = f
		if _, err := cronParser.Parse(strings.Join(alone, " ")); err != nil {
			return fmt.Errorf("the Cron %q does not parse at field %d, the %s, %q: %w",
				line, i+1, cronFields[i], f, err)
		}
	}
	return fmt.Errorf("the Cron %q does not parse: %w", line, err)
}

// next returns when the timetable fires first after a time; zero when it never does again.
func (t *timetable) next(after time.Time) time.Time {
	for at := after; ; {
		start, end := at.In(t.zone).ZoneBounds()
		found := t.within(after, t.clocks(at), start, end)
		if !found.IsZero() || end.IsZero() || end.Year() > maxCronYear {
			return found.UTC()
		}
		after, at = end.Add(-1), end
	}
}

// maxCronYear bounds the search.
const maxCronYear = 2500

// wall is how clocks on the wall are set: by what they are ahead of UTC.
type wall time.Duration

func (w wall) shows(at time.Time) time.Time { return at.UTC().Add(time.Duration(w)) }
func (w wall) means(at time.Time) time.Time { return at.Add(-time.Duration(w)) }

// clocks returns how clocks are set at a time.
func (t *timetable) clocks(at time.Time) wall {
	_, offset := at.In(t.zone).Zone()
	return wall(offset) * wall(time.Second)
}

// within returns when the timetable fires first after a time while clocks stay as they are, which is from
// start until end; zero when it does not.
func (t *timetable) within(after time.Time, now wall, start, end time.Time) (found time.Time) {
	from := now.shows(after)
	var late time.Time // of those that are made up for
	if !t.every && !start.IsZero() {
		before := t.clocks(start.Add(-1))
		last := before.shows(start).Add(-1)
		switch {
		case before > now: // set back: what comes again until last has been
			from = later(from, last)
		case before < now: // set forward: what is left out begins after last
			w := t.line.Next(later(before.shows(after), last))
			if !w.IsZero() && w.Before(now.shows(start)) {
				late = before.means(w)
			}
		}
	}
	if w := t.line.Next(from); !w.IsZero() {
		found = now.means(w)
	}
	if !end.IsZero() && !found.Before(end) {
		found = time.Time{}
	}
	return sooner(found, late)
}
