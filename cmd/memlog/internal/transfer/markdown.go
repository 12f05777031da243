package transfer

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// markdown writes a document (CommonMark): a heading for each project and day, below it a section
// for each memory. Memories are shown in the order they come; a heading stands wherever project or
// day change, so the caller sorts by both to have each once.
//
// Nothing a memory says can change the document around it: contents stand in fences longer than
// any run of back quotes in them, everything else in code spans, and control characters are shown
// as pictures.
type markdown struct {
	zone    *time.Location
	some    bool
	project string
	day     string
}

const (
	documentDay    = "2006-01-02"
	documentHour   = "15:04:05"
	documentMoment = "2006-01-02 15:04:05 MST"
)

func (m *markdown) begin(dst []byte, h Heading) []byte {
	dst = append(dst, "# Memories\n"...)
	switch at := h.Until; {
	case at.Seq == 0:
	case at.Time.IsZero():
		dst = fmt.Appendf(dst, "\nAs of seq %d.\n", at.Seq)
	default:
		when := at.Time.In(m.zone).Format(documentMoment)
		dst = fmt.Appendf(dst, "\nAs of %s (seq %d).\n", when, at.Seq)
	}
	return dst
}

func (m *markdown) end(dst []byte) []byte {
	if !m.some {
		dst = append(dst, "\nNone.\n"...)
	}
	return dst
}

func (m *markdown) record([]byte, RecordLine) ([]byte, error) {
	return nil, memory.Invalid("format", "%s holds memories and no events", FormatMarkdown).
		WithHint("export events as %s", FormatJSONL)
}

func (m *markdown) memory(dst []byte, l Line) ([]byte, error) {
	dst = m.headings(dst, l)
	dst = append(dst, "\n#### "...)
	if !l.CreatedAt.IsZero() {
		dst = l.CreatedAt.In(m.zone).AppendFormat(dst, documentHour)
		dst = append(dst, ' ')
	}
	dst = append(dst, l.ID.String()...)
	if l.Deleted {
		dst = append(dst, " (deleted)"...)
	}
	dst = append(dst, "\n\n"...)
	dst = m.facts(dst, l)
	dst = appendFence(dst, "text", l.Content)
	if len(l.Metadata) > 0 {
		dst = append(dst, "\nMetadata:\n\n"...)
		dst = appendFence(dst, "json", string(l.Metadata))
	}
	return dst, nil
}

// headings writes those that change with l.
func (m *markdown) headings(dst []byte, l Line) []byte {
	day := "No date"
	if !l.CreatedAt.IsZero() {
		day = l.CreatedAt.In(m.zone).Format(documentDay)
	}
	newProject := !m.some || l.Project != m.project
	if newProject {
		dst = append(dst, "\n## "...)
		if l.Project == "" {
			dst = append(dst, "No project"...)
		} else {
			dst = appendSpan(append(dst, "Project "...), l.Project)
		}
		dst = append(dst, '\n')
	}
	if newProject || day != m.day {
		dst = append(append(append(dst, "\n### "...), day...), '\n')
	}
	m.some, m.project, m.day = true, l.Project, day
	return dst
}

// facts writes a list of all about the memory that is neither content nor metadata.
func (m *markdown) facts(dst []byte, l Line) []byte {
	before := len(dst)
	if l.Type != "" {
		dst = append(appendSpan(append(dst, "- type "...), l.Type), '\n')
	}
	dst = appendSpans(dst, "tags", l.Tags)
	if l.Version > 1 {
		dst = fmt.Appendf(dst, "- version %d", l.Version)
		if !l.UpdatedAt.IsZero() {
			dst = append(dst, " of "...)
			dst = l.UpdatedAt.In(m.zone).AppendFormat(dst, documentMoment)
		}
		dst = append(dst, '\n')
	}
	for _, o := range l.Occurrences {
		dst = m.again(dst, o)
	}
	for _, k := range l.Links {
		dst = append(appendSpan(append(dst, "- "...), k.Type), " → "...)
		dst = append(append(dst, k.To.String()...), '\n')
	}
	if !l.SupersededBy.IsZero() {
		dst = fmt.Appendf(dst, "- superseded by %s\n", l.SupersededBy)
	}
	dst = appendSpans(dst, "also known as", l.Aliases)
	if l.Incomplete {
		dst = append(dst, "- part of its past was lost\n"...)
	}
	if len(dst) > before {
		dst = append(dst, '\n')
	}
	return dst
}

func (m *markdown) again(dst []byte, o event.Occurrence) []byte {
	dst = append(dst, "- said again"...)
	if !o.CreatedAt.IsZero() {
		dst = o.CreatedAt.In(m.zone).AppendFormat(append(dst, ' '), documentMoment)
	}
	for _, t := range o.Tags {
		dst = appendSpan(append(dst, ' '), t)
	}
	if len(o.Metadata) > 0 {
		dst = appendSpan(append(dst, ' '), string(o.Metadata))
	}
	return append(dst, '\n')
}

func appendSpans(dst []byte, what string, all []string) []byte {
	if len(all) == 0 {
		return dst
	}
	dst = append(append(dst, "- "...), what...)
	for _, s := range all {
		dst = appendSpan(append(dst, ' '), s)
	}
	return append(dst, '\n')
}

// appendSpan writes s as a code span on one line. Its delimiter is longer than any run of back
// quotes inside; the blanks around what begins or ends with one are not shown (CommonMark 6.1).
func appendSpan(dst []byte, s string) []byte {
	s = strings.Map(func(r rune) rune { return visible(r, true) }, s)
	ticks := strings.Repeat("`", max(1, longestRun(s)+1))
	pad := ""
	if s == "" || strings.ContainsAny(s[:1]+s[len(s)-1:], "` ") {
		pad = " "
	}
	return fmt.Appendf(dst, "%s%s%s%s%s", ticks, pad, s, pad, ticks)
}

// appendFence writes s as a fenced code block, its fence longer than any run of back quotes in s.
func appendFence(dst []byte, language, s string) []byte {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune { return visible(r, false) }, s)
	fence := strings.Repeat("`", max(3, longestRun(s)+1))
	dst = fmt.Appendf(dst, "%s%s\n%s", fence, language, s)
	if !bytes.HasSuffix(dst, []byte("\n")) {
		dst = append(dst, '\n')
	}
	return fmt.Appendf(dst, "%s\n", fence)
}

// longestRun returns the length of the longest run of back quotes in s.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// visible returns a rune to show in place of a control character, and r itself where it is none.
// Line feeds and tabs stay, unless all is to stand on one line.
func visible(r rune, oneLine bool) rune {
	const pictures = 0x2400 // Unicode's pictures of the ASCII control characters
	switch {
	case !oneLine && (r == '\n' || r == '\t'):
		return r
	case r < ' ':
		return pictures + r
	case r == 0x7f:
		return pictures + 0x21
	case r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029:
		return utf8.RuneError
	default:
		return r
	}
}
