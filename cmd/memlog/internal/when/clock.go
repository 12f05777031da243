package when

import (
	"errors"
	"fmt"
	"time"
)

// maxFraction is how many digits of a second can be given: nanoseconds.
const maxFraction = 9

// part is a part of a day, in hours from its midnight.
type part struct{ from, to int }

// clock is a time of day: a part of it, or a time to the hour, minute, second, or exact.
type clock struct {
	part      part
	offset    time.Duration // since midnight, as the clock shows it
	precision unit          // hour, minute or second; 0 is exact
	zone      *time.Location
}

// on applies a time of day to a day.
func (t clock) on(c calendar, n named) (named, error) {
	if !n.isDay {
		return named{}, errors.New("a time of day needs a day")
	}
	if t.zone != nil {
		c = c.in(t.zone)
	}
	if t.part != (part{}) {
		from, _, _ := c.wall(n.day, time.Duration(t.part.from)*time.Hour)
		end, _, _ := c.wall(n.day, time.Duration(t.part.to)*time.Hour)
		p := period{from: from, to: before(end)}
		return named{at: p, wide: p, day: n.day}, nil
	}
	first, last, ok := c.wall(n.day, t.offset)
	if !ok {
		return named{}, fmt.Errorf("clocks in %s skipped that time on %s", c.loc, n.day)
	}
	return named{
		day:  n.day,
		at:   period{first, endOf(last, min(t.precision, minute))},
		wide: period{first, endOf(last, t.precision)},
	}, nil
}

// endOf returns the last tick of a unit that begins at t.
func endOf(t time.Time, u unit) time.Time {
	if u == 0 {
		return t
	}
	return before(t.Add(time.Duration(u.seconds()) * time.Second))
}

// clockAhead reports whether a time of day comes next.
func (p *parser) clockAhead() bool {
	switch t := p.peek(0); t.kind {
	case clockTime:
		return true
	case number:
		return p.peek(1).is("am", "pm")
	default:
		return t.is("noon", "midnight")
	}
}

// clock reads "14:30", "14:30:05.5", "3pm", "3:30 pm", "noon", and what is said about its zone.
func (p *parser) clock() (clock, error) {
	t := p.take()
	switch {
	case t.is("noon"):
		return clock{offset: 12 * time.Hour, precision: hour}, nil
	case t.is("midnight"):
		return clock{}, errors.New("midnight is ambiguous: say 00:00 of the day that it begins")
	case t.kind == number:
		h, err := p.halfDay(t.text)
		return clock{offset: time.Duration(h) * time.Hour, precision: hour}, err
	}
	read, err := p.digitalClock(t)
	if err != nil {
		return clock{}, err
	}
	return p.zoned(read, t)
}

func (p *parser) digitalClock(t token) (clock, error) {
	h, m, s := decimal(t.parts[0]), decimal(t.parts[1]), decimal(t.parts[2])
	if m > 59 || s > 59 || h > 23 {
		return clock{}, fmt.Errorf("%s is not between 00:00:00 and 23:59:59", t.text)
	}
	if p.peek(0).is("am", "pm") {
		var err error
		if h, err = p.halfDay(t.parts[0]); err != nil {
			return clock{}, err
		}
	}
	if len(t.parts[3]) > maxFraction {
		return clock{}, fmt.Errorf("%s has more than %d digits of a second", t.text, maxFraction)
	}
	read := clock{offset: clockOffset(h, m, s, int(nanoseconds(t.parts[3])))}
	switch {
	case t.parts[2] == "":
		read.precision = minute
	case t.parts[3] == "":
		read.precision = second
	}
	return read, nil
}

// halfDay reads "am" or "pm" and returns the hour of 24.
func (p *parser) halfDay(digits string) (int, error) {
	suffix := p.take().text
	h := decimal(digits)
	if len(digits) > 2 || h < 1 || h > 12 {
		return 0, fmt.Errorf("%s%s is not between 1 and 12", digits, suffix)
	}
	h %= 12
	if suffix == "pm" {
		h += 12
	}
	return h, nil
}

// zoned reads the zone behind a time. With one, and seconds, it is RFC 3339, which is exact.
func (p *parser) zoned(read clock, t token) (clock, error) {
	switch z := p.peek(0); {
	case z.is("z", "utc", "gmt"):
		read.zone = time.UTC
	case z.kind == zoneOffset:
		h, m := decimal(z.parts[1]), decimal(z.parts[2])
		// Behind hours and minutes alone, -16:00 is rather the end of a span than a zone.
		if h > 23 || m > 59 || t.parts[2] == "" && h > 14 {
			return clock{}, fmt.Errorf("%s is not a zone", z.text)
		}
		east := h*3600 + m*60
		if z.parts[0] == "-" {
			east = -east
		}
		read.zone = time.FixedZone("", east)
	default:
		return read, nil
	}
	p.take()
	if t.parts[2] != "" {
		read.precision = 0
	}
	return read, nil
}
