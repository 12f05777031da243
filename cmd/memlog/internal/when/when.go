package when

import (
	"errors"
	"time"
)

// MaxLength is how long an expression may be, in bytes.
const MaxLength = 200

// Bound says which end of a period is asked for where an expression names one: "2025-01-25" is its
// first moment as a lower bound, and its last one as an upper or as-of bound.
type Bound int

const (
	// Start asks for the first moment.
	Start Bound = iota
	// End asks for the last moment: the last microsecond, which is the precision of the store.
	End
)

var errSpan = errors.New("it names a span, but one moment is asked for")

// At reads an expression that names one moment or one period, and returns the end of it that b asks
// for, in the zone of now. Days, weeks and times without a zone are those of now.Location(). The
// result lies in the years 1 to 9999 and is never the zero time. A span, such as "since Monday", is
// an error, as is all that cannot be understood in full; every error is an [*Error].
func At(expr string, now time.Time, b Bound) (time.Time, error) {
	p, err := newParser(expr, now)
	if err != nil {
		return time.Time{}, refuse(expr, err)
	}
	if p.peek(0).is("from", "between", "since", "after", "before", "until", "till", "up") {
		return time.Time{}, refuse(expr, errSpan)
	}
	r, err := p.moment()
	if err == nil && p.peek(0).kind != endOfText && p.separatorAhead() {
		err = errSpan
	}
	if err == nil {
		err = p.end()
	}
	if err == nil {
		err = p.check(r.at)
	}
	if err != nil {
		return time.Time{}, refuse(expr, err)
	}
	if b == End {
		return r.at.to.In(p.loc), nil
	}
	return r.at.from.In(p.loc), nil
}

// Span reads an expression that names a stretch of time: two moments ("from January to March"), one
// ("since Monday"), or a period ("last week"). Both from and to are included: to is the last
// microsecond. The zero time is an end left open; at most one is. A moment stands for what it was
// measured in: "2 days ago" for that day, "3pm" for that hour, "14:30" for that minute. Zone, range
// and errors are those of [At].
func Span(expr string, now time.Time) (from, to time.Time, err error) {
	p, err := newParser(expr, now)
	if err != nil {
		return time.Time{}, time.Time{}, refuse(expr, err)
	}
	s, err := p.span()
	if err == nil {
		err = p.end()
	}
	if err == nil {
		err = p.checkSpan(s)
	}
	if err != nil {
		return time.Time{}, time.Time{}, refuse(expr, err)
	}
	return p.local(s.from), p.local(s.to), nil
}

func newParser(expr string, now time.Time) (*parser, error) {
	if err := checkYear(now.Year()); err != nil {
		return nil, err
	}
	tokens, err := lex(expr)
	if err != nil {
		return nil, err
	}
	return &parser{calendar: newCalendar(now), tokens: tokens}, nil
}

// checkSpan checks a span of which an end may be open.
func (c calendar) checkSpan(p period) error {
	switch {
	case p.from.IsZero() && !p.to.IsZero():
		p.from = p.to
	case p.to.IsZero() && !p.from.IsZero():
		p.to = p.from
	}
	return c.check(p)
}

// local shows a moment in the zone of now, and leaves an open end the zero time in UTC.
func (c calendar) local(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.In(c.loc)
}
