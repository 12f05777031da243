package when

import (
	"errors"
	"fmt"
	"slices"
)

// parser reads tokens by recursive descent: each method reads one construct of the grammar in
// doc.go and either returns what it means or why it cannot.
type parser struct {
	calendar
	tokens []token
	pos    int

	// between is set while "and" stands between two ends, and not within "2 days and 3 hours".
	between bool
}

// reading is a moment as read. A name without its year or week keeps what it could also mean, and
// what was said about it, so that "to March" can mean the March after "from January".
type reading struct {
	named
	cycle *cycle
	dated bool // it says its year, so that what stands beside it may be in that year too
	timed bool // it has a time of day
	zoned bool // it has one with a zone
	bare  bool // it is a time of day without a day
	steps []func(named) (named, error)
}

// with returns the reading with one more thing said about it.
func (r reading) with(step func(named) (named, error)) (reading, error) {
	n, err := step(r.named)
	if err != nil {
		return reading{}, err
	}
	r.named = n
	r.steps = append(slices.Clip(r.steps), step)
	return r, nil
}

// moved returns the reading with another member of its cycle.
func (r reading) moved(n named) (reading, error) {
	for _, step := range r.steps {
		var err error
		if n, err = step(n); err != nil {
			return r, err
		}
	}
	r.named = n
	return r, nil
}

func (t token) is(words ...string) bool {
	return t.kind == name && slices.Contains(words, t.text)
}

func (p *parser) peek(ahead int) token {
	if p.pos+ahead >= len(p.tokens) {
		return token{}
	}
	return p.tokens[p.pos+ahead]
}

func (p *parser) take() token {
	t := p.peek(0)
	p.pos++
	return t
}

// accept takes the words if all of them come next.
func (p *parser) accept(words ...string) bool {
	for i, w := range words {
		if !p.peek(i).is(w) {
			return false
		}
	}
	p.pos += len(words)
	return true
}

func (p *parser) acceptKind(k kind) bool {
	if p.peek(0).kind != k {
		return false
	}
	p.pos++
	return true
}

// end fails unless everything was understood.
func (p *parser) end() error {
	if p.peek(0).kind == endOfText {
		return nil
	}
	return p.unexpected()
}

// unexpected says what stands where something else should.
func (p *parser) unexpected() error {
	t := p.peek(0)
	switch {
	case t.kind == endOfText && p.pos > 0 && p.pos <= len(p.tokens):
		return fmt.Errorf("something is missing after %q", p.tokens[p.pos-1].text)
	case t.kind == endOfText:
		return errors.New("something is missing")
	case t.kind == number && len(t.text) > 4:
		return fmt.Errorf("%s is not a year from %d to %d", t.text, minYear, maxYear)
	case p.pos == 0:
		return fmt.Errorf("%q is not understood", t.text)
	}
	return fmt.Errorf("%q is not understood after %q", t.text, p.tokens[p.pos-1].text)
}

// moment reads one moment or period.
func (p *parser) moment() (reading, error) {
	if edge := p.peek(0); edge.is("start", "beginning", "end") && p.peek(1).is("of") {
		p.pos += 2
		r, err := p.edgeOf()
		if err != nil {
			return reading{}, err
		}
		return r.with(func(n named) (named, error) {
			if edge.text == "end" {
				return namedPeriod(instant(n.wide.to)), nil
			}
			return namedPeriod(instant(n.wide.from)), nil
		})
	}
	switch {
	case p.peek(0).kind == unixTime:
		return p.unix()
	case p.accept("now"):
		return reading{named: namedPeriod(instant(p.now))}, nil
	}
	return p.daytime()
}

// edgeOf reads what "start of" is about: a moment, or a unit alone, which is the present one.
func (p *parser) edgeOf() (reading, error) {
	the := p.accept("the")
	if u, ok := singular(p.peek(0).text); ok {
		p.take()
		return p.present(u), nil
	}
	if the {
		p.pos--
	}
	return p.daytime()
}

// daytime reads a day or period, a time of day, or both in either order.
func (p *parser) daytime() (reading, error) {
	if at := p.accept("at"); at || p.clockAhead() {
		if !p.clockAhead() {
			return reading{}, p.unexpected()
		}
		return p.clockThenDay()
	}
	r, err := p.date()
	if err != nil {
		return reading{}, err
	}
	return p.dayThenClock(r)
}

// clockThenDay reads "14:30", "3pm on Monday", "noon, 5 March 2024".
func (p *parser) clockThenDay() (reading, error) {
	t, err := p.clock()
	if err != nil {
		return reading{}, err
	}
	r := reading{named: p.namedDay(p.today()), bare: true}
	if !p.separatorAhead() {
		p.acceptKind(comma)
		if r, err = p.date(); err != nil {
			return reading{}, err
		}
	}
	return p.timed(r, t)
}

// separatorAhead reports whether a moment ends here.
func (p *parser) separatorAhead() bool {
	t := p.peek(0)
	return t.kind == endOfText || t.kind == dash || slices.Contains(separators(), t.text)
}

// dayThenClock reads what may follow a day: "at 14:30", ", 3pm", "T14:30Z", "evening".
func (p *parser) dayThenClock(r reading) (reading, error) {
	before := p.pos
	comma := p.acceptKind(comma)
	if word, ok := partOf(p.peek(0).text); ok {
		p.take()
		return p.timed(r, clock{part: word})
	}
	joined := p.pos > 0 && p.tokens[p.pos-1].kind == isoDate &&
		p.peek(0).glued && p.peek(1).glued && p.accept("t")
	said := joined || p.accept("at")
	if !p.clockAhead() {
		if said {
			return reading{}, p.unexpected()
		}
		if comma {
			p.pos = before
		}
		return r, nil
	}
	t, err := p.clock()
	if err != nil {
		return reading{}, err
	}
	return p.timed(r, t)
}

func (p *parser) timed(r reading, t clock) (reading, error) {
	if t.zone != nil && !r.dated {
		return reading{}, errors.New("a time with a zone needs a date with a year")
	}
	r.timed, r.zoned = true, t.zone != nil
	return r.with(func(n named) (named, error) { return t.on(p.calendar, n) })
}
