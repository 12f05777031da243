package rpc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep values nest; those of the contract nest less than ten levels.
const maxDepth = 100

// scanner reads JSON (RFC 8259) from left to right. It is stricter than encoding/json in one
// thing: strings that are not UTF-8, and halves of surrogate pairs, are errors, not question marks.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

func (d *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("JSON at byte %d: %w", d.pos, fmt.Errorf(format, args...))
}

// next passes white space over and returns the position of what follows.
func (d *scanner) next() int {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return d.pos
		}
	}
	return d.pos
}

// peek returns the next byte that is no white space, 0 at the end.
func (d *scanner) peek() byte {
	if p := d.next(); p < len(d.data) {
		return d.data[p]
	}
	return 0
}

// take passes the next byte over where it is c.
func (d *scanner) take(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.pos++
	return true
}

// end refuses what follows a value.
func (d *scanner) end() error {
	if d.next() < len(d.data) {
		return d.errorf("more than one value")
	}
	return nil
}

func (d *scanner) literal(word string) error {
	d.next()
	if end := d.pos + len(word); end <= len(d.data) && string(d.data[d.pos:end]) == word {
		d.pos = end
		return nil
	}
	return d.errorf("want %s", word)
}

func (d *scanner) null() bool { return d.peek() == 'n' && d.literal("null") == nil }

func (d *scanner) bool() (bool, error) {
	if d.peek() == 't' {
		return true, d.literal("true")
	}
	return false, d.literal("false")
}

// numeral returns a number as it is written, or what stands in quotes (NaN and the infinities).
func (d *scanner) numeral() (string, error) {
	if d.peek() == '"' {
		return d.quoted()
	}
	from := d.next()
	for d.pos < len(d.data) && isNumeral(d.data[d.pos]) {
		d.pos++
	}
	if s := d.data[from:d.pos]; json.Valid(s) {
		return string(s), nil
	}
	return "", d.errorf("want a number")
}

func isNumeral(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// list calls f at each element of an array.
func (d *scanner) list(f func(i int) error) error {
	if err := d.open('['); err != nil {
		return err
	}
	defer func() { d.depth-- }()
	if d.take(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := f(i); err != nil {
			return err
		}
		if d.take(']') {
			return nil
		}
		if !d.take(',') {
			return d.errorf("want a comma or ]")
		}
	}
}

// object calls f at each member's value.
func (d *scanner) object(f func(name string) error) error {
	if err := d.open('{'); err != nil {
		return err
	}
	defer func() { d.depth-- }()
	if d.take('}') {
		return nil
	}
	for {
		name, err := d.quoted()
		if err != nil {
			return err
		}
		if !d.take(':') {
			return d.errorf("want a colon")
		}
		if err := f(name); err != nil {
			return err
		}
		if d.take('}') {
			return nil
		}
		if !d.take(',') {
			return d.errorf("want a comma or }")
		}
	}
}

func (d *scanner) open(c byte) error {
	if !d.take(c) {
		return d.errorf("want %c", c)
	}
	if d.depth++; d.depth > maxDepth {
		return d.errorf("nested deeper than %d", maxDepth)
	}
	return nil
}

// skip passes a value over.
func (d *scanner) skip() error {
	switch d.peek() {
	case '{':
		return d.object(func(string) error { return d.skip() })
	case '[':
		return d.list(func(int) error { return d.skip() })
	case '"':
		_, err := d.quoted()
		return err
	case 'n':
		return d.literal("null")
	case 't', 'f':
		_, err := d.bool()
		return err
	}
	_, err := d.numeral()
	return err
}

// text reads what appendString writes.
func (d *scanner) text() (string, error) {
	if d.peek() != '{' {
		return d.quoted()
	}
	var out []byte
	err := d.object(func(name string) error {
		if name != keyBytes {
			return d.errorf("want %s", keyBytes)
		}
		s, err := d.quoted()
		if err != nil {
			return err
		}
		out, err = base64.StdEncoding.DecodeString(s)
		return err
	})
	return string(out), err
}

// quoted reads a JSON string.
func (d *scanner) quoted() (string, error) {
	if !d.take('"') {
		return "", d.errorf("want a string")
	}
	from := d.pos
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; {
		case c == '"':
			s := d.data[from:d.pos]
			if !utf8.Valid(s) {
				return "", d.errorf("string is not UTF-8")
			}
			d.pos++
			return string(s), nil
		case c == '\\':
			return d.escaped(from)
		case c < ' ':
			return "", d.errorf("control character in a string")
		}
	}
	return "", d.errorf("string does not end")
}

// escaped goes on with a string from its first backslash.
func (d *scanner) escaped(from int) (string, error) {
	out := append(make([]byte, 0, 2*(d.pos-from)+64), d.data[from:d.pos]...)
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		switch {
		case c == '"':
			d.pos++
			if !utf8.Valid(out) {
				return "", d.errorf("string is not UTF-8")
			}
			return string(out), nil
		case c < ' ':
			return "", d.errorf("control character in a string")
		case c != '\\':
			out = append(out, c)
			d.pos++
		default:
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return "", d.errorf("string does not end")
}

// escapes are the letters that stand after a backslash, and what they mean.
const escapes, escapeMeans = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// escape reads one escape sequence, or two that are a surrogate pair.
func (d *scanner) escape() (rune, error) {
	d.pos++
	if d.pos >= len(d.data) {
		return 0, d.errorf("string does not end")
	}
	c := d.data[d.pos]
	if c == 'u' {
		return d.escapedRune()
	}
	for i := range len(escapes) {
		if escapes[i] == c {
			d.pos++
			return rune(escapeMeans[i]), nil
		}
	}
	return 0, d.errorf("unknown escape")
}

func (d *scanner) escapedRune() (rune, error) {
	r, err := d.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if d.pos+1 >= len(d.data) || d.data[d.pos] != '\\' || d.data[d.pos+1] != 'u' {
		return 0, d.errorf("half of a surrogate pair")
	}
	d.pos++
	low, err := d.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, d.errorf("half of a surrogate pair")
	}
	return r, nil
}

// hex4 reads the u and four digits of an escape.
func (d *scanner) hex4() (rune, error) {
	if d.pos+5 > len(d.data) {
		return 0, d.errorf("string does not end")
	}
	n, err := strconv.ParseUint(string(d.data[d.pos+1:d.pos+5]), 16, 16)
	if err != nil {
		return 0, d.errorf("want four hexadecimal digits: %w", errors.Unwrap(err))
	}
	d.pos += 5
	return rune(n), nil
}
