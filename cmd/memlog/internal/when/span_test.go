package when

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// spanned reads expr as a span and writes it as "from .. to", an open end as nothing.
func spanned(t *testing.T, expr string, now time.Time) string {
	t.Helper()
	from, to, err := Span(expr, now)
	if err != nil {
		t.Fatalf("Span(%q): %v", expr, err)
	}
	text := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(layout)
	}
	return text(from) + " .. " + text(to)
}

func checkSpans(t *testing.T, now time.Time, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.expr, func(t *testing.T) {
			if diff := cmp.Diff(r.from+" .. "+r.to, spanned(t, r.expr, now)); diff != "" {
				t.Errorf("Span(%q) (-want +got):\n%s", r.expr, diff)
			}
		})
	}
}

func TestSpanOfOneMoment(t *testing.T) {
	checkSpans(t, wednesday(t), []row{
		{"yesterday", "2025-06-17 00:00:00", "2025-06-17 23:59:59.999999"},
		{"last week", "2025-06-09 00:00:00", "2025-06-15 23:59:59.999999"},
		{"2025-01-25", "2025-01-25 00:00:00", "2025-01-25 23:59:59.999999"},
		{"now", "2025-06-18 15:04:05.678901", "2025-06-18 15:04:05.678901"},
		{"2 days ago", "2025-06-16 00:00:00", "2025-06-16 23:59:59.999999"},
		{"2 weeks ago", "2025-06-02 00:00:00", "2025-06-08 23:59:59.999999"},
		{"a month ago", "2025-05-01 00:00:00", "2025-05-31 23:59:59.999999"},
		{"a year ago", "2024-01-01 00:00:00", "2024-12-31 23:59:59.999999"},
		{"3 hours ago", "2025-06-18 12:00:00", "2025-06-18 12:59:59.999999"},
		{"1h30m ago", "2025-06-18 13:34:00", "2025-06-18 13:34:59.999999"},
		{"5 seconds ago", "2025-06-18 15:04:00", "2025-06-18 15:04:00.999999"},
		{"3pm", "2025-06-18 15:00:00", "2025-06-18 15:59:59.999999"},
		{"14:30", "2025-06-18 14:30:00", "2025-06-18 14:30:59.999999"},
		{"last 3 days", "2025-06-15 15:04:05.678901", "2025-06-18 15:04:05.678901"},
	})
}

func TestSpanOpen(t *testing.T) {
	checkSpans(t, wednesday(t), []row{
		{"since Monday", "2025-06-16 00:00:00", ""},
		{"from March", "2025-03-01 00:00:00", ""},
		{"after 2024", "2025-01-01 00:00:00", ""},
		{"after 2024-01-01T00:00:00Z", "2024-01-01 01:00:00.000001", ""},
		{"before 2024", "", "2023-12-31 23:59:59.999999"},
		{"before 2024-01-01T00:00:00Z", "", "2024-01-01 00:59:59.999999"},
		{"before 2024-01-01T00:00:00.0000005Z", "", "2024-01-01 01:00:00"},
		{"until yesterday", "", "2025-06-17 23:59:59.999999"},
		{"up to 2 days ago", "", "2025-06-16 15:04:05.678901"},
		{"since 2 days ago", "2025-06-16 15:04:05.678901", ""},
	})
}

func TestSpanTwoEnds(t *testing.T) {
	checkSpans(t, wednesday(t), []row{
		{"between 2024-01-01 and 2024-02-01", "2024-01-01 00:00:00", "2024-02-01 23:59:59.999999"},
		{"2024-01-01..2024-02-01", "2024-01-01 00:00:00", "2024-02-01 23:59:59.999999"},
		{"2024-01 - 2024-03", "2024-01-01 00:00:00", "2024-03-31 23:59:59.999999"},
		{"from 2023 until 2024", "2023-01-01 00:00:00", "2024-12-31 23:59:59.999999"},
		{"Monday to Wednesday", "2025-06-16 00:00:00", "2025-06-18 23:59:59.999999"},
		{"Monday–Friday", "2025-06-16 00:00:00", "2025-06-20 23:59:59.999999"},
		{"from yesterday through now", "2025-06-17 00:00:00", "2025-06-18 15:04:05.678901"},
		{"between 3d and 1d", "2025-06-15 15:04:05.678901", "2025-06-17 15:04:05.678901"},
		{"from 2pm to 4pm", "2025-06-18 14:00:00", "2025-06-18 16:00:59.999999"},
		{"yesterday from 14:00 to 16:00", "2025-06-17 14:00:00", "2025-06-17 16:00:59.999999"},
		{"Monday between 2pm and 4pm", "2025-06-16 14:00:00", "2025-06-16 16:00:59.999999"},
		{"from yesterday 14:00 to 16:00", "2025-06-17 14:00:00", "2025-06-17 16:00:59.999999"},
	})
}

// A name without its year takes it from what stands beside it.
func TestSpanYears(t *testing.T) {
	checkSpans(t, wednesday(t), []row{
		{"from January to March", "2025-01-01 00:00:00", "2025-03-31 23:59:59.999999"},
		{"from October to January", "2024-10-01 00:00:00", "2025-01-31 23:59:59.999999"},
		{"from May to August", "2025-05-01 00:00:00", "2025-08-31 23:59:59.999999"},
		{"from January to March 2024", "2024-01-01 00:00:00", "2024-03-31 23:59:59.999999"},
		{"from November to January 2024", "2023-11-01 00:00:00", "2024-01-31 23:59:59.999999"},
		{"from 5 March to 10 March 2024", "2024-03-05 00:00:00", "2024-03-10 23:59:59.999999"},
		{"from 5 Dec 2024 to 10 Jan", "2024-12-05 00:00:00", "2025-01-10 23:59:59.999999"},
		{"from Dec to end of March", "2024-12-01 00:00:00", "2025-03-31 23:59:59.999999"},
		{"from May to end of July", "2025-05-01 00:00:00", "2025-07-31 23:59:59.999999"},
		{"from spring to fall 2023", "2023-03-01 00:00:00", "2023-11-30 23:59:59.999999"},
		{"from Wednesday to yesterday", "2025-06-11 00:00:00", "2025-06-17 23:59:59.999999"},
		{"from Thursday 3pm to Friday 9am", "2025-06-12 15:00:00", "2025-06-13 09:00:59.999999"},
	})
}

func TestSpanRefuses(t *testing.T) {
	now := wednesday(t)
	for expr, want := range map[string]string{
		"from March 2023 to May":            "it is not clear of which year the second end is",
		"from January to March 2026":        "it is not clear of which year the first end is",
		"from 2025-02-01 to 2025-01-01":     "it ends before it begins",
		"from 4pm to 2pm":                   "it ends before it begins",
		"from 2025-01-25T14:30:05Z to 3pm":  "it is not clear in which zone the second time is",
		"between January":                   `something is missing after "january"`,
		"between January to March":          `"to" is not understood after "january"`,
		"from January and March":            `"and" is not understood after "january"`,
		"from":                              `something is missing after "from"`,
		"since":                             `something is missing after "since"`,
		"since since Monday":                `"since" is not understood after "since"`,
		"from January to March to May":      `"to" is not understood after "march"`,
		"from January to":                   `something is missing after "to"`,
		"yesterday from Monday to Tuesday":  `"monday" is not understood after "from"`,
		"last week from 14:00 to 16:00":     `"from" is not understood after "week"`,
		"2025-01-25 08:00-16:00":            "-16:00 is not a zone",
		"until 0001-01-01T00:00:00Z":        "the first moment of the year 1 is too early",
		"after 9999-12-31T23:59:59.999999Z": "year 10000 is not between 1 and 9999",
	} {
		from, to, err := Span(expr, now)
		if got := reason(err); got != want {
			t.Errorf("Span(%q) = %v, %v, reason %q, want %q", expr, from, to, got, want)
		}
	}
}
