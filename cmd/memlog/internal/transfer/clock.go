package transfer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// timeLayouts are the texts a time may have, besides RFC 3339. Those without a zone are read in
// the Reader's. Each may have a fraction of a second.
var timeLayouts = []string{
	time.RFC3339, time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00",
}

// timeLayout is what times are written as: RFC 3339 in UTC, with as much of a microsecond as there
// is.
const timeLayout = "2006-01-02T15:04:05.999999Z"

// secondsOfYear10000 is where numbers are no times any more, in seconds since 1970.
const secondsOfYear10000 = 253_402_300_800

// whole returns t in UTC without what is finer than a microsecond.
func whole(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// parseTime reads a JSON text or number as a time. cut tells that something finer than a
// microsecond was taken off.
func parseTime(raw []byte, zone *time.Location) (t time.Time, cut bool, err error) {
	if raw[0] == '"' {
		t, err = parseTimeText(raw, zone)
	} else if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		t, cut, err = parseSeconds(string(raw))
	} else {
		err = wrongType("a time", raw)
	}
	if err != nil {
		return time.Time{}, false, err
	}
	w := whole(t)
	if y := w.Year(); y < memory.MinYear || y > memory.MaxYear {
		return time.Time{}, false, fmt.Errorf("year %d, not %d to %d", y, memory.MinYear, memory.MaxYear)
	}
	return w, cut || !w.Equal(t), nil
}

func parseTimeText(raw []byte, zone *time.Location) (time.Time, error) {
	s, err := text(raw)
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time like 2023-05-08T13:56:00Z, "+
		"2023-05-08 13:56:00, 2023-05-08, or a number of seconds since 1970", s)
}

// parseSeconds reads seconds since 1970. A plain decimal is read digit by digit, since a float
// cannot hold the microseconds of every year.
func parseSeconds(s string) (t time.Time, cut bool, err error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(f) > secondsOfYear10000 { // a float may round up to it
		return time.Time{}, false, fmt.Errorf("%.40s seconds since 1970 are beyond the year %d%s",
			s, memory.MaxYear, millisecondsHint(f))
	}
	if strings.ContainsAny(s, "eE") {
		sec, frac := math.Modf(f)
		micros := math.Round(frac * 1e6)
		return time.Unix(int64(sec), int64(micros)*1000), false, nil
	}
	digits, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	sec, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}, false, errors.New("not a number of seconds")
	}
	cut = len(strings.TrimRight(fraction, "0")) > 6
	micros, err := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	if err != nil {
		return time.Time{}, false, errors.New("not a number of seconds")
	}
	if s[0] == '-' {
		sec, micros = -sec, -micros
	}
	return time.Unix(sec, micros*1000), cut, nil
}

func millisecondsHint(f float64) string {
	if math.Abs(f)/1000 < secondsOfYear10000 {
		return "; are they milliseconds?"
	}
	return ""
}

// appendTime writes t as a JSON text.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = whole(t).AppendFormat(dst, timeLayout)
	return append(dst, '"')
}
