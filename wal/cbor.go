package wal

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The header's encoding is RFC 8949 section 4.2.1, core deterministic: shortest integers,
// definite lengths, map keys ascending. Only what a header needs is here.

// CBOR major types.
const (
	majorUint  = 0
	majorNeg   = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

// maxDepth bounds the nesting of a value that this version does not know.
const maxDepth = 8

// errCBOR is the cause of every decoding error.
var errCBOR = errors.New("not deterministic CBOR")

func appendHead(b []byte, major byte, n uint64) []byte {
	m := major << 5
	switch {
	case n < 24:
		return append(b, m|byte(n))
	case n <= 0xff:
		return append(b, m|24, byte(n))
	case n <= 0xffff:
		return append(b, m|25, byte(n>>8), byte(n))
	case n <= 0xffffffff:
		return append(b, m|26, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, m|27, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32),
		byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendUint(b []byte, n uint64) []byte { return appendHead(b, majorUint, n) }

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNeg, uint64(-(n + 1)))
	}
	return appendHead(b, majorUint, uint64(n))
}

func appendBytes(b, v []byte) []byte {
	return append(appendHead(b, majorBytes, uint64(len(v))), v...)
}

func appendText(b []byte, v string) []byte {
	return append(appendHead(b, majorText, uint64(len(v))), v...)
}

// decoder reads deterministic CBOR from a byte slice. The first error sticks.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errCBOR, fmt.Sprintf(format, args...))
	}
	d.b = nil
}

// head reads a major type and its argument, which must be in shortest form.
func (d *decoder) head() (major byte, n uint64) {
	if len(d.b) == 0 {
		d.fail("ends early")
		return 0, 0
	}
	major, low := d.b[0]>>5, d.b[0]&31
	if low < 24 {
		d.b = d.b[1:]
		return major, uint64(low)
	}
	if low > 27 {
		d.fail("indefinite length or reserved byte 0x%02x", d.b[0])
		return 0, 0
	}
	size := 1 << (low - 24)
	if len(d.b) < 1+size {
		d.fail("ends early")
		return 0, 0
	}
	for _, c := range d.b[1 : 1+size] {
		n = n<<8 | uint64(c)
	}
	d.b = d.b[1+size:]
	least := [4]uint64{24, 1 << 8, 1 << 16, 1 << 32}[low-24]
	if n < least {
		d.fail("%d is not in its shortest form", n)
		return 0, 0
	}
	return major, n
}

func (d *decoder) expect(major byte) uint64 {
	m, n := d.head()
	if d.err == nil && m != major {
		d.fail("type %d where %d belongs", m, major)
		return 0
	}
	return n
}

func (d *decoder) uint() uint64 { return d.expect(majorUint) }

func (d *decoder) int() int64 {
	m, n := d.head()
	if d.err == nil && (m > majorNeg || n > 1<<63-1) {
		d.fail("no 64-bit integer")
		return 0
	}
	if m == majorNeg {
		return -int64(n) - 1
	}
	return int64(n)
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail("ends early")
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.expect(majorBytes)) }

func (d *decoder) text(limit int) string {
	v := d.take(d.expect(majorText))
	if len(v) > limit {
		d.fail("text of %d bytes, at most %d belong here", len(v), limit)
		return ""
	}
	if !utf8.Valid(v) {
		d.fail("text is not UTF-8")
		return ""
	}
	return string(v)
}

// fixed copies a byte string that must have exactly len(dst) bytes.
func (d *decoder) fixed(dst []byte) {
	v := d.bytes()
	if d.err == nil && len(v) != len(dst) {
		d.fail("%d bytes where %d belong", len(v), len(dst))
		return
	}
	copy(dst, v)
}

// array reads the length of an array, each item of which takes at least one byte.
func (d *decoder) array() int {
	n := d.expect(majorArray)
	if n > uint64(len(d.b)) {
		d.fail("ends early")
		return 0
	}
	return int(n)
}

// exactly reads the length of an array that must have n items or, from a newer version,
// more; it returns how many more.
func (d *decoder) exactly(n int) (more int) {
	got := d.array()
	if d.err == nil && got < n {
		d.fail("array of %d items where %d belong", got, n)
		return 0
	}
	return got - n
}

// mapKeys calls item for each key of a map with ascending unsigned keys. item reads the
// value and tells whether it knew the key; an unknown one is skipped.
func (d *decoder) mapKeys(item func(key uint64) bool) {
	n := d.expect(majorMap)
	if n > uint64(len(d.b)) {
		d.fail("ends early")
		return
	}
	next := uint64(0)
	for range n {
		key := d.uint()
		if d.err == nil && key < next {
			d.fail("key %d out of order", key)
		}
		if d.err != nil {
			return
		}
		next = key + 1
		if !item(key) {
			d.skip(0)
		}
	}
}

// skip passes over one value of any of the known types.
func (d *decoder) skip(depth int) {
	m, n := d.head()
	if d.err == nil && depth > maxDepth {
		d.fail("nested deeper than %d", maxDepth)
	}
	switch m {
	case majorUint, majorNeg:
	case majorBytes, majorText:
		d.take(n)
	case majorArray, majorMap:
		if n > uint64(len(d.b)) {
			d.fail("ends early")
			return
		}
		if m == majorMap {
			n *= 2
		}
		for range n {
			if d.err != nil {
				return
			}
			d.skip(depth + 1)
		}
	default:
		d.fail("type %d is not used here", m)
	}
}

// end requires that everything was read.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes left over", len(d.b))
	}
	return d.err
}
