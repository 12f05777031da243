package memory

import "time"

// Clock names one of a memory's two clocks.
type Clock string

// The clocks: when the fact was, and when the log recorded it.
const (
	ClockCreated  Clock = "created"
	ClockRecorded Clock = "recorded"
)

// Match says how several tags of a filter combine.
type Match string

// The ways tags combine. The zero value means MatchAny.
const (
	MatchAny Match = "any"
	MatchAll Match = "all"
)

// Mode says how a search finds.
type Mode string

// The modes of search. Hybrid is the default. Vector needs an embedding model (Modeler) and is
// refused where none is used; Exact finds the query as a piece of text; where letter case
// differs, with a lower score.
const (
	ModeHybrid  Mode = "hybrid"
	ModeVector  Mode = "vector"
	ModeLexical Mode = "lexical"
	ModeExact   Mode = "exact"
)

// SessionCurrent stands for the caller's own session where people and agents name one; requests
// have its name instead.
const SessionCurrent = "current"

// Filter selects memories. Its zero value selects all that are live. Since and Until are inclusive
// bounds on the clock Clock names (created where empty); an occurrence counts for the created one.
type Filter struct {
	Tags    []string  `json:"tags,omitempty"`
	Match   Match     `json:"match,omitempty"`
	Type    string    `json:"type,omitempty"`
	Project string    `json:"project,omitempty"`
	Session string    `json:"session,omitempty"` // stored, changed or said again in this session
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Clock   Clock     `json:"clock,omitempty"`
}

// IsZero reports whether f selects everything.
func (f Filter) IsZero() bool {
	return len(f.Tags) == 0 && f.Type == "" && f.Project == "" && f.Session == "" &&
		f.Since.IsZero() && f.Until.IsZero()
}

// SearchRequest asks for the memories that answer Query best.
type SearchRequest struct {
	Query   string `json:"query"`
	Filter  Filter `json:"filter"`
	AsOf    Moment `json:"as_of"`
	Mode    Mode   `json:"mode,omitempty"`
	Limit   int    `json:"limit,omitempty"` // 0: DefaultLimit; at most MaxLimit
	Explain bool   `json:"explain,omitempty"`
	// Context is how many neighbours of its session each hit brings on each side, at most
	// MaxContext; in mode hybrid only. What one hit brings is no hit of its own, and is brought once.
	Context int `json:"context,omitempty"`
	// Near is the project the caller is in, a name or a directory: memories of that project, or of
	// one named by the directory's last part, are mildly preferred. In mode hybrid only.
	Near string `json:"near,omitempty"`
}

// Hit is a memory that a search found.
type Hit struct {
	Memory
	Score   float64            `json:"score"`             // comparable within one result only
	Explain map[string]float64 `json:"explain,omitempty"` // each signal's part
	Before  []Memory           `json:"before,omitempty"`  // neighbours, with Context, in order
	After   []Memory           `json:"after,omitempty"`
}

// SearchResult is the answer to a [SearchRequest], best first.
type SearchResult struct {
	Hits []Hit `json:"hits"`
	Seq  Seq   `json:"seq"` // what the answer has seen
	// Weak is set where no hit has most of what the query asks for, so that the best may well be
	// about something else.
	Weak bool `json:"weak,omitempty"`
	// Notes say where the answer was found otherwise than was asked, as by words alone because the
	// embedding model took too long.
	Notes []string `json:"notes,omitempty"`
	// AsOf is set where a moment was asked for.
	AsOf *Resolved `json:"as_of,omitempty"`
}

// ListRequest asks for memories, newest created first, a page at a time.
type ListRequest struct {
	Filter         Filter `json:"filter"`
	AsOf           Moment `json:"as_of"`
	IncludeDeleted bool   `json:"include_deleted,omitempty"`
	Limit          int    `json:"limit,omitempty"`  // 0: DefaultLimit; at most MaxLimit
	Cursor         string `json:"cursor,omitempty"` // NextCursor of the page before
}

// ListResult is one page. Total counts all that the filter selects.
type ListResult struct {
	Memories   []Memory  `json:"memories"`
	NextCursor string    `json:"next_cursor,omitempty"`
	Total      int       `json:"total"`
	Seq        Seq       `json:"seq"`
	AsOf       *Resolved `json:"as_of,omitempty"`
}

// GetRequest asks for one memory by its id, or by an alias.
type GetRequest struct {
	ID             string `json:"id"`
	AsOf           Moment `json:"as_of"`
	IncludeDeleted bool   `json:"include_deleted,omitempty"` // show tombstones instead of refusing
}

// TagsRequest asks for the tags in use, with how many memories have each.
type TagsRequest struct {
	Filter Filter `json:"filter"`
	AsOf   Moment `json:"as_of"`
}

// TagCount is a tag and how many live memories have it.
type TagCount struct {
	Tag   string `json:"tag"`
	Count int    `json:"count"`
}

// TagsResult lists tags, the most used first, then by name.
type TagsResult struct {
	Tags []TagCount `json:"tags"`
	Seq  Seq        `json:"seq"`
	AsOf *Resolved  `json:"as_of,omitempty"`
}

// LogRequest selects records of the log. Zero fields select all.
type LogRequest struct {
	From    Seq       `json:"from,omitempty"`
	To      Seq       `json:"to,omitempty"`
	Since   time.Time `json:"since,omitzero"` // recorded time, inclusive
	Until   time.Time `json:"until,omitzero"` // recorded time, inclusive
	Kind    string    `json:"kind,omitempty"` // records with an event of this kind
	Session string    `json:"session,omitempty"`
	Follow  bool      `json:"follow,omitempty"` // go on with records as they come, until ctx ends
}

// LogRecord is one record of the log as people read it.
type LogRecord struct {
	Seq       Seq        `json:"seq"`
	Time      time.Time  `json:"time"`
	Wall      time.Time  `json:"wall"`
	Epoch     uint64     `json:"epoch"`
	Hash      string     `json:"hash"`
	RequestID string     `json:"request_id,omitempty"`
	Group     string     `json:"group,omitempty"`
	Events    []LogEvent `json:"events"`
	Client    string     `json:"client,omitempty"`
	ClientVer string     `json:"client_version,omitempty"`
	Session   string     `json:"session,omitempty"`
	Project   string     `json:"project,omitempty"`
	User      string     `json:"user,omitempty"`
	Host      string     `json:"host,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Lost      bool       `json:"lost,omitempty"` // a place whose record is beyond help
}

// LogEvent is one event of a record: its kind and its fields. Raw carries the whole encoding of an
// event, in base64, where it is asked for (export) or the kind is not known.
type LogEvent struct {
	Kind      string         `json:"kind"`
	Fields    map[string]any `json:"fields,omitempty"`
	Raw       []byte         `json:"raw,omitempty"`
	Destroyed bool           `json:"destroyed,omitempty"`
}
