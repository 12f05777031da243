package memory

import (
	"encoding/json"
	"time"

	"memlog/wal/event"
)

// ID identifies a memory.
type ID = event.ID

// Seq is a position in the log; 0 is before its first record.
type Seq = event.Seq

// Memory is one memory as it was at some moment.
type Memory struct {
	ID          ID              `json:"id"`
	Content     string          `json:"content"`
	Tags        []string        `json:"tags"`               // sorted; its own and those of repetitions
	Type        string          `json:"type,omitempty"`     //
	Project     string          `json:"project,omitempty"`  //
	Metadata    json.RawMessage `json:"metadata,omitempty"` // any JSON, word for word
	CreatedAt   time.Time       `json:"created_at"`         // the fact's own clock
	UpdatedAt   time.Time       `json:"updated_at"`
	Version     uint64          `json:"version"`
	Seq         Seq             `json:"seq"` // of the record that made this version
	RecordedAt  *time.Time      `json:"recorded_at,omitempty"`
	Occurrences []Occurrence    `json:"occurrences,omitempty"` // further times the same was said
	// OccurrenceCount counts all occurrences, also where Occurrences was cut at MaxShownOccurrences.
	OccurrenceCount int      `json:"occurrence_count,omitempty"`
	Aliases         []string `json:"aliases,omitempty"`
	Links           []Link   `json:"links,omitempty"` // both directions
	SupersededBy    *ID      `json:"superseded_by,omitempty"`
	Deleted         bool     `json:"deleted,omitempty"`
	Incomplete      bool     `json:"incomplete,omitempty"` // part of its past was lost
}

// Occurrence is one more time that the same thing was said.
type Occurrence struct {
	ID        ID              `json:"id"`
	CreatedAt time.Time       `json:"created_at"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Tags      []string        `json:"tags,omitempty"`
}

// Link is a directed, typed link between two memories.
type Link struct {
	From ID     `json:"from"`
	To   ID     `json:"to"`
	Type string `json:"type"`
}

// Version is one entry of a memory's history. Its own Seq and Time stand in JSON before those of
// the memory.
type Version struct {
	Event    string    `json:"event"` // the kind of event that made it: stored, updated, deleted, …
	Seq      Seq       `json:"seq"`
	UntilSeq Seq       `json:"until_seq,omitempty"` // first record it no longer held at; 0: it holds
	Time     time.Time `json:"time"`                // recorded
	Client   string    `json:"client,omitempty"`
	Session  string    `json:"session,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Memory
}

// History is all a store knows of one memory, oldest first.
type History struct {
	ID       ID        `json:"id"`
	Versions []Version `json:"versions"`
}

// Origin says who gives a command, and names the attempt. It travels with every mutating request
// into the log.
type Origin struct {
	// RequestID names this attempt at the command: the same id with the same request returns the
	// first result and writes nothing; with another request it is refused. Empty: one is made.
	RequestID     string `json:"request_id,omitempty"`
	Client        string `json:"client,omitempty"`
	ClientVersion string `json:"client_version,omitempty"`
	Session       string `json:"session,omitempty"`
	Project       string `json:"project,omitempty"` // where it was given, not the memory's own
	User          string `json:"user,omitempty"`
	Host          string `json:"host,omitempty"`
	Reason        string `json:"reason,omitempty"` // why, in the caller's words
}

// Moment is a moment of the log's past. At most one field is set; neither means now.
type Moment struct {
	Time time.Time `json:"time,omitzero"`
	Seq  Seq       `json:"seq,omitempty"`
}

// IsNow reports whether m means the present.
func (m Moment) IsNow() bool { return m.Time.IsZero() && m.Seq == 0 }

// Resolved is the moment a read answered for.
type Resolved struct {
	Seq  Seq       `json:"seq"`
	Time time.Time `json:"time"` // recorded time of the record Seq
}
