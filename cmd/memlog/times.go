package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

// timeHelp is what every help text about times says.
const timeHelp = `Times are written as 2025-01-25, "2025-01-25 14:30", RFC 3339, "2 days ago",
"last Monday", "yesterday at 14:00" or "March 2024", in the local zone. A date alone is the start of
that day as a lower bound, and its end as an upper or as-of bound. What was understood is printed.`

// momentHelp is what every help text about moments of the log says.
const momentHelp = timeHelp + `
A moment of the log may also be the number of a record: seq:118 or #118.`

// timeFlag returns the time the flag name gives, the zero time where it is not set.
func (c *call) timeFlag(name string, bound when.Bound) (time.Time, error) {
	if !c.isSet(name) {
		return time.Time{}, nil
	}
	t, err := when.At(c.str(name), c.now(), bound)
	if err != nil {
		return t, badTime("--"+name, err)
	}
	return t, nil
}

// badTime words an expression that is not understood; its examples become the hint.
func badTime(arg string, err error) error {
	var e *when.Error
	if !errors.As(err, &e) {
		return memory.Invalid(arg, "%w", err)
	}
	bad := memory.Invalid(arg, "%q: %s", e.Expr, e.Reason)
	if _, examples, ok := strings.Cut(err.Error(), "; write for example "); ok {
		return bad.WithHint("write for example %s", examples)
	}
	return bad
}

// momentFlag returns the moment of the log that the flag name gives: a time as an upper bound, or a
// sequence number. It is the present where the flag is not set.
func (c *call) momentFlag(name string) (memory.Moment, error) {
	if !c.isSet(name) {
		return memory.Moment{}, nil
	}
	if seq, ok, err := parseSeq("--"+name, c.str(name)); ok || err != nil {
		return memory.Moment{Seq: seq}, err
	}
	t, err := c.timeFlag(name, when.End)
	return memory.Moment{Time: t}, err
}

// parseSeq reads seq:N or #N; ok is false where s is neither.
func parseSeq(arg, s string) (seq memory.Seq, ok bool, err error) {
	digits, ok := strings.CutPrefix(s, "seq:")
	if !ok {
		digits, ok = strings.CutPrefix(s, "#")
	}
	if !ok {
		return 0, false, nil
	}
	n, perr := strconv.ParseUint(digits, 10, 64)
	if perr != nil || n == 0 {
		return 0, false, memory.Invalid(arg, "not a sequence number: %q", s).
			WithHint("write seq:118 or #118")
	}
	return memory.Seq(n), true, nil
}

// tell prints on stderr what was understood of a time.
func (c *call) tell(format string, args ...any) {
	c.bar.clear()
	fmt.Fprintln(c.stderr, safeText(fmt.Sprintf(format, args...)))
}

// tellAsOf prints the moment a read answered for, if one was asked for.
func (c *call) tellAsOf(asked memory.Moment, got *memory.Resolved) {
	switch {
	case got == nil, asked == memory.Moment{}:
	case asked.Seq != 0:
		c.tell("as of seq %d, recorded %s", got.Seq, exact(got.Time))
	default:
		c.tell("as of %s (seq %d)", exact(asked.Time), got.Seq)
	}
}
