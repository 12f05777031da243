// Package when reads the time expressions that people and agents write: 2025-01-25, "2 days ago",
// "last Monday", "from January to March". [At] reads one moment, [Span] a stretch of time.
//
// It reads no clock and no setting: what an expression means depends on now alone, and its zone.
// It keeps nothing on disk, and its functions may be called concurrently.
//
// # What it promises
//
// An expression is understood in full or is an [*Error]: no word is skipped, nothing is guessed.
// The start of an expression is never after its end. Results lie in the years 1 to 9999.
//
// # What is understood
//
// Case, extra spaces and a period at the end do not matter. Weeks begin on Monday.
//
//	moment  = day [["at"] time] | time [["on"] day] | period | distance | "now" | "@" seconds
//	        | ("start" | "beginning" | "end") "of" (moment | unit)
//	day     = 2025-01-25 | 2025/01/25 | "5 March [2025]" | "March 5[, 2025]" | "5th of last month"
//	        | "today" | "yesterday" | "tomorrow" | "day before yesterday" | "day after tomorrow"
//	        | ["last" | "this" | "next"] weekday | weekday ("last" | "this" | "next") "week"
//	        | weekday [","] day
//	period  = 2025 | 2025-01 | 2025-W04 | 2025-Q1 | "Q1 [2025]" | month [year] | season [year]
//	        | ("last" | "this" | "next") (month | season | unit | "weekend")
//	        | ("last" | "past" | "next") count unit … | "past" unit
//	time    = 14:30[:05[.5]] [zone] | "3pm" | "3:30 pm" | "noon" | "morning" | "afternoon"
//	        | "evening" | "night"
//	zone    = "Z" | "UTC" | "GMT" | +01:00       (only with a date that says its year)
//	distance = count unit … ["ago" | "from now"] | "in" count unit …
//	span    = ["from"] moment ("to" | "until" | "through" | "-" | "..") moment
//	        | "between" moment "and" moment | day "from" time "to" time | moment
//	        | ("since" | "from" | "after" | "before" | "until" | "up to") moment
//
// RFC 3339 is part of this and is exact, to the nanosecond. Units are written "s", "m", "h", "d",
// "w", "mo", "y", or in full; "m" is minutes.
//
// # What it means
//
//   - A period has two ends. As a lower bound it is its first moment, as an upper one its last
//     microsecond. A time to the minute or second is such a period too; "3pm" is one minute.
//   - A distance is one moment. Days and longer are steps in the calendar: the clock shows the
//     same time. A month that is too short gives its last day. "2d" is "2 days ago".
//   - Standing alone as a span, a distance means the unit that it lies in: "2 days ago" that day,
//     "2 weeks ago" that week; and "3pm" means that hour.
//   - A name without its year or week ("March", "5 March", "spring", "Monday") is the most recent
//     one that has begun; "last" is the most recent one that is over, "next" the first that has
//     not begun, "this" that of the present year or week. A time without a day is today's.
//   - As the second end of a span, such a name is the first one that does not end before the span
//     begins, if the most recent one does; as the first end likewise. Where a year beside it would
//     leave two readings, that is an error.
//   - "before" and "after" leave the named period out; all other ends are included.
//   - "last week", "month", "quarter", "year" are those of the calendar; "past week" and "last 7
//     days" reach up to now; so do "last hour", "minute" and "second".
//   - Seasons are the meteorological ones of the northern half: spring is March to May. Winter
//     begins in December, and "winter 2024" is refused since it could be either of two.
//   - Morning is 05:00 to 12:00, afternoon until 18:00, evening until 22:00; night is 18:00 to
//     05:00 of the next day. "Last night" began yesterday.
//   - "03/04/2024", "midnight", "last day" are ambiguous, and refused.
//
// # Where clocks change
//
// A day lasts from its first moment to that of the next, be it 23 or 25 hours. A written time that
// was skipped is an error; one that came twice begins at the first and ends with the second. A
// distance of days that leads to a skipped time means the moment of the change.
//
// # Why no library
//
// By their documentation, olebedev/when finds a known phrase in a text and passes over the rest,
// and tj/go-naturaldate ignores other text; here a leftover must be an error. araddon/dateparse can
// refuse ambiguous dates, but lists no relative ones.
//
// # Files
//
// when.go the two functions; lex.go characters to tokens; parser.go, date.go, clock.go, relative.go
// and span.go the grammar, one concern each; words.go the vocabulary; calendar.go, unit.go and
// cycle.go the arithmetic.
package when
