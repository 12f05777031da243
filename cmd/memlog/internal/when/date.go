package when

import (
	"errors"
	"fmt"
	"time"
)

// date reads a day or a longer period.
func (p *parser) date() (reading, error) {
	switch {
	case p.accept("in"):
		if p.distanceAhead() {
			return p.ahead()
		}
	case p.accept("on"), p.accept("during"):
	case p.distanceAhead():
		return p.ago()
	}
	switch t := p.peek(0); t.kind {
	case isoDate, isoMonth, isoWeek, isoQuarter:
		return p.iso()
	case number:
		return p.numbered()
	case name:
		return p.worded(t)
	}
	return reading{}, p.unexpected()
}

// worded reads a date that begins with a word.
func (p *parser) worded(t token) (reading, error) {
	if m, ok := monthOf(t.text); ok {
		p.take()
		return p.monthNamed(m)
	}
	if d, ok := weekdayOf(t.text); ok {
		p.take()
		return p.weekdayNamed(d)
	}
	if m, ok := seasonOf(t.text); ok {
		p.take()
		return p.seasonNamed(t.text, m)
	}
	if w, ok := turnOf(t.text); ok {
		p.take()
		return p.turnNamed(w)
	}
	if t.text == "q" && p.peek(1).kind == number && p.peek(1).glued {
		p.take()
		return p.quarterNamed()
	}
	return p.daysAround()
}

// daysAround reads the days that have a name of their own.
func (p *parser) daysAround() (reading, error) {
	start := p.pos
	the := p.accept("the")
	if _, ok := turnOf(p.peek(0).text); the && ok {
		if w := p.take(); w.is("past") || p.distanceAhead() {
			p.pos--
			return p.worded(p.peek(0))
		}
	}
	if the && p.peek(0).kind == number {
		return p.numbered()
	}
	switch {
	case p.accept("day", "before", "yesterday"):
		return p.dayAround(-2), nil
	case p.accept("day", "after", "tomorrow"):
		return p.dayAround(2), nil
	case the:
		p.pos = start
		return reading{}, p.unexpected()
	case p.accept("yesterday"):
		return p.dayAround(-1), nil
	case p.accept("today"):
		return p.dayAround(0), nil
	case p.accept("tomorrow"):
		return p.dayAround(1), nil
	case p.accept("tonight"):
		night, _ := partOf("night")
		return p.timed(p.dayAround(0), clock{part: night})
	}
	return reading{}, p.unexpected()
}

func (p *parser) dayAround(n int) reading {
	return reading{named: p.namedDay(p.today().plusDays(n))}
}

// iso reads 2025-01-25, 2025-01, 2025-W04 and 2025-Q1.
func (p *parser) iso() (reading, error) {
	t := p.take()
	y, n := decimal(t.parts[0]), decimal(t.parts[1])
	if err := checkYear(y); err != nil {
		return reading{}, err
	}
	switch t.kind {
	case isoDate:
		d, err := newCivil(y, n, decimal(t.parts[2]))
		return reading{named: p.namedDay(d), dated: true}, err
	case isoMonth:
		d, err := newCivil(y, n, 1)
		return p.unitAt(d, month), err
	case isoQuarter:
		return p.quarterOf(n, y)
	}
	// ISO 8601: the first week is the one that holds 4 January.
	monday := civil{y, time.January, 4}.monday().plusDays(7 * (n - 1))
	if wy, wn := monday.utc().ISOWeek(); wy != y || wn != n {
		return reading{}, fmt.Errorf("year %04d has no week %d", y, n)
	}
	return p.unitAt(monday, week), nil
}

func (p *parser) unitAt(d civil, u unit) reading {
	return reading{named: namedPeriod(p.calendarUnit(d, u, 0)), dated: true}
}

// numbered reads "2025", "5 March", "5th of March 2025", "15th of last month".
func (p *parser) numbered() (reading, error) {
	t := p.peek(0)
	if y, ok := t.year(); ok {
		p.take()
		return p.unitAt(civil{y, time.January, 1}, year), checkYear(y)
	}
	d, ok := p.dayNumber()
	if !ok {
		return reading{}, p.unexpected()
	}
	of := p.accept("of")
	if m, ok := monthOf(p.peek(0).text); ok {
		p.take()
		return p.dayOfMonth(m, d)
	}
	w, ok := turnOf(p.peek(0).text)
	if !of || !ok || w == past || !p.peek(1).is("month") {
		return reading{}, p.unexpected()
	}
	p.pos += 2
	first := civilOf(p.calendarUnit(p.today(), month, int(w)).from)
	date, err := newCivil(first.year, int(first.month), d)
	return reading{named: p.namedDay(date)}, err
}

// dayNumber reads "5" or "5th", unless it is a time of day.
func (p *parser) dayNumber() (int, bool) {
	t := p.peek(0)
	if t.kind != number || len(t.text) > 2 || p.clockAhead() {
		return 0, false
	}
	if suffix := p.peek(1); suffix.is("st", "nd", "rd", "th") {
		if !suffix.glued || !ordinal(t.text, suffix.text) {
			return 0, false
		}
		p.take()
	}
	p.take()
	return decimal(t.text), true
}

// monthNamed reads what follows a month: "March", "March 5", "March 5, 2025", "March last year".
func (p *parser) monthNamed(m time.Month) (reading, error) {
	if d, ok := p.dayNumber(); ok {
		return p.dayOfMonth(m, d)
	}
	return p.inYear(p.months(m, 1))
}

func (p *parser) dayOfMonth(m time.Month, d int) (reading, error) {
	const leap = 2024
	if _, err := newCivil(leap, int(m), d); err != nil {
		return reading{}, fmt.Errorf("%s has no day %d", m, d)
	}
	r, err := p.inYear(p.dayOfYear(m, d))
	if err != nil {
		return reading{}, fmt.Errorf("%s %d: %w", m, d, err)
	}
	return r, nil
}

// inYear reads the year of a name that every year has, or leaves it open.
func (p *parser) inYear(y *cycle) (reading, error) {
	at, ok := p.yearAhead()
	if !ok {
		n, ok := y.begun(p.now)
		if !ok {
			return reading{}, errors.New("there is none in the past years")
		}
		return reading{named: n, cycle: y}, nil
	}
	n, ok := y.member(at)
	if !ok {
		return reading{}, fmt.Errorf("there is none in the year %d", at)
	}
	return reading{named: n, dated: true}, nil
}

// yearAhead reads "2025", ", 2025", "of 2025" or "of last year".
func (p *parser) yearAhead() (int, bool) {
	start := p.pos
	if !p.acceptKind(comma) {
		p.accept("of")
	}
	if y, ok := p.peek(0).year(); ok {
		p.take()
		return y, true
	}
	if w, ok := turnOf(p.peek(0).text); ok && w != past && p.peek(1).is("year") {
		p.pos += 2
		return p.now.Year() + int(w), true
	}
	p.pos = start
	return 0, false
}

func (p *parser) seasonNamed(word string, m time.Month) (reading, error) {
	if m == time.December {
		if _, ok := p.yearAhead(); ok {
			return reading{}, fmt.Errorf("%s of one year is ambiguous: it lies in two", word)
		}
	}
	return p.inYear(p.months(m, 3))
}

func (p *parser) quarterNamed() (reading, error) {
	n := decimal(p.peek(0).text)
	if n < 1 || n > 4 {
		return reading{}, fmt.Errorf("quarter %s is not between 1 and 4", p.peek(0).text)
	}
	p.take()
	return p.inYear(p.months(time.Month(3*n-2), 3))
}

func (p *parser) quarterOf(n, y int) (reading, error) {
	if n < 1 || n > 4 {
		return reading{}, fmt.Errorf("quarter %d is not between 1 and 4", n)
	}
	return p.unitAt(civil{y, time.Month(3*n - 2), 1}, quarter), nil
}

// weekdayNamed reads "Monday", "Monday last week", "Monday, 5 March 2025".
func (p *parser) weekdayNamed(d time.Weekday) (reading, error) {
	start := p.pos
	p.acceptKind(comma)
	if p.calendarDateAhead() {
		r, err := p.date()
		if err != nil {
			return reading{}, err
		}
		return r.with(func(n named) (named, error) {
			if !n.isDay || n.day.weekday() != d {
				return named{}, fmt.Errorf("%s is not a %s", n.day, d)
			}
			return n, nil
		})
	}
	p.pos = start
	p.accept("of")
	if w, ok := turnOf(p.peek(0).text); ok && w != past && p.peek(1).is("week") {
		p.pos += 2
		n, _ := p.weekday(d).member(int(w))
		return reading{named: n}, nil
	}
	p.pos = start
	y := p.weekday(d)
	n, _ := y.begun(p.now)
	return reading{named: n, cycle: y}, nil
}

func (p *parser) calendarDateAhead() bool {
	t := p.peek(0)
	if t.kind == number {
		return !p.clockAhead()
	}
	_, isMonth := monthOf(t.text)
	return t.kind == isoDate || t.kind == name && isMonth
}
