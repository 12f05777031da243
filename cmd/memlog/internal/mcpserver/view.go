package mcpserver

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"memlog/cmd/memlog/internal/memory"
)

// entry is a memory as tools show it. Its names are those of [memory.Memory]; what the budget
// shortened is named in Cut.
type entry struct {
	ID          memory.ID           `json:"id"`
	Content     string              `json:"content"`
	Tags        []string            `json:"tags"`
	Type        string              `json:"type,omitempty"`
	Project     string              `json:"project,omitempty"`
	Metadata    json.RawMessage     `json:"metadata,omitempty"`
	CreatedAt   time.Time           `json:"created_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
	RecordedAt  *time.Time          `json:"recorded_at,omitempty"`
	Version     uint64              `json:"version"`
	Seq         memory.Seq          `json:"seq"`
	Score       float64             `json:"score,omitempty"`
	Explain     map[string]float64  `json:"explain,omitempty"`
	OccurrenceN int                 `json:"occurrence_count,omitempty"`
	Occurrences []memory.Occurrence `json:"occurrences,omitempty"`
	Aliases     []string            `json:"aliases,omitempty"`
	Links       []memory.Link       `json:"links,omitempty"`
	Superseded  *memory.ID          `json:"superseded_by,omitempty"`
	Deleted     bool                `json:"deleted,omitempty"`
	Incomplete  bool                `json:"incomplete,omitempty"`
	Cut         []string            `json:"cut,omitempty"`
	Bytes       int                 `json:"content_bytes,omitempty"` // of the whole, where it was cut
	Before      []neighbour         `json:"before,omitempty"`        // of a hit, in order
	After       []neighbour         `json:"after,omitempty"`
}

// neighbour is a memory that is shown around a hit.
type neighbour struct {
	ID        memory.ID `json:"id"`
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"created_at"`
	Bytes     int       `json:"content_bytes,omitempty"` // of the whole, where it was cut
}

// contextSchema are the members of a hit that hold its neighbours.
func contextSchema() fields {
	return fields{
		{"before", described(neighbourSchema(), "Of the same session, in order; with context.")},
		{"after", neighbourSchema()},
	}
}

func neighbourSchema() fields {
	return listOf(object([]string{"id", "content", "created_at"}, fields{
		{"id", aString}, {"content", aString}, {"created_at", aTime}, {"content_bytes", anInt},
	}))
}

func neighbours(ms []memory.Memory, l limits) (out []neighbour) {
	for _, m := range ms {
		n := neighbour{ID: m.ID, CreatedAt: m.CreatedAt}
		var next int
		if n.Content, next = window(m.Content, 0, l.content); next < len(m.Content) {
			n.Bytes = len(m.Content)
		}
		out = append(out, n)
	}
	return out
}

// among is the body with the neighbours around it, each under the mark of its place.
func (e entry) among() string {
	var b strings.Builder
	for _, n := range e.Before {
		b.WriteString("   before: " + oneLine(n.Content) + "\n")
	}
	b.WriteString(e.body())
	for _, n := range e.After {
		b.WriteString("\n   after: " + oneLine(n.Content))
	}
	return b.String()
}

// entrySchema are the members of an entry in an output schema.
func entrySchema() fields {
	return fields{
		{"id", aString}, {"content", aString}, {"tags", someStrings}, {"type", aString},
		{"project", aString}, {"metadata", fields{{"description", "Any JSON, as it was given."}}},
		{"created_at", described(aTime, "When the fact was.")}, {"updated_at", aTime},
		{"recorded_at", described(aTime, "When the log recorded this version.")},
		{"version", anInt}, {"seq", described(anInt, "Of the record that made this version.")},
		{"score", described(aNumber, "Comparable within one result only.")},
		{"explain", fields{{"type", "object"}, {"additionalProperties", aNumber}}},
		{"occurrence_count", described(anInt, "Further times the same was stored.")},
		{"occurrences", listOf(object([]string{"id", "created_at"}, fields{
			{"id", aString}, {"created_at", aTime}, {"metadata", fields{}}, {"tags", someStrings},
		}))},
		{"aliases", someStrings},
		{"links", listOf(object([]string{"from", "to", "type"}, fields{
			{"from", aString}, {"to", aString}, {"type", aString},
		}))},
		{"superseded_by", aString}, {"deleted", aBool},
		{"incomplete", described(aBool, "Part of its past was lost.")},
		{"cut", described(someStrings, "Members shortened to fit; memory_get shows them whole.")},
		{"content_bytes", described(anInt, "Length of the whole content, where it was cut.")},
	}
}

// entryRequired are the members that every entry has.
var entryRequired = []string{"id", "content", "tags", "created_at", "updated_at", "version", "seq"}

// show makes an entry within limits.
func show(m memory.Memory, l limits) entry {
	e := entry{
		ID: m.ID, Type: m.Type, Project: m.Project, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
		RecordedAt: m.RecordedAt, Version: m.Version, Seq: m.Seq, OccurrenceN: m.OccurrenceCount,
		Superseded: m.SupersededBy, Deleted: m.Deleted, Incomplete: m.Incomplete,
	}
	next := 0
	if e.Content, next = window(m.Content, 0, l.content); next < len(m.Content) {
		e.Bytes = len(m.Content)
		e.Cut = append(e.Cut, "content")
	}
	if e.Tags = cutTags(m.Tags, l.tags); len(e.Tags) < len(m.Tags) {
		e.Cut = append(e.Cut, "tags")
	}
	if len(m.Metadata) <= l.metadata {
		e.Metadata = m.Metadata
	} else {
		e.Cut = append(e.Cut, "metadata")
	}
	e.Occurrences = cutList(&e, "occurrences", m.Occurrences, l.lists)
	e.Aliases = cutList(&e, "aliases", m.Aliases, l.lists)
	e.Links = cutList(&e, "links", m.Links, l.lists)
	return e
}

// brief leaves out what only memory_get shows.
func brief(m memory.Memory, l limits) entry {
	m.Occurrences, m.Aliases, m.Links, m.RecordedAt = nil, nil, nil, nil
	return show(m, l)
}

func cutTags(tags []string, n int) []string {
	kept := []string{}
	for _, t := range tags {
		if n -= len(t); n < 0 {
			break
		}
		kept = append(kept, t)
	}
	return kept
}

func cutList[T any](e *entry, name string, list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	e.Cut = append(e.Cut, name)
	return list[:n]
}

// heading is the line above the content of an entry in the text. Times are in loc.
func (e entry) heading(loc *time.Location) string {
	parts := []string{e.ID.String(), fmt.Sprintf("v%d", e.Version), minute(e.CreatedAt, loc)}
	if e.Type != "" {
		parts = append(parts, "type "+e.Type)
	}
	if len(e.Tags) > 0 {
		parts = append(parts, "tags "+strings.Join(e.Tags, ", "))
	}
	if e.Project != "" {
		parts = append(parts, "project "+e.Project)
	}
	if e.OccurrenceN > 0 {
		parts = append(parts, "said "+plural(e.OccurrenceN, "time", "times")+" more")
	}
	if e.Superseded != nil {
		parts = append(parts, "superseded by "+e.Superseded.String())
	}
	if e.Deleted {
		parts = append(parts, "DELETED")
	}
	if e.Incomplete {
		parts = append(parts, "incomplete: part of its past was lost")
	}
	return oneLine(strings.Join(parts, " · "))
}

// body is the content and metadata of an entry in the text, indented: what a memory says must not
// look like another entry.
func (e entry) body() string {
	text := indent(e.Content)
	if e.Bytes > 0 {
		text += fmt.Sprintf("\n   … (%d of %d bytes shown; memory_get shows the rest)",
			len(e.Content), e.Bytes)
	}
	if len(e.Metadata) > 0 {
		text += "\n   metadata: " + oneLine(string(e.Metadata))
	}
	if others := slices.DeleteFunc(slices.Clone(e.Cut), func(s string) bool {
		return s == "content"
	}); len(others) > 0 {
		text += "\n   … (not all shown: " + strings.Join(others, ", ") + ")"
	}
	return text
}

func indent(s string) string {
	return "   " + strings.ReplaceAll(s, "\n", "\n   ")
}

// oneLine keeps a text from looking like several lines.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// minute is a time for reading; exact ones stand in the structured content.
func minute(t time.Time, loc *time.Location) string {
	return t.In(loc).Format("2006-01-02 15:04")
}

// plural writes a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// memories is plural for the noun used most.
func memories(n int) string { return plural(n, "memory", "memories") }
