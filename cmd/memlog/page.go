package main

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// shownLines is how many lines of a content a list shows on a terminal.
const shownLines = 3

// The layout of times for people, always in the local zone.
const (
	minuteLayout = "2006-01-02 15:04"
	exactLayout  = "2006-01-02 15:04:05.999999 MST"
)

// page writes text for people. All that comes from a store goes through its methods, which make it
// safe for a terminal.
type page struct {
	w     *bufio.Writer
	now   time.Time
	width int // columns; 0: do not wrap
	color bool
}

// flush shows what was written so far. An error shows in the writes of the result.
func (p *page) flush() { _ = p.w.Flush() }

// line writes a line; its arguments are made safe.
func (p *page) line(format string, args ...any) {
	fmt.Fprintln(p.w, safeText(fmt.Sprintf(format, args...)))
}

// dim writes an indented line that stands back behind others.
func (p *page) dim(format string, args ...any) {
	p.styled("2", "  "+unbroken(fmt.Sprintf(format, args...)))
}

// strong writes a line that stands out.
func (p *page) strong(text string) { p.styled("1", unbroken(text)) }

func (p *page) styled(code, text string) {
	if p.color {
		fmt.Fprintf(p.w, "\x1b[%sm%s\x1b[0m\n", code, text)
		return
	}
	fmt.Fprintln(p.w, text)
}

// field writes one aligned line of a name and a value; nothing where the value is empty.
func (p *page) field(name string, value any) {
	text := fmt.Sprint(value)
	if text == "" {
		return
	}
	fmt.Fprintf(p.w, "%-12s %s\n", name, oneLine(text))
}

// content writes text indented, wrapped, and cut to at most max lines (0: whole).
func (p *page) content(text string, indent string, limit int) {
	width := 0
	if p.width > 0 {
		width = max(p.width-len(indent), narrowWidth/2)
	}
	lines := wrap(strings.TrimRight(safeText(text), "\n"), width)
	for i, l := range lines {
		if limit > 0 && p.width > 0 && i == limit-1 && len(lines) > limit {
			fmt.Fprintf(p.w, "%s%s …\n", indent, cut(l, width-2))
			return
		}
		fmt.Fprintf(p.w, "%s%s\n", indent, l)
	}
}

// entry writes a memory as an entry of a list: its content, and a line of what it is.
func (p *page) entry(prefix string, m memory.Memory, extra ...string) {
	indent := strings.Repeat(" ", len(prefix))
	text := p.block(strings.TrimLeft(safeText(m.Content), "\n"), indent)
	fmt.Fprintf(p.w, "%s%s\n", prefix, strings.TrimPrefix(text, indent))
	parts := append([]string{m.ID.String(), p.when(m.CreatedAt)}, extra...)
	parts = append(parts, traits(m)...)
	for i := range parts {
		parts[i] = oneLine(parts[i])
	}
	for _, l := range wrap(strings.Join(parts, "  "), max(p.width-len(indent), 0)) {
		p.styled("2", indent+l)
	}
}

// traits are what tells a memory from others at a glance.
func traits(m memory.Memory) []string {
	var out []string
	add := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	add(m.Deleted, "deleted")
	add(m.Incomplete, "incomplete")
	add(m.Version > 1, fmt.Sprintf("version %d", m.Version))
	add(m.OccurrenceCount > 0, fmt.Sprintf("said %d times", m.OccurrenceCount+1))
	add(m.Type != "", m.Type)
	add(m.Project != "", "@"+m.Project)
	for _, t := range m.Tags {
		out = append(out, "#"+t)
	}
	return out
}

// block returns text as content writes it, without the last newline.
func (p *page) block(text, indent string) string {
	var b strings.Builder
	q := page{w: bufio.NewWriter(&b), width: p.width}
	q.content(text, indent, shownLines)
	q.w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// when returns a time for people: absolute, and how far away.
func (p *page) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", t.Local().Format(minuteLayout), ago(t, p.now))
}

// exact returns a time with all its digits.
func exact(t time.Time) string { return t.Local().Format(exactLayout) }

// ago says how far t is from now, in its largest unit.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	form := "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	const day = 24 * time.Hour
	units := []struct {
		span time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {7 * day, "week"}, {day, "day"},
		{time.Hour, "hour"}, {time.Minute, "minute"}}
	for _, u := range units {
		if d >= u.span {
			return fmt.Sprintf(form, plural(int64(d/u.span), u.name))
		}
	}
	if d < time.Second {
		return "just now"
	}
	return fmt.Sprintf(form, plural(int64(d/time.Second), "second"))
}

// bytesText returns a size for people.
func bytesText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return plural(n, "byte")
}
