package index

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// A Tuesday in December, in the afternoon, east of Greenwich.
var asked = time.Date(2026, 12, 1, 15, 30, 0, 0, time.FixedZone("east", 2*60*60))

func TestQuerySpans(t *testing.T) {
	for text, want := range map[string]string{
		"what did we do today":           "2026-12-01 00:00 2026-12-02 00:00",
		"Yesterday's release":            "2026-11-30 00:00 2026-12-01 00:00",
		"the day before yesterday":       "2026-11-29 00:00 2026-11-30 00:00",
		"what broke last night?":         "2026-11-30 00:00 2026-12-01 06:00",
		"this morning":                   "2026-12-01 00:00 2026-12-02 00:00",
		"decided last week":              "2026-11-23 00:00 2026-11-30 00:00",
		"this week":                      "2026-11-30 00:00 2026-12-07 00:00",
		"the past week":                  "2026-11-24 15:30 2026-12-01 15:30",
		"last weekend":                   "2026-11-28 00:00 2026-11-30 00:00",
		"last month":                     "2026-11-01 00:00 2026-12-01 00:00",
		"this month":                     "2026-12-01 00:00 2027-01-01 00:00",
		"last year":                      "2025-01-01 00:00 2026-01-01 00:00",
		"two months ago":                 "2026-10-01 00:00 2026-11-01 00:00",
		"12 months ago":                  "2025-12-01 00:00 2026-01-01 00:00",
		"3 days ago":                     "2026-11-28 00:00 2026-11-29 00:00",
		"a couple of weeks ago":          "2026-11-14 00:00 2026-11-21 00:00",
		"a year ago":                     "2025-01-01 00:00 2026-01-01 00:00",
		"an hour ago":                    "2026-12-01 13:30 2026-12-01 15:30",
		"the last 3 days":                "2026-11-28 15:30 2026-12-01 15:30",
		"past two months":                "2026-10-01 15:30 2026-12-01 15:30",
		"last spring":                    "2026-03-01 00:00 2026-06-01 00:00",
		"last autumn":                    "2026-09-01 00:00 2026-12-01 00:00",
		"last winter":                    "2025-12-01 00:00 2026-03-01 00:00",
		"this winter":                    "2026-12-01 00:00 2027-03-01 00:00",
		"last May":                       "2026-05-01 00:00 2026-06-01 00:00",
		"last December":                  "2025-12-01 00:00 2026-01-01 00:00",
		"last Monday":                    "2026-11-30 00:00 2026-12-01 00:00",
		"last Tuesday":                   "2026-11-24 00:00 2026-11-25 00:00",
		"last Wednesday":                 "2026-11-25 00:00 2026-11-26 00:00",
		"yesterday or last week":         "2026-11-30 00:00 2026-12-01 00:00 2026-11-23 00:00 2026-11-30 00:00",
		"in May":                         "", // of any year: see queryDates
		"the last of them, days ago":     "",
		"two months":                     "",
		"0 days ago":                     "",
		"99999999999999999999 years ago": "",
		"last":                           "", "ago": "", "last this past": "", "": "", "before yesterday": "2026-11-30 00:00 2026-12-01 00:00",
	} {
		got := ""
		for _, s := range querySpans(text, asked) {
			for _, at := range []int64{s.from, s.to + 1} {
				got += " " + time.UnixMicro(at).In(asked.Location()).Format("2006-01-02 15:04")
			}
		}
		if got != "" {
			got = got[1:]
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if without := querySpans(text, time.Time{}); len(without) > 0 {
			t.Errorf("%q without a now: %v", text, without)
		}
	}
}

// On each day of years, what was yesterday, last week and the like is over, and never far.
func TestQuerySpansEveryDay(t *testing.T) {
	for d := range 1500 {
		now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, d)
		for _, text := range []string{"yesterday", "last week", "last weekend", "last month", "last year",
			"last spring", "last winter", "last may", "last december", "last sunday", "2 weeks ago",
			"a month ago"} {
			spans := querySpans(text, now)
			if len(spans) != 1 {
				t.Fatalf("%q on %v: %v", text, now, spans)
			}
			from, to := time.UnixMicro(spans[0].from), time.UnixMicro(spans[0].to)
			if !from.Before(to) || to.After(now) || now.Sub(from) > 2*366*24*time.Hour {
				t.Fatalf("%q on %v: %v to %v", text, now, from, to)
			}
		}
	}
}

// A date that is far from now finds what was said then, before what merely has the words.
func TestSearchByRelativeDate(t *testing.T) {
	var docs []said
	for i := range 60 {
		docs = append(docs, said{text: fmt.Sprintf("the team talked about plan %d", i), stream: "a",
			at: asked.AddDate(0, 0, -i).Unix() / 60})
	}
	d := tell(t, docs...)
	find := func(text string, now time.Time) []string {
		v, err := d.View()
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		hits, err := v.Search(Query{Text: text, Mode: ModeHybrid, Limit: 3, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		var days []string
		for _, h := range hits {
			days = append(days, time.UnixMicro(h.Doc.Created).In(asked.Location()).Format("01-02"))
		}
		return days
	}
	for text, want := range map[string]string{"what the team talked about yesterday": "11-30",
		"the plan of 9 days ago": "11-22"} {
		if got := find(text, asked); len(got) == 0 || got[0] != want {
			t.Errorf("%q found %q, want %s first", text, got, want)
		}
		// Asked a week later, it is another day.
		if got := find(text, asked.AddDate(0, 0, 7)); len(got) > 0 && got[0] == want {
			t.Errorf("%q asked a week later found %q", text, got)
		}
	}
	for _, day := range find("what did the team talk about last week", asked) {
		if day < "11-23" || day > "11-29" {
			t.Errorf("last week found %s", day)
		}
	}
	if a, b := find("last week the team", time.Time{}), find("last week the team", asked.AddDate(40, 0, 0)); !slices.Equal(a, b) {
		t.Errorf("without a now %q, with one at which nothing was last week %q", a, b)
	}
}
