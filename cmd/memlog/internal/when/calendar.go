package when

import (
	"fmt"
	"time"
)

const (
	minYear = 1
	maxYear = 9999

	// tick is the precision of the store: the last moment of a period is one tick before the next.
	tick = time.Microsecond

	// maxShift is further than any wall clock is from UTC. No zone is known that changed its clocks
	// twice within half of it.
	maxShift = 26 * time.Hour
)

// period is a stretch of time, both ends included.
type period struct{ from, to time.Time }

func instant(t time.Time) period { return period{from: t, to: t} }

func (p period) contains(t time.Time) bool { return !t.Before(p.from) && !t.After(p.to) }

// before returns the last tick before t, also when t lies between two ticks.
func before(t time.Time) time.Time {
	if floor := t.Truncate(tick); floor.Before(t) {
		return floor
	}
	return t.Add(-tick)
}

// after returns the first tick after t.
func after(t time.Time) time.Time { return t.Truncate(tick).Add(tick) }

// civil is a date of the Gregorian calendar, in no zone.
type civil struct {
	year  int
	month time.Month
	day   int
}

func civilOf(t time.Time) civil {
	y, m, d := t.Date()
	return civil{y, m, d}
}

// newCivil refuses dates that the calendar does not have.
func newCivil(year, month, day int) (civil, error) {
	if err := checkYear(year); err != nil {
		return civil{}, err
	}
	if month < 1 || month > 12 {
		return civil{}, fmt.Errorf("month %d is not between 1 and 12", month)
	}
	m := time.Month(month)
	if last := daysIn(year, m); day < 1 || day > last {
		return civil{}, fmt.Errorf("%s %04d has %d days, not %d", m, year, last, day)
	}
	return civil{year, m, day}, nil
}

func checkYear(year int) error {
	if year < minYear || year > maxYear {
		return fmt.Errorf("year %d is not between %d and %d", year, minYear, maxYear)
	}
	return nil
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (d civil) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

func (d civil) utc() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
}

func (d civil) weekday() time.Weekday { return d.utc().Weekday() }

func (d civil) plusDays(n int) civil { return civilOf(d.utc().AddDate(0, 0, n)) }

// plusMonths keeps the day of the month, or takes the last day of a month that is too short.
func (d civil) plusMonths(n int) civil {
	first := civilOf(time.Date(d.year, d.month+time.Month(n), 1, 0, 0, 0, 0, time.UTC))
	first.day = min(d.day, daysIn(first.year, first.month))
	return first
}

// monday returns the first day of the week that holds d.
func (d civil) monday() civil { return d.plusDays(-((int(d.weekday()) + 6) % 7)) }

// calendar answers questions about local time around one fixed moment.
type calendar struct {
	now time.Time
	loc *time.Location
}

func newCalendar(now time.Time) calendar {
	return calendar{now: now.Truncate(tick), loc: now.Location()}
}

// in returns the same calendar with other wall clocks.
func (c calendar) in(loc *time.Location) calendar {
	return calendar{now: c.now.In(loc), loc: loc}
}

func (c calendar) today() civil { return civilOf(c.now) }

// wall finds the moments at which local clocks show offset past midnight of d. There are two where
// clocks went back, and none where they went forward: then ok is false and both moments are the
// one at which they did. time.Date does not promise which one it returns, and Time.ZoneBounds is
// wrong on the last day of leap years that lie beyond the table of a zone.
func (c calendar) wall(d civil, offset time.Duration) (first, last time.Time, ok bool) {
	shown := d.utc().Add(offset)
	var low, high time.Time
	for probe := -maxShift; probe <= maxShift; probe += maxShift / 2 {
		ahead := c.ahead(shown.Add(probe))
		hit := shown.Add(-ahead).In(c.loc)
		if probe == -maxShift || hit.Before(low) {
			low = hit
		}
		if probe == -maxShift || hit.After(high) {
			high = hit
		}
		if c.ahead(hit) != ahead {
			continue
		}
		if !ok || hit.Before(first) {
			first = hit
		}
		if !ok || hit.After(last) {
			last = hit
		}
		ok = true
	}
	if !ok {
		first = c.skip(shown, low, high)
		last = first
	}
	return first, last, ok
}

// ahead returns how far local clocks are ahead of UTC at t.
func (c calendar) ahead(t time.Time) time.Duration {
	_, seconds := t.In(c.loc).Zone()
	return time.Duration(seconds) * time.Second
}

// skip finds the second at which clocks jumped over what is shown: at low they show less, at high
// more.
func (c calendar) skip(shown, low, high time.Time) time.Time {
	from, to := low.Unix(), high.Unix()+1
	for to-from > 1 {
		middle := from + (to-from)/2
		at := time.Unix(middle, 0)
		if at.Add(c.ahead(at)).Before(shown) {
			from = middle
		} else {
			to = middle
		}
	}
	return time.Unix(to, 0).In(c.loc)
}

// midnight returns the first moment of a day. Where clocks skip midnight that is a later hour.
func (c calendar) midnight(d civil) time.Time {
	first, _, _ := c.wall(d, 0)
	return first
}

// days returns the period from the first moment of d until just before the first moment of end.
func (c calendar) days(d, end civil) period {
	return period{from: c.midnight(d), to: before(c.midnight(end))}
}

// clockUnit returns the hour, minute or second of the local clock that holds t.
func (c calendar) clockUnit(t time.Time, u unit) period {
	past := time.Duration(t.Nanosecond())
	if u >= minute {
		past += time.Duration(t.Second()) * time.Second
	}
	if u >= hour {
		past += time.Duration(t.Minute()) * time.Minute
	}
	from := t.Add(-past)
	return period{from: from, to: before(from.Add(time.Duration(u.seconds()) * time.Second))}
}

// calendarUnit returns the n-th unit of a day or longer after the one that holds d.
func (c calendar) calendarUnit(d civil, u unit, n int) period {
	var from, end civil
	switch u {
	case day:
		from = d.plusDays(n)
		end = from.plusDays(1)
	case week:
		from = d.monday().plusDays(7 * n)
		end = from.plusDays(7)
	default:
		size := u.months()
		from = civil{d.year, 1 + (d.month-1)/time.Month(size)*time.Month(size), 1}
		from = from.plusMonths(n * size)
		end = from.plusMonths(size)
	}
	return c.days(from, end)
}
