package foreign

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal/event"
)

// serviceMemory is a memory of mcp-memory-service, from whichever of its stores and files.
type serviceMemory struct {
	at       int
	hash     string // what it is called by: its content hash, or the id in Chroma
	content  string
	tags     []string
	kind     string
	metadata json.RawMessage
	created  []any // candidates for the time, the best first
	updated  []any

	deletedAt  any
	superseded string // hash of the memory that stands in for it
	parent     string // hash of the memory that it is a version of
	version    any
	confidence any
	links      []graphEdge
}

// graphEdge is a link of mcp-memory-service from one memory to the one with the hash to.
type graphEdge struct {
	to    string
	kinds []string
}

// versionOf is the type of the link to the memory that a memory is a version of.
const versionOf = "version-of"

// entry makes the line of a memory, and says in r what of it is not as it should be.
func (m serviceMemory) entry(r *report) Entry {
	if m.content == "" {
		return Entry{At: m.at, Rejected: "content: missing"}
	}
	if at := strings.IndexByte(m.content, 0); at >= 0 {
		return Entry{At: m.at, Rejected: fmt.Sprintf("content: a NUL byte at byte %d, as in a damaged "+
			"page; it begins %.60q", at+1, m.content[:at])}
	}
	m.hash = plainLine(m.hash)
	if m.hash == "" {
		m.hash = contentHash(m.content)
	}
	id := serviceID(m.hash)
	l := transfer.Line{
		ID: id, Content: strings.ToValidUTF8(m.content, "\ufffd"), Type: plainLine(m.kind),
		Tags: m.tags, Metadata: m.metadata, Aliases: []string{m.hash}, IDOfText: true,
	}
	m.times(r, &l)
	fields := metadataFields(m.metadata)
	if m.superseded == "" {
		m.superseded = fields.SupersededBy
	}
	if fields.rated() {
		r.Rated++
	}
	if m.superseded = plainLine(m.superseded); m.superseded != "" {
		l.SupersededBy = serviceID(m.superseded)
	}
	l.Deleted = isSet(m.deletedAt)
	m.addLinks(&l)
	if kept := m.beside(); len(kept) > 0 {
		l.Metadata = withField(l.Metadata, serviceKey, kept)
	}
	return Entry{At: m.at, Memory: l}
}

// serviceKey is where metadata keeps what mcp-memory-service had in columns of its own.
const serviceKey = "mcp_memory_service"

// beside is what has no place in a memory but metadata.
func (m serviceMemory) beside() map[string]any {
	kept := map[string]any{}
	if isSet(m.deletedAt) {
		kept["deleted_at"] = m.deletedAt
	}
	if v, ok := m.version.(int64); ok && v > 1 {
		kept["version"] = v
	}
	if v, ok := m.confidence.(float64); ok && v != 1 {
		kept["confidence"] = v
	}
	if m.parent != "" {
		kept["parent_id"] = m.parent
	}
	return kept
}

// times sets the times of a line. Without one that can be believed it is dated about when it was
// brought in, which says nothing about a memory that is here already.
func (m serviceMemory) times(r *report, l *transfer.Line) {
	created, wrong := firstTime(m.created...)
	updated, _ := firstTime(m.updated...)
	if wrong != nil {
		r.count(m.at, "created_at: %v", wrong)
	}
	if created.IsZero() {
		l.AboutAt = updated
		return
	}
	l.CreatedAt = created
	if !updated.Before(created) {
		l.UpdatedAt = updated
	}
}

// addLinks adds the links that leave a memory, each once.
func (m serviceMemory) addLinks(l *transfer.Line) {
	seen := map[event.Link]bool{}
	add := func(to, kind string) {
		if len(kind) > memory.MaxType {
			kind = kind[:memory.MaxType]
		}
		k := event.Link{From: l.ID, To: serviceID(plainLine(to)), Type: plainLine(kind)}
		if k.Type != "" && !seen[k] {
			seen[k] = true
			l.Links = append(l.Links, k)
		}
	}
	if m.parent != "" {
		add(m.parent, versionOf)
	}
	for _, e := range m.links {
		for _, kind := range e.kinds {
			add(e.to, kind)
		}
	}
}

// serviceFields are the members of metadata that mean something beside themselves.
type serviceFields struct {
	SupersededBy  string          `json:"superseded_by"`
	UserRating    json.RawMessage `json:"user_rating"`
	RatingHistory json.RawMessage `json:"rating_history"`
	Tags          json.RawMessage `json:"tags"`
}

func (f serviceFields) rated() bool {
	return len(f.UserRating) > 0 && string(f.UserRating) != "null" ||
		len(f.RatingHistory) > 0 && string(f.RatingHistory) != "null" && string(f.RatingHistory) != "[]"
}

// metadataFields reads those of a metadata object; what has another type counts as not there.
func metadataFields(metadata json.RawMessage) serviceFields {
	var f serviceFields
	if len(metadata) > 0 && metadata[0] == '{' {
		var loose map[string]json.RawMessage
		if json.Unmarshal(metadata, &loose) == nil {
			_ = json.Unmarshal(loose["superseded_by"], &f.SupersededBy) // of another type: not there
			f.UserRating, f.RatingHistory, f.Tags = loose["user_rating"], loose["rating_history"],
				loose["tags"]
		}
	}
	return f
}

// isSet reports whether a column or member says something.
func isSet(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case float64:
		return v != 0
	case int64:
		return v != 0
	case json.Number:
		return v != "0" && v != ""
	case time.Time:
		return !v.IsZero()
	default:
		return true
	}
}

// edgeKinds are the types of a graph row: its own, or those of the list that older files have,
// which may also be a bare word.
func edgeKinds(relationship, connections string) []string {
	if relationship = plainLine(relationship); relationship != "" {
		return []string{relationship}
	}
	if kinds := splitTags(connections); len(kinds) > 0 {
		return kinds
	}
	return []string{"related"}
}

// rowName names a row of a table other than the memories' own.
func rowName(table string, rowid any) string { return fmt.Sprintf("%s row %v", table, rowid) }
