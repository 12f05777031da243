package index

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

var monthNames = map[string]time.Month{
	"january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4,
	"may": 5, "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9,
	"sep": 9, "sept": 9, "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12,
	"dec": 12,
}

// seasons are those of the northern hemisphere.
var seasons = map[string][3]time.Month{
	"spring": {3, 4, 5}, "summer": {6, 7, 8}, "autumn": {9, 10, 11}, "fall": {9, 10, 11},
	"winter": {12, 1, 2},
}

var weekdayNames = map[string]time.Weekday{
	"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6,
}

// beforeDate are the words after which an ambiguous word (may, march, fall, …) is a date.
var beforeDate = wordSet(`in during of by since until till from on last this next early late mid
	before after around every end`)

var ambiguous = wordSet("may march mar sun fall spring jan jun dec sep nov apr")

// queryDates finds the dates that a query names: years, months, seasons, weekdays, and days beside
// a month. Each is a group of date terms, any of which meets it.
func queryDates(text string) (groups [][]string) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	before := func(i int) string {
		if i > 0 {
			return words[i-1]
		}
		return ""
	}
	after := func(i int) string {
		if i+1 < len(words) {
			return words[i+1]
		}
		return ""
	}
	for i, w := range words {
		sure := !ambiguous[w] || beforeDate[before(i)] || numeral(before(i)) > 0 ||
			numeral(after(i)) > 0
		if m, ok := monthNames[w]; ok && sure {
			groups = append(groups, []string{monthTerm(m)})
			for _, n := range []int{numeral(before(i)), numeral(after(i))} {
				if n >= 1 && n <= 31 {
					groups = append(groups, []string{dayTerm(n)})
				}
			}
		}
		if s, ok := seasons[w]; ok && sure && (beforeDate[before(i)] || numeral(after(i)) > 0) {
			groups = append(groups, []string{monthTerm(s[0]), monthTerm(s[1]), monthTerm(s[2])})
		}
		if d, ok := weekdayNames[w]; ok {
			groups = append(groups, []string{weekdayTerm(d)})
		}
		if n := numeral(w); n >= 1900 && n < 2200 {
			groups = append(groups, []string{yearTerm(n)})
		}
	}
	return groups
}

// numeral reads 8, 8th or 2023; 0 where it is none.
func numeral(w string) int {
	for _, end := range []string{"st", "nd", "rd", "th"} {
		w = strings.TrimSuffix(w, end)
	}
	n, err := strconv.Atoi(w)
	if err != nil || len(w) > 4 {
		return 0
	}
	return n
}

// answerKind returns the mark that the answer to a question has, most likely.
func answerKind(text string) byte {
	text = " " + strings.ToLower(text)
	for _, w := range []string{" how many ", " how much ", " how long ", " how often ", " how old "} {
		if strings.Contains(text, w) {
			return markNumber
		}
	}
	if strings.Contains(text, " when ") {
		return markTime
	}
	return 0
}
