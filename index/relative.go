package index

import (
	"strings"
	"time"
	"unicode"
)

// span is a stretch of created times, in microseconds, both ends within.
type span struct{ from, to int64 }

// relativeUnits are the units that a query counts back in.
var relativeUnits = map[string]string{
	"hour": "hour", "hours": "hour", "day": "day", "days": "day", "week": "week", "weeks": "week",
	"fortnight": "fortnight", "weekend": "weekend", "month": "month", "months": "month",
	"year": "year", "years": "year",
}

var countWords = map[string]int{
	"a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "four": 4, "five": 5,
	"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}

// querySpans finds the dates that a query names by how far they are from now: yesterday, last week,
// two months ago, last spring, the past three days. Days are those of now's location, weeks begin
// on Monday, seasons are those of the northern hemisphere. Without a now, there are none.
func querySpans(text string, now time.Time) (spans []span) {
	if now.IsZero() {
		return nil
	}
	r := relative{now: now, today: time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0,
		now.Location())}
	r.words = strings.FieldsFunc(strings.ToLower(text), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsNumber(c)
	})
	for i := range r.words {
		from, to, ok := r.at(i)
		if ok && from.Before(to) {
			spans = append(spans, span{from.UnixMicro(), to.UnixMicro() - 1})
		}
	}
	return spans
}

// relative is a query's words and when it is asked.
type relative struct {
	words      []string
	now, today time.Time
}

// word returns the word at i, "" where there is none.
func (r *relative) word(i int) string {
	if i < 0 || i >= len(r.words) {
		return ""
	}
	return r.words[i]
}

func (r *relative) day(n int) time.Time { return r.today.AddDate(0, 0, n) }

// at returns the stretch that the word at i names, with those before it. The end is not within.
func (r *relative) at(i int) (from, to time.Time, ok bool) {
	w, before := r.word(i), r.word(i-1)
	switch {
	case w == "today" || w == "tonight":
		return r.today, r.day(1), true
	case w == "yesterday" && before == "before" && r.word(i-2) == "day":
		return r.day(-2), r.day(-1), true
	case w == "yesterday":
		return r.day(-1), r.today, true
	case w == "ago":
		return r.ago(i)
	case before == "this" && (w == "morning" || w == "afternoon" || w == "evening"):
		return r.today, r.day(1), true
	case w == "night" && before == "last":
		return r.day(-1), r.today.Add(6 * time.Hour), true
	case before == "last" || before == "past" || before == "previous" || before == "this":
		return r.named(w, before)
	}
	unit := relativeUnits[w]
	if n := count(before); n > 0 && unit != "" {
		if b := r.word(i - 2); b == "last" || b == "past" {
			return r.back(n, unit), r.now, true
		}
	}
	return from, to, false
}

// count reads a small number in digits or in a word; 0 where it is none.
func count(w string) int {
	if n := countWords[w]; n > 0 {
		return n
	}
	if n := numeral(w); n > 0 && n < 1000 {
		return n
	}
	return 0
}

// back returns the time so many units before now.
func (r *relative) back(n int, unit string) time.Time {
	switch unit {
	case "hour":
		return r.now.Add(time.Duration(-n) * time.Hour)
	case "day":
		return r.now.AddDate(0, 0, -n)
	case "fortnight":
		return r.now.AddDate(0, 0, -14*n)
	case "month":
		return r.now.AddDate(0, -n, 0)
	case "year":
		return r.now.AddDate(-n, 0, 0)
	}
	return r.now.AddDate(0, 0, -7*n)
}

// ago reads "two months ago". What is further back is meant less exactly.
func (r *relative) ago(i int) (from, to time.Time, ok bool) {
	unit := relativeUnits[r.word(i-1)]
	n := count(r.word(i - 2))
	if r.word(i-2) == "of" { // a couple of
		n = count(r.word(i - 3))
	}
	if n == 0 {
		return from, to, false
	}
	day := r.day(-n)
	switch unit {
	case "hour":
		then := r.back(n, unit)
		return then.Add(-time.Hour), then.Add(time.Hour), true
	case "day":
		return day, day.AddDate(0, 0, 1), true
	case "week", "weekend":
		return r.day(-7*n - 3), r.day(-7*n + 4), true
	case "fortnight":
		return r.day(-14*n - 4), r.day(-14*n + 5), true
	case "month":
		from = r.month(0, -n)
		return from, from.AddDate(0, 1, 0), true
	case "year":
		from = time.Date(r.now.Year()-n, 1, 1, 0, 0, 0, 0, r.now.Location())
		return from, from.AddDate(1, 0, 0), true
	}
	return from, to, false
}

// month returns the first day of a month, so many years and months from the present one.
func (r *relative) month(years, months int) time.Time {
	return time.Date(r.now.Year()+years, r.now.Month()+time.Month(months), 1, 0, 0, 0, 0,
		r.now.Location())
}

// named reads "last week", "past month", "this year", "last May", "last spring", "last Monday".
func (r *relative) named(w, which string) (from, to time.Time, ok bool) {
	loc := r.now.Location()
	this := which == "this"
	unit := relativeUnits[w]
	if which == "past" && unit != "" {
		return r.back(1, unit), r.now, true
	}
	monday := r.day(-(int(r.today.Weekday()) + 6) % 7)
	switch unit {
	case "day":
		if this {
			return r.today, r.day(1), true
		}
		return r.day(-1), r.today, true
	case "week":
		from = monday
		if !this {
			from = monday.AddDate(0, 0, -7)
		}
		return from, from.AddDate(0, 0, 7), true
	case "weekend":
		from = monday.AddDate(0, 0, 5)
		if !this {
			from = from.AddDate(0, 0, -7)
		}
		return from, from.AddDate(0, 0, 2), true
	case "month":
		from = r.month(0, 0)
		if !this {
			from = r.month(0, -1)
		}
		return from, from.AddDate(0, 1, 0), true
	case "year":
		from = time.Date(r.now.Year(), 1, 1, 0, 0, 0, 0, loc)
		if !this {
			from = from.AddDate(-1, 0, 0)
		}
		return from, from.AddDate(1, 0, 0), true
	}
	if d, ok := weekdayNames[w]; ok {
		back := (int(r.today.Weekday()-d) + 7) % 7
		if back == 0 && !this {
			back = 7
		}
		return r.day(-back), r.day(-back + 1), true
	}
	if m, ok := monthNames[w]; ok {
		return r.latest(m, 1, this)
	}
	if s, ok := seasons[w]; ok {
		return r.latest(s[0], 3, this)
	}
	return from, to, false
}

// latest returns the newest stretch of months that begins with one: that has begun, or, of another
// than this, that is over.
func (r *relative) latest(m time.Month, months int, this bool) (from, to time.Time, ok bool) {
	for year := r.now.Year(); ; year-- {
		from = time.Date(year, m, 1, 0, 0, 0, 0, r.now.Location())
		to = from.AddDate(0, months, 0)
		if this && !from.After(r.now) || !to.After(r.now) {
			return from, to, true
		}
	}
}

// maxSpanRows bounds the store in which a relative date finds by itself: its rows are looked
// through. In a larger one, it only ranks what words find.
const maxSpanRows = 1 << 18

// datesWithin adds to the rows' dates the relative ones that they are within.
func (h *hybrid) datesWithin() {
	for _, s := range h.p.spans {
		within := func(n Row) bool {
			row := h.t.row(n)
			return row.created >= s.from && row.created <= s.to && row.at(h.s.seq)
		}
		var rows []Row
		if h.end <= maxSpanRows {
			for n := range h.end {
				if within(n) {
					rows = append(rows, n)
				}
			}
		}
		if len(rows) == 0 || len(rows) > maxDateRows {
			rows = rows[:0]
			for _, n := range h.w.touched {
				if within(n) {
					rows = append(rows, n)
				}
			}
		}
		idf := h.b.idf(min(float64(len(rows)), h.b.docs))
		for _, n := range rows {
			h.date[n] += idf
		}
	}
}
