package when

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

type kind int

const (
	endOfText  kind = iota
	isoDate         // 2025-01-25, 2025/1/25
	isoMonth        // 2025-01
	isoWeek         // 2025-w04
	isoQuarter      // 2025-q1
	clockTime       // 14:30, 14:30:05.5
	zoneOffset      // +01:00, straight after a clock time
	unixTime        // @1700000000
	number          // 5, 1.5
	name            // january
	dash            // a dash, or two dots, between two moments
	comma
	numericDate // 03/04/2025: refused
)

func (k kind) numeric() bool { return k != name && k != dash && k != comma }

// token is one word of an expression.
type token struct {
	kind  kind
	text  string
	parts []string // the parts of kinds that have some: year, month, day; hour, minute, …
	glued bool     // nothing stood between it and the token before
}

// year reads the four digits of a year.
func (t token) year() (int, bool) {
	if t.kind != number || len(t.text) != 4 || strings.Contains(t.text, ".") {
		return 0, false
	}
	return decimal(t.text), true
}

type pattern struct {
	kind kind
	re   *regexp.Regexp
}

// patterns returns how each kind is written; the first that matches wins. They are compiled when
// the first expression is read: a process that reads none does not start slower for them.
var patterns = sync.OnceValue(func() []pattern {
	return []pattern{
		{isoDate, regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})`)},
		{isoDate, regexp.MustCompile(`^(\d{4})/(\d{1,2})/(\d{1,2})`)},
		{isoWeek, regexp.MustCompile(`^(\d{4})-w(\d{2})`)},
		{isoQuarter, regexp.MustCompile(`^(\d{4})-q(\d)`)},
		{numericDate, regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})(?:[-/.]\d{1,4})`)},
		{numericDate, regexp.MustCompile(`^(\d{1,2})/(\d{1,2})`)},
		{isoMonth, regexp.MustCompile(`^(\d{4})-(\d{2})`)},
		{clockTime, regexp.MustCompile(`^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?`)},
		{unixTime, regexp.MustCompile(`^@(-?)(\d+)(?:\.(\d+))?`)},
		{number, regexp.MustCompile(`^\d+(?:\.\d+)?`)},
		{name, regexp.MustCompile(`^[ap]\.m\.?`)},
		{name, regexp.MustCompile(`^\p{L}+`)},
		{dash, regexp.MustCompile(`^(?:\.\.|[-–—])`)},
		{comma, regexp.MustCompile(`^,`)},
	}
})

var offsetPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([-+])(\d{2}):?(\d{2})`)
})

// lex cuts an expression into tokens, without regard to case, spaces and a period at its end.
func lex(expr string) ([]token, error) {
	if len(expr) > MaxLength {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxLength)
	}
	if !utf8.ValidString(expr) {
		return nil, errors.New("it is not valid UTF-8")
	}
	rest := strings.ToLower(strings.TrimSpace(expr))
	rest = strings.TrimSpace(strings.TrimSuffix(rest, "."))
	if rest == "" {
		return nil, errors.New("it is empty")
	}
	var tokens []token
	for rest != "" {
		t, tail, err := nextToken(rest, tokens)
		if err != nil {
			return nil, err
		}
		t.glued = len(tokens) > 0 && t.glued
		tokens = append(tokens, t)
		trimmed := strings.TrimSpace(tail)
		if len(trimmed) > 0 && len(trimmed) < len(tail) {
			rest = " " + trimmed
			continue
		}
		rest = trimmed
	}
	return tokens, nil
}

// nextToken reads one token off rest, which begins with a space where one stood before it.
func nextToken(rest string, sofar []token) (token, string, error) {
	text := strings.TrimPrefix(rest, " ")
	glued := len(text) == len(rest)
	if len(sofar) > 0 && sofar[len(sofar)-1].kind == clockTime {
		m := offsetPattern().FindStringSubmatch(text)
		if m != nil && digitsEnd(text[len(m[0]):], zoneOffset) {
			return token{zoneOffset, m[0], m[1:], glued}, text[len(m[0]):], nil
		}
	}
	for _, p := range patterns() {
		m := p.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		tail := text[len(m[0]):]
		if p.kind.numeric() && !digitsEnd(tail, p.kind) {
			continue
		}
		if p.kind == numericDate {
			return token{}, "", numericDateError(m[0], m[1], m[2])
		}
		if p.kind == name {
			m[0] = strings.ReplaceAll(m[0], ".", "")
			if strings.HasPrefix(tail, ".") && !strings.HasPrefix(tail, "..") {
				tail = tail[1:]
			}
		}
		return token{p.kind, m[0], m[1:], glued}, tail, nil
	}
	if run := strings.Fields(text); text[0] >= '0' && text[0] <= '9' {
		return token{}, "", fmt.Errorf("%q is not a date, a time or a number", run[0])
	}
	r, _ := utf8.DecodeRuneInString(text)
	return token{}, "", fmt.Errorf("%q has no meaning here", r)
}

// digitsEnd reports whether a number that is followed by tail is complete, so that no pattern
// takes the front of a longer one.
func digitsEnd(tail string, k kind) bool {
	if tail == "" {
		return true
	}
	if tail[0] >= '0' && tail[0] <= '9' || tail[0] == ':' || tail[0] == '/' {
		return false
	}
	minus := tail[0] == '-' && k != clockTime // there it begins a zone offset
	joined := len(tail) > 1 && (minus || tail[0] == '.')
	return !joined || tail[1] < '0' || tail[1] > '9'
}

func numericDateError(text, a, b string) error {
	if strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") || decimal(a) > 12 || decimal(b) > 12 {
		return fmt.Errorf("%s is not written year first", text)
	}
	return fmt.Errorf("%s is ambiguous: day first or month first", text)
}

// decimal reads a few digits.
func decimal(digits string) int {
	n := 0
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}
