package foreign

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// lookAhead is how much of a text is looked at to tell what it is.
const lookAhead = 64 << 10

// decodeText returns src as UTF-8 without a byte order mark, and how it was encoded where it was
// otherwise. UTF-16 is told by its mark, or by the zero bytes of what is mostly ASCII.
func decodeText(src io.Reader) (text *bufio.Reader, was string) {
	in := bufio.NewReaderSize(src, lookAhead)
	head, _ := in.Peek(256) // a shorter text is whole; an error comes back with the reading
	order, utf16 := unicode.LittleEndian, true
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3) // it was peeked
		return in, ""
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		order = unicode.BigEndian
	case len(head) >= 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
	case len(head) >= 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		order = unicode.BigEndian
	default:
		utf16 = false
	}
	if !utf16 {
		return in, ""
	}
	decoder := unicode.UTF16(order, unicode.UseBOM).NewDecoder()
	return bufio.NewReaderSize(transform.NewReader(in, decoder), lookAhead), "UTF-16"
}

// fixUTF8 returns b with every byte that is no part of UTF-8 read as Windows-1252, of which Latin-1
// is the most, and how many there were.
func fixUTF8(b []byte) (fixed []byte, bad int) {
	if utf8.Valid(b) {
		return b, 0
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			bad++
			r = charmap.Windows1252.DecodeByte(b[0])
		}
		fixed = utf8.AppendRune(fixed, r)
		b = b[n:]
	}
	return fixed, bad
}
