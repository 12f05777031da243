package when

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// unit is a unit of time, in order of length.
type unit int

const (
	second unit = iota + 1
	minute
	hour
	day
	week
	month
	quarter
	year
)

// seconds is the length of the units that always have the same one, else 0.
func (u unit) seconds() int64 { return [...]int64{second: 1, minute: 60, hour: 3600, year: 0}[u] }

// months is the length of the units that are made of months, else 0.
func (u unit) months() int { return [...]int{month: 1, quarter: 3, year: 12}[u] }

// most is how many of the unit can be counted back or forth: all that fit into the years 1 to 9999.
func (u unit) most() int64 {
	const years = maxYear
	return [...]int64{
		second: years * 366 * 86400, minute: years * 366 * 1440, hour: years * 366 * 24,
		day: years * 366, week: years * 53, month: years * 12, quarter: years * 4, year: years,
	}[u]
}

// distance is a sum of units, such as "2 days and 3 hours". Days and longer are steps in the
// calendar: the clock shows the same time before and after. Hours and shorter are elapsed time.
type distance struct {
	months, days   int
	seconds, nanos int64
	smallest       unit
}

// add adds n, which is decimal and may have a fraction, of unit u.
func (d *distance) add(n string, u unit) error {
	whole, fraction, hasFraction := strings.Cut(n, ".")
	count, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || count > u.most() {
		return fmt.Errorf("%s is too many: only the years %d to %d are known", n, minYear, maxYear)
	}
	if hasFraction && (u > hour || len(fraction) > maxFraction) {
		return errors.New("a fraction is possible only of hours, minutes and seconds")
	}
	switch {
	case u <= hour:
		d.seconds += count * u.seconds()
		d.nanos += nanoseconds(fraction) * u.seconds()
	case u == day:
		d.days += int(count)
	case u == week:
		d.days += 7 * int(count)
	default:
		d.months += u.months() * int(count)
	}
	if d.smallest == 0 || u < d.smallest {
		d.smallest = u
	}
	return nil
}

// nanoseconds reads the digits behind a decimal point, at most nine.
func nanoseconds(fraction string) int64 {
	n, err := strconv.ParseInt((fraction + "000000000")[:maxFraction], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// move goes the distance back (sign -1) or forth (+1) from now. Where the clock skips the time it
// would show, the moment of the skip is meant; where it shows it twice, the first one.
func (c calendar) move(d distance, sign int) (time.Time, error) {
	t := c.now
	if d.months != 0 || d.days != 0 {
		date := c.today().plusMonths(sign * d.months).plusDays(sign * d.days)
		if err := checkYear(date.year); err != nil {
			return time.Time{}, err
		}
		h, m, s := t.Clock()
		t, _, _ = c.wall(date, clockOffset(h, m, s, t.Nanosecond()))
	}
	seconds := t.Unix() + int64(sign)*d.seconds
	moved := time.Unix(seconds, int64(t.Nanosecond())+int64(sign)*d.nanos).In(c.loc)
	return moved.Truncate(tick), checkYear(moved.Year())
}

func clockOffset(h, m, s, nanos int) time.Duration {
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute +
		time.Duration(s)*time.Second + time.Duration(nanos)
}
