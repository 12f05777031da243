package foreign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"memlog/cmd/memlog/internal/memory"
)

// A number of seconds since 1970 beyond these is one of milliseconds, microseconds or nanoseconds:
// 1e11 seconds are the year 5138, 1e11 milliseconds 1973.
const (
	leastMillis = 1e11
	leastMicros = 1e14
	leastNanos  = 1e17
)

// timeLayouts are the texts that tools write times as, besides numbers. Without a zone it is UTC:
// what Python's naive isoformat of these tools means.
var timeLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateTime, time.DateOnly,
	"2006-01-02T15:04", "2006/01/02 15:04:05", time.RFC1123Z, time.RFC1123,
}

// parseTime reads a time as a tool wrote it: a number of seconds, or of a finer unit where seconds
// would be absurd, a number as text, or a date. An empty or zero value is no time and no error.
func parseTime(v any) (time.Time, error) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return inYears(v, v)
	case int64:
		return epoch(float64(v))
	case float64:
		return epoch(v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return time.Time{}, fmt.Errorf("%.40s is no time", v)
		}
		return epoch(f)
	case string:
		return parseTimeText(strings.TrimSpace(v))
	default:
		return time.Time{}, fmt.Errorf("%.40s is no time", fmt.Sprint(v))
	}
}

func parseTimeText(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return epoch(f)
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return inYears(t, s)
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time", s)
}

func epoch(f float64) (time.Time, error) {
	unit := 1.0
	switch {
	case f == 0:
		return time.Time{}, nil
	case math.IsNaN(f) || math.IsInf(f, 0) || f < 0:
		return time.Time{}, fmt.Errorf("%v is no time of a memory", f)
	case f >= leastNanos:
		unit = 1e9
	case f >= leastMicros:
		unit = 1e6
	case f >= leastMillis:
		unit = 1e3
	}
	whole, part := math.Modf(f / unit)
	if whole > math.MaxInt32*1e4 {
		return time.Time{}, fmt.Errorf("%v is no time of a memory", f)
	}
	micros := int64(math.Round(part * 1e6))
	return inYears(time.Unix(int64(whole), micros*1000), f)
}

func inYears(t time.Time, as any) (time.Time, error) {
	t = t.UTC().Truncate(time.Microsecond)
	if y := t.Year(); y < memory.MinYear || y > memory.MaxYear {
		return time.Time{}, fmt.Errorf("%.40s is in the year %d", fmt.Sprint(as), y)
	}
	return t, nil
}

// firstTime returns the first of values that is a time, and what was wrong with those before it.
func firstTime(values ...any) (t time.Time, wrong error) {
	for _, v := range values {
		got, err := parseTime(v)
		if err != nil && wrong == nil {
			wrong = err
		}
		if err == nil && !got.IsZero() {
			return got, wrong
		}
	}
	return time.Time{}, wrong
}

// splitTags reads tags as the tools keep them: a JSON list, or a list between commas.
func splitTags(s string) []string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "[") {
		var list []any
		if json.Unmarshal([]byte(s), &list) == nil {
			return tagList(list)
		}
	}
	return cleanTags(strings.Split(s, ","))
}

// tagList takes the texts and numbers of a list.
func tagList(list []any) []string {
	var out []string
	for _, v := range list {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case float64, json.Number, bool:
			out = append(out, fmt.Sprint(v))
		}
	}
	return cleanTags(out)
}

// cleanTags makes each a line of plain text and leaves empty ones out.
func cleanTags(tags []string) []string {
	var out []string
	for _, t := range tags {
		if t = plainLine(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// plainLine makes one line of s without control characters or space around it.
func plainLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.TrimSpace(s)
}

// keepMetadata returns metadata word for word where it is JSON, and as one JSON text under the key
// metadata where it is something else, which is not lost either.
func keepMetadata(text string) (raw json.RawMessage, isJSON bool) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || trimmed == "null" || trimmed == "{}" {
		return nil, true
	}
	if json.Valid([]byte(trimmed)) {
		return json.RawMessage(trimmed), true
	}
	return withField(nil, "metadata", strings.ToValidUTF8(text, "\ufffd")), false
}

// withField adds a member to a JSON object and leaves every other byte as it is. What is no object
// is kept as the member value of one.
func withField(object json.RawMessage, key string, value any) json.RawMessage {
	member, err := json.Marshal(map[string]any{key: value})
	if err != nil { // values are texts, numbers and maps of them
		return object
	}
	object = bytes.TrimSpace(object)
	switch {
	case len(object) == 0:
		return member
	case object[0] != '{':
		return withField(json.RawMessage(`{"value":`+string(object)+`}`), key, value)
	}
	inner := bytes.TrimRight(object[:len(object)-1], " \t\r\n")
	if len(inner) > 1 {
		inner = append(inner[:len(inner):len(inner)], ',')
	}
	return append(inner[:len(inner):len(inner)], member[1:]...)
}
