package durable

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimetables(t *testing.T) {
	const at = "2006-01-02 15:04 -0700"
	for _, c := range []struct{ line, zone, after, want string }{
		{"*/15 * * * *", "", "2026-01-01 00:00 +0000", "2026-01-01 00:15 +0000"},
		{"@daily", "", "2026-01-01 00:00 +0000", "2026-01-02 00:00 +0000"},
		{"0 9 * * mon-fri", "America/New_York", "2026-01-02 09:00 -0500", "2026-01-05 09:00 -0500"},
		{"0 0 29 2 *", "", "2025-01-01 00:00 +0000", "2028-02-29 00:00 +0000"},
		// Berlin sets its clocks from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October.
		{
			"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00 +0100",
			"2026-03-29 03:30 +0200, 2026-03-30 02:30 +0200",
		},
		{
			"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00 +0200",
			"2026-10-25 02:30 +0200, 2026-10-26 02:30 +0100",
		},
		{
			"0 3 * * *", "Europe/Berlin", "2026-03-28 12:00 +0100",
			"2026-03-29 03:00 +0200, 2026-03-30 03:00 +0200",
		},
		{
			"0 2,3 * * *", "Europe/Berlin", "2026-03-28 12:00 +0100",
			"2026-03-29 03:00 +0200, 2026-03-30 02:00 +0200",
		},
		{
			"0 2,3 * * *", "Europe/Berlin", "2026-10-24 12:00 +0200",
			"2026-10-25 02:00 +0200, 2026-10-25 03:00 +0100",
		},
		{
			"59 1-2 * * *", "Europe/Berlin", "2026-10-25 01:59 +0200",
			"2026-10-25 02:59 +0200, 2026-10-26 01:59 +0100",
		},
		{
			"30 * * * *", "Europe/Berlin", "2026-10-25 01:30 +0200",
			"2026-10-25 02:30 +0200, 2026-10-25 02:30 +0100, 2026-10-25 03:30 +0100",
		},
		{
			"30 * * * *", "Europe/Berlin", "2026-03-29 01:30 +0100",
			"2026-03-29 03:30 +0200, 2026-03-29 04:30 +0200",
		},
		// Lord Howe sets its clocks by half an hour, Samoa left out the 30th of December 2011.
		{
			"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00 +1030",
			"2026-10-04 02:45 +1100, 2026-10-05 02:15 +1100",
		},
		{"0 7 30 12 *", "Pacific/Apia", "2011-12-01 00:00 -1000", "2011-12-31 07:00 +1400, 2012-12-30 07:00 +1400"},
	} {
		tt, err := parseTimetable(c.line, c.zone)
		require.NoError(t, err)
		now, err := time.Parse(at, c.after)
		require.NoError(t, err)
		var got []string
		for range strings.Split(c.want, ", ") {
			now = tt.next(now)
			got = append(got, now.In(tt.zone).Format(at))
		}
		require.Equal(t, c.want, strings.Join(got, ", "), "%s in %s", c.line, c.zone)
	}
}

// TestTimetablesGoByTheWall: over a year with both changes, a daily line fires once a day, and one for every
// hour once in each hour that passes; and from wherever one asks, the next is the first that is later.
func TestTimetablesGoByTheWall(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range []string{"Europe/Berlin", "America/Santiago", "Asia/Kolkata"} {
		for line, want := range map[string]int{
			"20 2 * * *": 365, "40 1 * * *": 365, "20 * * * *": 365 * 24, "0 0 * * *": 365,
		} {
			tt, err := parseTimetable(line, zone)
			require.NoError(t, err)
			n := 0
			for at := tt.next(begin); at.Before(begin.AddDate(1, 0, 0)); n++ {
				require.Equal(t, at, tt.next(at.Add(-1)))
				next := tt.next(at)
				require.True(t, next.After(at))
				require.Equal(t, next, tt.next(at.Add(next.Sub(at)/2)))
				at = next
			}
			require.Equal(t, want, n, "%s in %s", line, zone)
		}
	}
}

func TestTimetablesThatCannotBe(t *testing.T) {
	for _, c := range []struct{ line, zone, want string }{
		{"", "", `the Cron "" has 0 fields; give it five: minute, hour, day of month, month, day of week, or a ` +
			`word such as @daily`},
		{"* * * *", "", `the Cron "* * * *" has 4 fields`},
		{"0 25 * * *", "", `the Cron "0 25 * * *" does not parse at field 2, the hour, "25": end of range (25) ` +
			`above maximum (23): 25`},
		{"0 0 * * 1-moon", "", `does not parse at field 5, the day of week, "1-moon"`},
		{"*/0 * * * *", "", `does not parse at field 1, the minute, "*/0"`},
		{"@often", "", `the Cron "@often" has 1 fields`},
		{"@every 5m", "", `the Cron "@every 5m" is no timetable; use five fields, such as "*/5 * * * *"`},
		{"0 0 31 2 *", "", `the Cron "0 0 31 2 *" never comes; look at its days and months`},
		{"TZ=", "", `the Cron "TZ=" names a time zone; put it into Zone`},
		{"CRON_TZ=UTC 0 0 * * *", "", `names a time zone; put it into Zone`},
		{"@daily", "Europe/Atlantis", `the Zone "Europe/Atlantis" is unknown: unknown time zone Europe/Atlantis; ` +
			`use a name such as Europe/Berlin, and import time/tzdata`},
		{"@daily", "Local", `the Zone is "Local", which is another one on other machines`},
	} {
		_, err := parseTimetable(c.line, c.zone)
		require.ErrorContains(t, err, c.want)
	}
}

func FuzzTimetable(f *testing.F) {
	f.Add("*/5 1-3,7 * jan-mar ?", "Europe/Berlin")
	f.Add("TZ=", "x")
	f.Add(", , , , ,", "")
	f.Fuzz(func(t *testing.T, line, zone string) {
		if tt, err := parseTimetable(line, zone); err == nil {
			at := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
			if next := tt.next(at); !next.IsZero() {
				require.True(t, next.After(at))
			}
		}
	})
}
