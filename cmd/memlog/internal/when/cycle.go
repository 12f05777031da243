package when

import "time"

// named is what one expression was understood to mean.
type named struct {
	at    period // as a bound: a moment, or the period of which a bound takes an end
	wide  period // standing alone as a span
	day   civil  // the day it is, if isDay
	isDay bool
}

func (c calendar) namedDay(d civil) named {
	p := c.days(d, d.plusDays(1))
	return named{at: p, wide: p, day: d, isDay: true}
}

func namedPeriod(p period) named { return named{at: p, wide: p} }

// cycle is a name that comes back every year or every week. Its members are numbered by the year in
// which they begin, or by weeks from the present one.
type cycle struct {
	yearly  bool
	present int
	member  func(k int) (named, bool) // false where there is none, as 29 February
}

// reach is how many members to look at to either side: 29 February is absent for up to 8 years.
const reach = 9

func (y *cycle) latest(fits func(period) bool) (named, bool) {
	for k := y.present + 1; k >= y.present-reach; k-- {
		if n, ok := y.member(k); ok && fits(n.at) {
			return n, true
		}
	}
	return named{}, false
}

func (y *cycle) earliest(fits func(period) bool) (named, bool) {
	for k := y.present - reach; k <= y.present+reach; k++ {
		if n, ok := y.member(k); ok && fits(n.at) {
			return n, true
		}
	}
	return named{}, false
}

// begun returns the most recent member that has begun at t.
func (y *cycle) begun(t time.Time) (named, bool) {
	return y.latest(func(p period) bool { return !p.from.After(t) })
}

// of returns the member that "last", "this" or "next" means.
func (y *cycle) of(w turn, now time.Time) (named, bool) {
	switch w {
	case last, past:
		return y.latest(func(p period) bool { return p.to.Before(now) })
	case next:
		return y.earliest(func(p period) bool { return p.from.After(now) })
	}
	if n, ok := y.begun(now); ok && n.at.contains(now) {
		return n, true
	}
	return y.member(y.present)
}

// near returns the same cycle, seen from the year or week of t.
func (y *cycle) near(t time.Time, now time.Time) *cycle {
	moved := *y
	if y.yearly {
		moved.present = t.Year()
	} else {
		week := 7 * 24 * time.Hour
		moved.present = int(civilOf(t).monday().utc().Sub(civilOf(now).monday().utc()) / week)
	}
	return &moved
}

// months is the cycle of count months that begin in first: a month, a season, a quarter.
func (c calendar) months(first time.Month, count int) *cycle {
	return &cycle{yearly: true, present: c.now.Year(), member: func(k int) (named, bool) {
		if checkYear(k) != nil {
			return named{}, false
		}
		from := civil{k, first, 1}
		return namedPeriod(c.days(from, from.plusMonths(count))), true
	}}
}

// dayOfYear is the cycle of one day of one month.
func (c calendar) dayOfYear(m time.Month, d int) *cycle {
	return &cycle{yearly: true, present: c.now.Year(), member: func(k int) (named, bool) {
		date, err := newCivil(k, int(m), d)
		return c.namedDay(date), err == nil
	}}
}

// weekday is the cycle of one day of the week.
func (c calendar) weekday(d time.Weekday) *cycle {
	return &cycle{member: func(k int) (named, bool) {
		return c.namedDay(c.today().monday().plusDays(7*k + (int(d)+6)%7)), true
	}}
}
