package when

import (
	"fmt"
	"time"
)

// turnNamed reads what follows "last", "past", "this" and "next".
func (p *parser) turnNamed(w turn) (reading, error) {
	if p.distanceAhead() {
		if w == this {
			return reading{}, p.unexpected()
		}
		d, err := p.distance()
		if err != nil {
			return reading{}, err
		}
		return p.rolling(d, w)
	}
	t := p.peek(0)
	if m, ok := monthOf(t.text); ok {
		return p.turnedCycle(p.months(m, 1), w)
	}
	if m, ok := seasonOf(t.text); ok {
		return p.turnedCycle(p.months(m, 3), w)
	}
	if d, ok := weekdayOf(t.text); ok {
		return p.turnedCycle(p.weekday(d), w)
	}
	if u, ok := singular(t.text); ok {
		p.take()
		return p.turnedUnit(w, u)
	}
	if part, ok := partOf(t.text); ok {
		return p.turnedPart(w, part, t.text)
	}
	if t.is("weekend") && w != past {
		p.take()
		saturday := p.today().monday().plusDays(7*int(w) + 5)
		return reading{named: namedPeriod(p.days(saturday, saturday.plusDays(2)))}, nil
	}
	return reading{}, p.unexpected()
}

func (p *parser) turnedCycle(y *cycle, w turn) (reading, error) {
	p.take()
	n, ok := y.of(w, p.now)
	if !ok {
		return reading{}, fmt.Errorf("there is none in the years %d to %d", minYear, maxYear)
	}
	return reading{named: n}, nil
}

// turnedUnit reads "last week" and its like. Of units shorter than a day the last and the next one
// are the time that they take, back or forth from now.
func (p *parser) turnedUnit(w turn, u unit) (reading, error) {
	switch {
	case w == this:
		return p.present(u), nil
	case w == past || u <= hour:
		var d distance
		if err := d.add("1", u); err != nil {
			return reading{}, err
		}
		return p.rolling(d, w)
	case u == day:
		return reading{}, fmt.Errorf("%s is ambiguous: say yesterday, tomorrow or past day",
			p.peek(-2).text+" "+p.peek(-1).text)
	}
	if d, ok := weekdayOf(p.peek(0).text); ok && u == week {
		p.take()
		n, _ := p.weekday(d).member(int(w))
		return reading{named: n}, nil
	}
	return reading{named: namedPeriod(p.calendarUnit(p.today(), u, int(w)))}, nil
}

func (p *parser) present(u unit) reading {
	switch {
	case u <= hour:
		return reading{named: namedPeriod(p.clockUnit(p.now, u))}
	case u == day:
		return p.dayAround(0)
	}
	return reading{named: namedPeriod(p.calendarUnit(p.today(), u, 0))}
}

// turnedPart reads "this morning", and "last night", which began yesterday.
func (p *parser) turnedPart(w turn, part part, word string) (reading, error) {
	backward := w == last && (word == "night" || word == "evening")
	if w != this && !backward {
		return reading{}, p.unexpected()
	}
	p.take()
	return p.timed(p.dayAround(min(int(w), 0)), clock{part: part})
}

// rolling is the time of a distance, back or forth from now.
func (p *parser) rolling(d distance, w turn) (reading, error) {
	if w == next {
		t, err := p.move(d, 1)
		return reading{named: namedPeriod(period{p.now, t})}, err
	}
	t, err := p.move(d, -1)
	return reading{named: namedPeriod(period{t, p.now})}, err
}

// distanceAhead reports whether a count of some unit comes next.
func (p *parser) distanceAhead() bool {
	_, _, n := p.countAhead()
	return n > 0
}

// countAhead looks at "3 days", "3d", "an hour", "half an hour", "a couple of days", without taking
// it. It returns how many tokens that is.
func (p *parser) countAhead() (count string, u unit, tokens int) {
	t := p.peek(0)
	numeral, isNumeral := numeralOf(t.text)
	switch {
	case t.kind == number:
		count, tokens = t.text, 1
	case t.is("half") && p.peek(1).is("a", "an"):
		count, tokens = "0.5", 2
	case t.is("a") && p.peek(1).is("couple") && p.peek(2).is("of"):
		count, tokens = "2", 3
	case t.is("couple") && p.peek(1).is("of"):
		count, tokens = "2", 2
	case t.kind == name && isNumeral:
		count, tokens = numeral, 1
	default:
		return "", 0, 0
	}
	unitToken := p.peek(tokens)
	u, ok := unitOf(unitToken.text)
	if !ok || unitToken.kind != name {
		return "", 0, 0
	}
	return count, u, tokens + 1
}

// distance reads "2 days", "1h30m", "2 days, 3 hours and 5 minutes".
func (p *parser) distance() (distance, error) {
	var d distance
	for {
		count, u, tokens := p.countAhead()
		if tokens == 0 {
			return d, nil
		}
		p.pos += tokens
		if err := d.add(count, u); err != nil {
			return d, err
		}
		joint := p.pos
		p.acceptKind(comma)
		if !p.between {
			p.accept("and")
		}
		if !p.distanceAhead() {
			p.pos = joint
			return d, nil
		}
	}
}

// ago reads "2 days ago", "2d" and "2 days from now".
func (p *parser) ago() (reading, error) {
	d, err := p.distance()
	if err != nil {
		return reading{}, err
	}
	if p.accept("from", "now") {
		return p.away(d, 1)
	}
	p.accept("ago")
	return p.away(d, -1)
}

// ahead reads what follows "in": "2 days".
func (p *parser) ahead() (reading, error) {
	d, err := p.distance()
	if err != nil {
		return reading{}, err
	}
	return p.away(d, 1)
}

// away is the moment at a distance; as a span it is the unit of the distance that it lies in.
func (p *parser) away(d distance, sign int) (reading, error) {
	t, err := p.move(d, sign)
	if err != nil {
		return reading{}, err
	}
	if d.smallest <= hour {
		return reading{named: named{at: instant(t), wide: p.clockUnit(t, d.smallest)}}, nil
	}
	date := civilOf(t)
	wide := p.calendarUnit(date, d.smallest, 0)
	return reading{named: named{at: instant(t), wide: wide, day: date, isDay: true}}, nil
}

// unix reads "@1700000000", seconds since 1970 in UTC.
func (p *parser) unix() (reading, error) {
	t := p.take()
	if len(t.parts[1]) > 12 || len(t.parts[2]) > maxFraction {
		return reading{}, fmt.Errorf("%s has too many digits", t.text)
	}
	seconds, nanos := int64(decimal(t.parts[1])), nanoseconds(t.parts[2])
	if t.parts[0] == "-" {
		seconds, nanos = -seconds, -nanos
	}
	at := instant(time.Unix(seconds, nanos).In(p.loc))
	return reading{named: namedPeriod(at), dated: true}, nil
}
