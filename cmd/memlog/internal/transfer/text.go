package transfer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"memlog/wal/event"
)

// The bounds of what one line may hold beside its length, so that a hostile line costs no more
// memory than a few times its own size.
const (
	MaxKeys     = 1 << 16 // keys of one object
	MaxElements = 1 << 20 // elements of one list
)

// Errors of a line's structure.
var (
	errTwice     = errors.New("given twice")
	errSurrogate = errors.New("half a character (a lone surrogate)")
)

// eachField calls f for every member of the object raw, which is valid JSON, with its value as
// written. It fails where a key stands twice. The error names the key.
func eachField(raw []byte, f func(key string, value []byte) error) error {
	seen := map[string]bool{}
	for i := next(raw, 1); raw[i] != '}'; {
		end := skip(raw, i)
		key, err := text(raw[i:end])
		if err != nil {
			return fmt.Errorf("key %.40q: %w", raw[i:end], err)
		}
		if seen[key] {
			return fmt.Errorf("%s: %w", shown(key), errTwice)
		}
		if len(seen) == MaxKeys {
			return fmt.Errorf("more than %d keys", MaxKeys)
		}
		seen[key] = true
		i = next(raw, next(raw, end)+1) // behind the colon
		end = skip(raw, i)
		if err := f(key, raw[i:end]); err != nil {
			return fmt.Errorf("%s: %w", shown(key), err)
		}
		i = behindComma(raw, end)
	}
	return nil
}

// eachElement calls f for every element of the list raw, which is valid JSON.
func eachElement(raw []byte, f func(n int, value []byte) error) error {
	if raw[0] != '[' {
		return wrongType("a list", raw)
	}
	n := 0
	for i := next(raw, 1); raw[i] != ']'; n++ {
		if n == MaxElements {
			return fmt.Errorf("more than %d elements", MaxElements)
		}
		end := skip(raw, i)
		if err := f(n, raw[i:end]); err != nil {
			return fmt.Errorf("[%d]: %w", n, err)
		}
		i = behindComma(raw, end)
	}
	return nil
}

// next returns the place of the first byte from i on that is no white space.
func next(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\r' || raw[i] == '\n' {
		i++
	}
	return i
}

// behindComma returns the place of the next member's first byte, or of the closing bracket.
func behindComma(raw []byte, i int) int {
	i = next(raw, i)
	if raw[i] == ',' {
		i = next(raw, i+1)
	}
	return i
}

// skip returns the place behind the value that begins at i. It keeps no stack, so depth costs
// nothing.
func skip(raw []byte, i int) int {
	for depth := 0; ; {
		switch raw[i] {
		case '"':
			i = skipText(raw, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default:
			i = skipWord(raw, i)
		}
		if depth == 0 {
			return i
		}
	}
}

func skipText(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipWord goes behind a number, true, false or null.
func skipWord(raw []byte, i int) int {
	n := bytes.IndexAny(raw[i:], ",:]} \t\r\n")
	if n < 0 {
		return len(raw)
	}
	return i + n
}

func isNull(raw []byte) bool { return string(raw) == "null" }

// wrongType says what stands where want should.
func wrongType(want string, raw []byte) error {
	got := "a number"
	switch raw[0] {
	case '{':
		got = "an object"
	case '[':
		got = "a list"
	case '"':
		got = "text"
	case 't', 'f':
		got = "true or false"
	case 'n':
		got = "null"
	}
	return fmt.Errorf("want %s, got %s", want, got)
}

// shown is a key fit for a message: as it is where it is short and plain, else quoted and cut.
func shown(key string) string {
	const most = 64
	if q := strconv.Quote(key); len(key) > most || key == "" || q != `"`+key+`"` {
		return fmt.Sprintf("%.64q", key)
	}
	return key
}

// text decodes a JSON text. Unlike encoding/json it refuses lone surrogates, which have no UTF-8,
// instead of putting something else in their place.
func text(raw []byte) (string, error) {
	if raw[0] != '"' {
		return "", wrongType("text", raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	if loneSurrogate(raw) {
		return "", errSurrogate
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw)-1; i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		switch u := hex4(raw[i+1:]); {
		case u >= 0xDC00 && u < 0xE000:
			return true
		case u >= 0xD800 && u < 0xDC00:
			rest := raw[i+5:]
			if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
				return true
			}
			if low := hex4(rest[2:]); low < 0xDC00 || low >= 0xE000 {
				return true
			}
			i += 6
		}
	}
	return false
}

func hex4(b []byte) uint64 {
	u, _ := strconv.ParseUint(string(b[:4]), 16, 32)
	return u
}

func texts(raw []byte) ([]string, error) {
	var all []string
	err := eachElement(raw, func(_ int, v []byte) error {
		s, err := text(v)
		all = append(all, s)
		return err
	})
	return all, err
}

func number(raw []byte) (uint64, error) {
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		if c := raw[0]; c == '-' || c >= '0' && c <= '9' {
			return 0, fmt.Errorf("%.40s is not a whole number from 0 on", raw)
		}
		return 0, wrongType("a whole number", raw)
	}
	return n, nil
}

func boolean(raw []byte) (bool, error) {
	switch string(raw) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, wrongType("true or false", raw)
	}
}

func identifier(raw []byte) (event.ID, error) {
	s, err := text(raw)
	if err != nil {
		return event.ID{}, err
	}
	id, err := event.ParseID(s)
	if err == nil && id.IsZero() {
		err = errors.New("the zero id names nothing")
	}
	return id, err
}

func binary(raw []byte) ([]byte, error) {
	s, err := text(raw)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64")
	}
	return b, nil
}

// appendText writes s as a JSON text that no terminal and no reader of lines stumbles over: what
// is a control character or a line separator is escaped, all else stands as it is.
func appendText(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return dst, errors.New("not valid UTF-8")
	}
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"'), nil
}
