package when

import (
	"errors"
	"time"
)

// separators are the words between the two ends of a span.
func separators() []string { return []string{"to", "until", "till", "through", "thru", "and"} }

// span reads a span, or a moment that stands for its own.
func (p *parser) span() (period, error) {
	word := p.peek(0)
	switch {
	case p.accept("between"):
		return p.twoEnds(true, p.moment)
	case p.accept("from"):
		return p.twoEnds(false, p.moment)
	case p.accept("since"), p.accept("after"), p.accept("before"),
		p.accept("until"), p.accept("till"), p.accept("up", "to"):
		r, err := p.moment()
		return openSpan(word.text, r.at), err
	}
	r, err := p.moment()
	if err != nil {
		return period{}, err
	}
	if r.isDay && !r.timed && p.peek(0).is("from", "between") {
		return p.hoursOf(r)
	}
	if p.separator(false) {
		return p.untilMoment(r, p.moment)
	}
	return r.wide, nil
}

func openSpan(word string, p period) period {
	switch word {
	case "since":
		return period{from: p.from}
	case "after":
		return period{from: after(p.to)}
	case "before":
		return period{to: before(p.from)}
	}
	return period{to: p.to}
}

// separator takes "and" of between, or what stands between the ends otherwise.
func (p *parser) separator(between bool) bool {
	if between {
		return p.accept("and")
	}
	if p.acceptKind(dash) {
		return true
	}
	return p.peek(0).is(separators()...) && !p.peek(0).is("and") && p.take().kind == name
}

// twoEnds reads "X to Y" or "X and Y"; "from X" alone is open.
func (p *parser) twoEnds(between bool, end func() (reading, error)) (period, error) {
	p.between = between
	r, err := end()
	if err != nil {
		return period{}, err
	}
	if p.separator(between) {
		return p.untilMoment(r, end)
	}
	if between || p.peek(0).kind != endOfText {
		return period{}, p.unexpected()
	}
	return openSpan("since", r.at), nil
}

// hoursOf reads "from 14:00 to 16:00" behind a day.
func (p *parser) hoursOf(day reading) (period, error) {
	between := p.take().is("between")
	hours := func() (reading, error) {
		if !p.clockAhead() {
			return reading{}, p.unexpected()
		}
		t, err := p.clock()
		if err != nil {
			return reading{}, err
		}
		return p.timed(day, t)
	}
	r, err := hours()
	if err != nil {
		return period{}, err
	}
	if !p.separator(between) {
		return period{}, p.unexpected()
	}
	return p.untilMoment(r, hours)
}

// untilMoment reads the second end of a span, and lets the ends tell each other their years.
func (p *parser) untilMoment(from reading, end func() (reading, error)) (period, error) {
	to, err := end()
	if err != nil {
		return period{}, err
	}
	switch {
	case to.bare && from.zoned:
		return period{}, errors.New("it is not clear in which zone the second time is")
	case to.bare && from.timed:
		to, err = to.moved(p.namedDay(from.day))
	case to.cycle != nil:
		to, err = p.endAfter(from, to)
	case from.cycle != nil:
		from, err = p.startBefore(from, to)
	}
	if err != nil {
		return period{}, err
	}
	if to.at.to.Before(from.at.from) {
		return period{}, errors.New("it ends before it begins")
	}
	return period{from.at.from, to.at.to}, nil
}

// endAfter lets "March" be the one after "January" where the most recent one comes before it.
func (p *parser) endAfter(from, to reading) (reading, error) {
	start := from.at.from
	following, ok := to.cycle.near(start, p.now).earliest(func(m period) bool {
		return !m.to.Before(start)
	})
	if !ok {
		return to, errors.New("the second end lies outside of the calendar")
	}
	if to.at.to.Before(start) {
		return to.moved(following)
	}
	recent, _ := to.cycle.begun(p.now)
	if from.dated && to.cycle.yearly && !recent.at.from.Equal(following.at.from) {
		return to, errors.New("it is not clear of which year the second end is")
	}
	return to, nil
}

// startBefore lets "January" in "from January to March 2024" be the one before that March.
func (p *parser) startBefore(from, to reading) (reading, error) {
	leading, ok := from.cycle.near(to.at.from, p.now).latest(func(m period) bool {
		return m.from.Before(to.at.from)
	})
	if !ok {
		return from, errors.New("the first end lies outside of the calendar")
	}
	if to.at.to.Before(from.at.from) {
		return from.moved(leading)
	}
	recent, _ := from.cycle.begun(p.now)
	if to.dated && from.cycle.yearly && !leading.at.from.Equal(recent.at.from) {
		return from, errors.New("it is not clear of which year the first end is")
	}
	return from, nil
}

// check refuses results that no store can hold, and days that a zone has skipped.
func (c calendar) check(p period) error {
	for _, t := range []time.Time{p.from, p.to} {
		if t.IsZero() {
			return errors.New("the first moment of the year 1 is too early")
		}
		for _, y := range []int{t.In(c.loc).Year(), t.UTC().Year()} {
			if err := checkYear(y); err != nil {
				return err
			}
		}
	}
	if p.to.Before(p.from) {
		return errors.New("clocks in " + c.loc.String() + " skipped it")
	}
	return nil
}
