package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tabStop is what a tab in a content is shown as.
const tabStop = "    "

// safeText returns s with everything escaped that a terminal might obey or that hides what s says:
// control characters other than the newline, characters that change the direction of text, and
// bytes that are no UTF-8.
func safeText(s string) string {
	if isSafe(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\n':
			b.WriteByte('\n')
		case r == '\t':
			b.WriteString(tabStop)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func isSafe(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 && r != '\n' || r == 0x7f || hidden(r) {
			return false
		}
	}
	return true
}

// hidden reports whether r is a C1 control, a line separator terminals treat as they like, or a
// character that turns the direction of text around. The joiners of scripts and emoji stay.
func hidden(r rune) bool {
	return r >= 0x80 && r <= 0x9f || r == 0x2028 || r == 0x2029 ||
		r == 0x200e || r == 0x200f || r == 0x061c ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}

// oneLine returns s safe and on one line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(safeText(s)), " ")
}

// unbroken returns s safe and without newlines, its spaces as they are.
func unbroken(s string) string { return strings.ReplaceAll(safeText(s), "\n", " ") }

// cut shortens s to width columns, with an ellipsis where it was longer. Width 0 cuts nothing.
func cut(s string, width int) string {
	if width <= 0 || columns(s) <= width {
		return s
	}
	at := 0
	for i, r := range s {
		if at += runeColumns(r); at > width-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// wrap breaks s into lines of at most width columns, at spaces where there are any. Width 0 breaks
// only at newlines.
func wrap(s string, width int) []string {
	var out []string
	for _, line := range strings.Split(s, "\n") {
		for width > 0 && columns(line) > width {
			head, tail := breakLine(line, width)
			out = append(out, head)
			line = tail
		}
		out = append(out, line)
	}
	return out
}

// breakLine splits line so that its head fits into width columns.
func breakLine(line string, width int) (head, tail string) {
	at, space := 0, -1
	for i, r := range line {
		if at += runeColumns(r); at > width {
			if space > 0 {
				return strings.TrimRight(line[:space], " "), strings.TrimLeft(line[space:], " ")
			}
			if i == 0 { // one character wider than the line
				_, n := utf8.DecodeRuneInString(line)
				return line[:n], line[n:]
			}
			return line[:i], line[i:]
		}
		if r == ' ' && strings.TrimSpace(line[:i]) != "" {
			space = i
		}
	}
	return line, ""
}

// columns returns how many columns of a terminal s takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// wide are the blocks whose characters take two columns.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, {Lo: 0x3400, Hi: 0x4dbf, Stride: 1},
		{Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xa000, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// plural returns a number with its noun.
func plural[N ~int | ~int64 | ~uint64](n N, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ry"): // memory, entry; but day
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
