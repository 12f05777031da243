package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"memlog/wal/event"
)

// Line is one memory as a line of JSONL says it. A field that the line does not have is zero: a
// bare line has a Content and nothing else, and its ID, Version and times are for the importer to
// choose. Tags and Aliases stand as they were written; [Line.Memory] sorts them.
type Line struct {
	ID           event.ID
	Content      string
	Type         string
	Project      string
	Tags         []string        // all it has, those of its occurrences included
	Metadata     json.RawMessage // word for word; nil is none, and JSON null is a value
	CreatedAt    time.Time       // whole microseconds UTC, as every time here
	UpdatedAt    time.Time
	Version      uint64
	Aliases      []string
	SupersededBy event.ID
	Deleted      bool // a tombstone: what it says is in the past
	Incomplete   bool // part of its past was lost; informs, and changes nothing on import
	Occurrences  []event.Occurrence
	Links        []event.Link // From is ID, also where that is zero, unless the line names another
	Extra        event.Extra  // fields that a newer version of memlog gave the memory

	// AboutAt dates a memory that is new and has no CreatedAt: the best that a source knows of it.
	// It says nothing about a memory that is here.
	AboutAt time.Time
	// IDOfText says that ID was made of the content without regard to case and outer blanks: where
	// the memory of this id differs from the line in nothing else, the line is another memory.
	IDOfText bool
}

// Attached is what a store knows of a memory beside its present version.
type Attached struct {
	Tags        []string // all it has; nil: those of the version
	Occurrences []event.Occurrence
	Links       []event.Link // in any direction; the line keeps those that leave the memory
	Deleted     bool
	Incomplete  bool
}

// FromMemory makes the line of a memory. The line shares slices with its arguments.
func FromMemory(m event.Memory, a Attached) Line {
	l := Line{
		ID: m.ID, Content: m.Content, Type: m.Type, Project: m.Project, Tags: m.Tags,
		Metadata: m.Metadata, CreatedAt: whole(m.CreatedAt), UpdatedAt: whole(m.UpdatedAt),
		Version: m.Version, Aliases: m.Aliases, SupersededBy: m.SupersededBy, Extra: m.Extra,
		Deleted: a.Deleted, Incomplete: a.Incomplete, Occurrences: a.Occurrences,
	}
	if a.Tags != nil {
		l.Tags = a.Tags
	}
	for _, k := range a.Links {
		if k.From == m.ID {
			l.Links = append(l.Links, k)
		}
	}
	return l
}

// Memory returns the version that the line holds, tags and aliases sorted and without doubles. ID,
// Version and times stay zero where the line has none. It fails only where Extra is not what
// fields of an event can be, and never for a line that came from a [Reader].
func (l Line) Memory() (event.Memory, error) {
	m := event.Memory{
		ID: l.ID, Version: l.Version, Content: l.Content, Type: l.Type, Project: l.Project,
		Tags: sorted(l.Tags), CreatedAt: whole(l.CreatedAt), UpdatedAt: whole(l.UpdatedAt),
		Aliases: sorted(l.Aliases), SupersededBy: l.SupersededBy,
	}
	if len(l.Metadata) > 0 {
		m.Metadata = slices.Clone(l.Metadata)
	}
	if len(l.Extra) == 0 {
		return m, nil
	}
	m.Extra = l.Extra
	if err := checkMemoryExtra(m); err != nil {
		return event.Memory{}, fmt.Errorf("extra: %w", err)
	}
	return m, nil
}

var errExtra = errors.New("not the encoded fields of a newer version")

// checkMemoryExtra finds extra fields that are no CBOR, or that would pass for other fields of the
// memory once encoded: such a memory does not come back as it was.
func checkMemoryExtra(m event.Memory) error {
	if m.ID.IsZero() {
		m.ID = event.ID{1}
	}
	b, err := event.EncodeMemory(m)
	if err != nil {
		return fmt.Errorf("%w: %v", errExtra, err)
	}
	back, err := event.DecodeMemory(b)
	if err != nil {
		return fmt.Errorf("%w: %v", errExtra, err)
	}
	if !reflect.DeepEqual(back, m) {
		return errExtra
	}
	return nil
}

// checkOccurrenceExtra is checkMemoryExtra for an occurrence.
func checkOccurrenceExtra(o event.Occurrence) error {
	b, err := event.EncodeOccurrence(o)
	if err != nil {
		return fmt.Errorf("%w: %v", errExtra, err)
	}
	back, err := event.DecodeOccurrence(b)
	if err != nil {
		return fmt.Errorf("%w: %v", errExtra, err)
	}
	if !reflect.DeepEqual(back, o) {
		return errExtra
	}
	return nil
}

// sorted returns s sorted and without doubles, as events have it; nil where there is nothing.
func sorted(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}
