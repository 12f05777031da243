package when

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func reason(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Reason
}

func TestAtRefuses(t *testing.T) {
	now := wednesday(t)
	for expr, want := range map[string]string{
		"":                         "it is empty",
		" . ":                      "it is empty",
		strings.Repeat("1", 201):   "it is longer than 200 bytes",
		"yester\xffday":            "it is not valid UTF-8",
		"blurb":                    `"blurb" is not understood`,
		"yesterday blurb":          `"blurb" is not understood after "yesterday"`,
		"2025-01-25 foo":           `"foo" is not understood after "2025-01-25"`,
		"last":                     `something is missing after "last"`,
		"the last week":            `"the" is not understood`,
		"few days ago":             `"few" is not understood`,
		"yesterday at":             `something is missing after "at"`,
		"yesterday,":               `"," is not understood after "yesterday"`,
		"last week at 14:00":       "a time of day needs a day",
		"2 hours ago at 14:00":     "a time of day needs a day",
		"2025-02-30":               "February 2025 has 28 days, not 30",
		"2025-13-01":               "month 13 is not between 1 and 12",
		"2025-00":                  "month 0 is not between 1 and 12",
		"31 April":                 "April has no day 31",
		"29 Feb 2025":              "February 29: there is none in the year 2025",
		"0000":                     "year 0 is not between 1 and 9999",
		"0000-01-01":               "year 0 is not between 1 and 9999",
		"10000":                    "10000 is not a year from 1 to 9999",
		"24":                       `something is missing after "24"`,
		"1.55":                     `"1.55" is not understood`,
		"2021-W53":                 "year 2021 has no week 53",
		"2024-Q5":                  "quarter 5 is not between 1 and 4",
		"Q0":                       "quarter 0 is not between 1 and 4",
		"2025-01-01 25:00":         "25:00 is not between 00:00:00 and 23:59:59",
		"24:00":                    "24:00 is not between 00:00:00 and 23:59:59",
		"23:60":                    "23:60 is not between 00:00:00 and 23:59:59",
		"2016-12-31T23:59:60Z":     "23:59:60 is not between 00:00:00 and 23:59:59",
		"14:305":                   `"14:305" is not a date, a time or a number`,
		"14:30:00.1234567890":      "14:30:00.1234567890 has more than 9 digits of a second",
		"13pm":                     "13pm is not between 1 and 12",
		"0am":                      "0am is not between 1 and 12",
		"15:30 pm":                 "15pm is not between 1 and 12",
		"at 3":                     `"3" is not understood after "at"`,
		"14:30Z":                   "a time with a zone needs a date with a year",
		"yesterday 14:30 UTC":      "a time with a zone needs a date with a year",
		"2025-01-01T00:00:00 CET":  `"cet" is not understood after "00:00:00"`,
		"2025-01-01T00:00:00+2400": "+2400 is not a zone",
		"999999999999 years ago":   "999999999999 is too many: only the years 1 to 9999 are known",
		"99999999999999999 s":      "99999999999999999 is too many: only the years 1 to 9999 are known",
		"2025 years ago":           "year 0 is not between 1 and 9999",
		"in 9000 years":            "year 11025 is not between 1 and 9999",
		"1.5 days ago":             "a fraction is possible only of hours, minutes and seconds",
		"half a week ago":          "a fraction is possible only of hours, minutes and seconds",
		"in 2 days ago":            `"ago" is not understood after "days"`,
		"@99999999999999":          "@99999999999999 has too many digits",
		"@999999999999":            "year 33658 is not between 1 and 9999",
		"0001-01-01T00:00:00Z":     "the first moment of the year 1 is too early",
		"0001-01-01":               "year 0 is not between 1 and 9999", // in UTC
		"03/04/2024":               "03/04/2024 is ambiguous: day first or month first",
		"3.4.2024":                 "3.4.2024 is ambiguous: day first or month first",
		"03/04":                    "03/04 is ambiguous: day first or month first",
		"25/01/2024":               "25/01/2024 is not written year first",
		"midnight":                 "midnight is ambiguous: say 00:00 of the day that it begins",
		"last day":                 "last day is ambiguous: say yesterday, tomorrow or past day",
		"winter 2024":              "winter of one year is ambiguous: it lies in two",
		"Monday, 5 March 2024":     "2024-03-05 is not a Monday",
		"5st March":                `"5" is not understood`,
		"since Monday":             errSpan.Error(),
		"January to March":         errSpan.Error(),
		"2024-01-01..2024-02-01":   errSpan.Error(),
		"yesterday\x00":            `'\x00' has no meaning here`,
		"昨日":                       `"昨日" is not understood`,
	} {
		for _, b := range []Bound{Start, End} {
			got, err := At(expr, now, b)
			if reason(err) != want || !got.IsZero() {
				t.Errorf("At(%q, %d) = %v, reason %q, want %q", expr, b, got, reason(err), want)
			}
		}
	}
}

func TestPresentOutOfRange(t *testing.T) {
	now := time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)
	if got, err := At("yesterday", now, Start); err == nil {
		t.Errorf("At with now in the year 10000 = %v, want an error", got)
	}
}

// The text of an error is the only help many callers get: it must end with what works.
func TestErrorEndsWithExamplesThatWork(t *testing.T) {
	now := wednesday(t)
	_, err := At("blurb", now, Start)
	_, listed, found := strings.Cut(err.Error(), "; write for example ")
	if !found {
		t.Fatalf("no examples in %q", err)
	}
	for _, expr := range strings.Split(listed, ", ") {
		if _, err := At(expr, now, End); err != nil {
			t.Errorf("example for At: %v", err)
		}
		if _, _, err := Span(expr, now); err != nil {
			t.Errorf("example for Span: %v", err)
		}
	}
}

func TestErrorIsShort(t *testing.T) {
	_, err := At(strings.Repeat("ä", 1<<20), wednesday(t), Start)
	if n := len(err.Error()); n > 1000 {
		t.Errorf("error of a long expression has %d bytes", n)
	}
}
