package when

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// words is what the generators put together.
func words() []string {
	return strings.Fields(`2025-01-25 2025-01 2025 2025-W04 2025-Q1 14:30 14:30:05 3pm 3 5th 31 0 2d
		1h30m 1.5
		@1700000000 now today yesterday tomorrow tonight noon last this next past previous January
		feb March dec Monday sunday spring winter Q1 day days week weeks month months quarter year years
		hour hours minute second ago in on at the of and to from between since before after until start
		end beginning morning evening night weekend a an half couple two , .. - Z UTC +02:00 T 12 1 2024
		2011-12-30 2025-03-30 02:30 0001 9999 9999-12-31 0001-01-01 999999999`)
}

func drawNow(t *rapid.T) time.Time {
	name := rapid.SampledFrom([]string{
		"UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "America/St_Johns",
	}).Draw(t, "zone")
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	seconds := rapid.Int64Range(-62135500000, 253402200000).Draw(t, "now")
	return time.Unix(seconds, rapid.Int64Range(0, 999999999).Draw(t, "nanos")).In(loc)
}

// Any words in any order: what is understood has its start before its end, lies in the calendar,
// and means the same when it is written as RFC 3339.
func TestPropertyStartBeforeEnd(t *testing.T) {
	understood := 0
	rapid.Check(t, func(t *rapid.T) {
		expr := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words()), 1, 5).Draw(t, "words"), " ")
		if holds(t, expr, drawNow(t)) {
			understood++
		}
	})
	if understood == 0 {
		t.Error("no expression was understood: the generator is of no use")
	}
}

func TestPropertyUnderstood(t *testing.T) {
	shapes := []string{
		"%", "last %", "this %", "next %", "start of %", "end of last %", "% 14:30", "3pm on %",
		"% 2024", "5 %", "2 %s ago", "in 3 %s", "from % to %", "since %", "before %", "past %",
		"from last % to %", "between % and 2024", "% morning", "% last year", "% last week",
	}
	names := strings.Fields(`January February March May December Monday Wednesday Sunday spring summer
		winter second minute hour day week month quarter year yesterday today tomorrow Q2`)
	rapid.Check(t, func(t *rapid.T) {
		expr := rapid.SampledFrom(shapes).Draw(t, "shape")
		for strings.Contains(expr, "%") {
			expr = strings.Replace(expr, "%", rapid.SampledFrom(names).Draw(t, "name"), 1)
		}
		holds(t, expr, drawNow(t))
	})
}

// holds checks what must be true of every expression, and reports whether it was understood.
func holds(t rapid.TB, expr string, now time.Time) bool {
	from, errFrom := At(expr, now, Start)
	to, errTo := At(expr, now, End)
	if (errFrom == nil) != (errTo == nil) {
		t.Fatalf("At(%q): error as start %v, as end %v", expr, errFrom, errTo)
	}
	if errFrom == nil {
		holdsMoment(t, expr, now, from)
		holdsMoment(t, expr, now, to)
		if to.Before(from) {
			t.Fatalf("At(%q) starts at %v and ends at %v", expr, from, to)
		}
	} else if reason(errFrom) == "" {
		t.Fatalf("At(%q): error without a reason: %v", expr, errFrom)
	}
	spanFrom, spanTo, err := Span(expr, now)
	if err != nil {
		if reason(err) == "" {
			t.Fatalf("Span(%q): error without a reason: %v", expr, err)
		}
		return errFrom == nil
	}
	if spanFrom.IsZero() && spanTo.IsZero() {
		t.Fatalf("Span(%q) is open at both ends", expr)
	}
	for _, end := range []time.Time{spanFrom, spanTo} {
		if !end.IsZero() {
			holdsMoment(t, expr, now, end)
		}
	}
	if !spanFrom.IsZero() && !spanTo.IsZero() && spanTo.Before(spanFrom) {
		t.Fatalf("Span(%q) is from %v to %v", expr, spanFrom, spanTo)
	}
	return true
}

func holdsMoment(t rapid.TB, expr string, now, got time.Time) {
	y, here := got.Year(), got.Location() == now.Location()
	if y < minYear || y > maxYear || got.IsZero() || !here {
		t.Fatalf("%q means %v", expr, got)
	}
	written := got.Format(time.RFC3339Nano)
	if _, seconds := got.Zone(); seconds%60 != 0 { // RFC 3339 has no seconds of an offset
		written = got.UTC().Format(time.RFC3339Nano)
	}
	again, err := At(written, now, Start)
	if err != nil || !again.Equal(got) {
		t.Fatalf("%q means %v, which written as %s means %v (%v)", expr, got, written, again, err)
	}
}

// What the standard library takes for RFC 3339 is understood, and means the same.
func TestPropertyRFC3339(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := drawNow(t)
		at := time.Unix(rapid.Int64Range(-62135500000, 253402200000).Draw(t, "at"),
			rapid.Int64Range(0, 999999999).Draw(t, "fraction"))
		at = at.In(time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "offset")))
		text, err := at.MarshalText()
		if err != nil {
			t.Skip()
		}
		for _, b := range []Bound{Start, End} {
			if got, err := At(string(text), now, b); err != nil || !got.Equal(at) {
				t.Fatalf("At(%q) = %v, %v", text, got, err)
			}
		}
	})
}

func FuzzAt(f *testing.F) {
	for _, w := range words() {
		f.Add(w, int64(1750251845))
	}
	for _, expr := range []string{
		"from January to March", "2 days, 3 hours ago", "Tue, 05 Mar 2024 14:30:05 GMT",
		"end of the month",
		"yesterday from 14:00 to 16:00", "the 5th of last month", "1h30m", "2025-01-25T14:30:05.5+02:00",
		"between 2024-01-01 and 2024-02-01", "a couple of weeks from now", "Monday–Friday", "12 p.m.",
	} {
		f.Add(expr, int64(-62135596800))
	}
	loc := zone(f, "America/St_Johns")
	f.Fuzz(func(t *testing.T, expr string, seconds int64) {
		now := time.Unix(seconds, 0).In(loc)
		holds(t, expr, now)
		var at time.Time
		if err := at.UnmarshalText([]byte(expr)); err == nil {
			got, err := At(expr, now, End)
			if err == nil && !got.Equal(at) {
				t.Fatalf("At(%q) = %v, want %v", expr, got, at)
			}
		}
	})
}
