package when

import (
	"strings"
	"time"
)

// lookup tables as functions, so that nothing can change them

func monthOf(word string) (time.Month, bool) {
	if word == "sept" {
		return time.September, true
	}
	for m := time.January; m <= time.December; m++ {
		full := strings.ToLower(m.String())
		if word == full || word == full[:3] {
			return m, true
		}
	}
	return 0, false
}

func weekdayOf(word string) (time.Weekday, bool) {
	switch word {
	case "tues":
		return time.Tuesday, true
	case "thur", "thurs":
		return time.Thursday, true
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		full := strings.ToLower(d.String())
		if word == full || word == full[:3] {
			return d, true
		}
	}
	return 0, false
}

// seasonOf returns the first month of a season: the meteorological ones of the northern half.
func seasonOf(word string) (time.Month, bool) {
	switch word {
	case "spring":
		return time.March, true
	case "summer":
		return time.June, true
	case "autumn", "fall":
		return time.September, true
	case "winter":
		return time.December, true
	}
	return 0, false
}

// partOf returns the hours at which a part of the day begins and ends, counted from midnight.
func partOf(word string) (part, bool) {
	switch word {
	case "morning":
		return part{5, 12}, true
	case "afternoon":
		return part{12, 18}, true
	case "evening":
		return part{18, 22}, true
	case "night":
		return part{18, 24 + 5}, true
	}
	return part{}, false
}

func unitOf(word string) (unit, bool) {
	switch word {
	case "s", "sec", "secs", "second", "seconds":
		return second, true
	case "m", "min", "mins", "minute", "minutes":
		return minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return hour, true
	case "d", "day", "days":
		return day, true
	case "w", "wk", "wks", "week", "weeks":
		return week, true
	case "mo", "mos", "month", "months":
		return month, true
	case "quarter", "quarters":
		return quarter, true
	case "y", "yr", "yrs", "year", "years":
		return year, true
	}
	return 0, false
}

// singular reports whether the word names one unit in full, as in "last week".
func singular(word string) (unit, bool) {
	u, ok := unitOf(word)
	return u, ok && len(word) > 2 && !strings.HasSuffix(word, "s")
}

func numeralOf(word string) (string, bool) {
	switch word {
	case "a", "an", "one":
		return "1", true
	case "two":
		return "2", true
	case "three":
		return "3", true
	case "four":
		return "4", true
	case "five":
		return "5", true
	case "six":
		return "6", true
	case "seven":
		return "7", true
	case "eight":
		return "8", true
	case "nine":
		return "9", true
	case "ten":
		return "10", true
	case "eleven":
		return "11", true
	case "twelve":
		return "12", true
	}
	return "", false
}

// ordinal reports whether suffix makes an ordinal number of digits: 1st, 2nd, 3rd, 4th, 11th.
func ordinal(digits, suffix string) bool {
	n := decimal(digits)
	want := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			want = "st"
		case 2:
			want = "nd"
		case 3:
			want = "rd"
		}
	}
	return suffix == want
}

// turn is which of several like periods is meant.
type turn int

const (
	last turn = iota - 1
	this
	next
	past // like last; but of a unit: the time it takes, up to now
)

func turnOf(word string) (turn, bool) {
	switch word {
	case "last", "previous":
		return last, true
	case "past":
		return past, true
	case "this", "current":
		return this, true
	case "next", "coming":
		return next, true
	}
	return 0, false
}
