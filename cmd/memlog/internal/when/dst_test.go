package when

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// offsets is layout with the zone, since local time alone does not tell one 02:30 from the other.
const offsets = "2006-01-02 15:04:05.999999 -07:00"

type dstRow struct {
	zone, now, expr, from, to string
}

func TestClockChanges(t *testing.T) {
	const berlin, newYork = "Europe/Berlin", "America/New_York"
	for _, r := range []dstRow{
		// The day that clocks go forward has 23 hours, the day that they go back 25.
		{berlin, "2025-04-01 12:00", "2025-03-30",
			"2025-03-30 00:00:00 +01:00", "2025-03-30 23:59:59.999999 +02:00"},
		{berlin, "2025-10-27 12:00", "yesterday",
			"2025-10-26 00:00:00 +02:00", "2025-10-26 23:59:59.999999 +01:00"},
		{newYork, "2025-03-10 12:00", "yesterday",
			"2025-03-09 00:00:00 -05:00", "2025-03-09 23:59:59.999999 -04:00"},
		{newYork, "2025-11-03 12:00", "last week",
			"2025-10-27 00:00:00 -04:00", "2025-11-02 23:59:59.999999 -05:00"},
		{newYork, "2025-11-03 12:00", "2025-11",
			"2025-11-01 00:00:00 -04:00", "2025-11-30 23:59:59.999999 -05:00"},
		// A day back is the same time on the clock; 24 hours back is not.
		{berlin, "2025-03-31 01:00", "1 day ago",
			"2025-03-30 01:00:00 +01:00", "2025-03-30 01:00:00 +01:00"},
		{berlin, "2025-03-31 01:00", "24 hours ago",
			"2025-03-30 00:00:00 +01:00", "2025-03-30 00:00:00 +01:00"},
		{newYork, "2025-11-03 12:00", "1 week ago",
			"2025-10-27 12:00:00 -04:00", "2025-10-27 12:00:00 -04:00"},
		// It would show 02:30, which was skipped: the moment of the change.
		{berlin, "2025-03-31 02:30", "1 day ago",
			"2025-03-30 03:00:00 +02:00", "2025-03-30 03:00:00 +02:00"},
		// A time that came twice begins at the first and ends with the second.
		{berlin, "2025-11-01 12:00", "2025-10-26 02:30",
			"2025-10-26 02:30:00 +02:00", "2025-10-26 02:30:59.999999 +01:00"},
		{newYork, "2025-11-02 12:00", "1am",
			"2025-11-02 01:00:00 -04:00", "2025-11-02 01:00:59.999999 -05:00"},
		{newYork, "2025-11-02 12:00", "2025-11-02T01:30:00-05:00",
			"2025-11-02 01:30:00 -05:00", "2025-11-02 01:30:00 -05:00"},
		// The last day of a leap year, beyond the table of the zone.
		{newYork, "2148-12-31 12:00", "today",
			"2148-12-31 00:00:00 -05:00", "2148-12-31 23:59:59.999999 -05:00"},
		// Clocks that skip midnight, repeat it, or repeat the first minute of the day.
		{"America/Sao_Paulo", "2018-11-10 12:00", "2018-11-04",
			"2018-11-04 01:00:00 -02:00", "2018-11-04 23:59:59.999999 -02:00"},
		{"America/Sao_Paulo", "2018-11-10 12:00", "2018-11-03",
			"2018-11-03 00:00:00 -03:00", "2018-11-03 23:59:59.999999 -03:00"},
		{"America/Havana", "2025-11-10 12:00", "2025-11-02",
			"2025-11-02 00:00:00 -04:00", "2025-11-02 23:59:59.999999 -05:00"},
		{"America/St_Johns", "2010-11-10 12:00", "2010-11-07",
			"2010-11-07 00:00:00 -02:30", "2010-11-07 23:59:59.999999 -03:30"},
		{"Australia/Lord_Howe", "2025-04-10 12:00", "2025-04-06 01:45",
			"2025-04-06 01:45:00 +11:00", "2025-04-06 01:45:59.999999 +10:30"},
	} {
		t.Run(r.zone+" "+r.expr, func(t *testing.T) {
			now := localTime(t, r.zone, r.now)
			from, err := At(r.expr, now, Start)
			if err != nil {
				t.Fatal(err)
			}
			to, err := At(r.expr, now, End)
			if err != nil {
				t.Fatal(err)
			}
			got := [2]string{from.Format(offsets), to.Format(offsets)}
			if diff := cmp.Diff([2]string{r.from, r.to}, got); diff != "" {
				t.Errorf("At(%q) (-want +got):\n%s", r.expr, diff)
			}
		})
	}
}

func TestSkippedTimes(t *testing.T) {
	for _, r := range []dstRow{
		{zone: "Europe/Berlin", now: "2025-04-01 12:00", expr: "2025-03-30 02:30",
			from: "clocks in Europe/Berlin skipped that time on 2025-03-30"},
		{zone: "America/New_York", now: "2025-03-10 12:00", expr: "yesterday at 2am",
			from: "clocks in America/New_York skipped that time on 2025-03-09"},
		{zone: "Pacific/Apia", now: "2012-01-10 12:00", expr: "2011-12-30",
			from: "clocks in Pacific/Apia skipped it"},
	} {
		now := localTime(t, r.zone, r.now)
		if got, err := At(r.expr, now, Start); reason(err) != r.from {
			t.Errorf("At(%q) = %v, reason %q, want %q", r.expr, got, reason(err), r.from)
		}
	}
}

// Days and hours tile time: each begins one tick after the last one ended, whatever clocks do.
func TestDaysTileTime(t *testing.T) {
	for _, name := range []string{
		"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana",
		"America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut",
	} {
		c := newCalendar(localTime(t, name, "2010-01-01 12:00"))
		date := civil{2010, time.January, 1}
		for range 3 * 365 {
			today, tomorrow := c.namedDay(date).at, c.namedDay(date.plusDays(1)).at
			if !after(today.to).Equal(tomorrow.from) || today.to.Before(today.from) {
				t.Errorf("%s: %s ends at %s, the next day begins at %s", name, date,
					today.to.Format(offsets), tomorrow.from.Format(offsets))
			}
			date = date.plusDays(1)
		}
	}
}

// wall is checked against the definition: the moments at which clocks show that time.
func TestWallFindsWhatClocksShow(t *testing.T) {
	for _, day := range []string{"2025-03-30 00:00", "2025-10-26 00:00", "2025-06-01 00:00"} {
		start := localTime(t, "Europe/Berlin", day)
		shown := map[string][]time.Time{}
		for at := start; at.Before(start.Add(27 * time.Hour)); at = at.Add(15 * time.Minute) {
			shown[at.Format("2006-01-02 15:04")] = append(shown[at.Format("2006-01-02 15:04")], at)
		}
		c := newCalendar(start)
		for offset := time.Duration(0); offset < 24*time.Hour; offset += 15 * time.Minute {
			want := shown[civilOf(start).utc().Add(offset).Format("2006-01-02 15:04")]
			first, last, ok := c.wall(civilOf(start), offset)
			if ok != (len(want) > 0) {
				t.Errorf("%s + %v: found is %v, clocks show it %d times", day, offset, ok, len(want))
				continue
			}
			if ok && (!first.Equal(want[0]) || !last.Equal(want[len(want)-1])) {
				t.Errorf("%s + %v: got %v to %v, want %v", day, offset, first, last, want)
			}
		}
	}
}

func localTime(t *testing.T, name, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, zone(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return at
}
