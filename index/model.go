package index

import "fmt"

// ID names a document: 16 opaque bytes, chosen by the caller.
type ID [16]byte

// Ordinal numbers documents densely from 0 in order of their first appearance in the log.
type Ordinal uint32

// Row numbers images densely from 0 in order of appearance. Postings and vectors name rows, since
// an image's text never changes.
type Row uint32

// Checkpoint is the place in the log that an index stands for: everything up to and including
// record Seq has been applied. The zero Checkpoint is an index that has seen nothing.
type Checkpoint struct {
	Seq   uint64
	Hash  [32]byte // chain hash of record Seq
	LogID [16]byte
	Time  int64 // recorded time of record Seq, microseconds since 1970
}

// Image is what a document was during [From, To).
type Image struct {
	Row          Row
	From         uint64
	To           uint64 // 0: still
	Version      uint64
	Created      int64 // microseconds since 1970
	Type         string
	Project      string
	Deleted      bool // a tombstone: Payload is what the document said before
	Incomplete   bool // parts of it are not in the log
	SupersededBy ID
	Terms        uint32 // length of the text in terms, as BM25 counts it
	Payload      []byte
}

// Occurrence is one more time that a document's content was said.
type Occurrence struct {
	ID      ID
	From    uint64
	To      uint64 // 0: still
	Created int64  // microseconds since 1970
	Payload []byte
}

// Link is a directed, typed link that holds during [Since, To).
type Link struct {
	From, To ID
	Type     string
	Since    uint64
	Until    uint64 // 0: still
}

// Doc is a document as a view sees it: its image there with the facts about it that hold there.
// Tags, aliases and occurrences of a tombstone are empty. Callers own all of it.
type Doc struct {
	ID      ID
	Ordinal Ordinal
	Image
	Tags        []string     // sorted
	Aliases     []string     // sorted
	Occurrences []Occurrence // by (From, Created, ID)
	LastVersion uint64       // highest version it ever had, whatever the view's moment
}

// Command is one undoable command of a user.
type Command struct {
	Seq     uint64
	Session string
	Group   string
}

// Anomaly is an event that could not be applied as it was meant.
type Anomaly struct {
	Seq    uint64
	Kind   string
	Detail string
}

// Anomalies is what could not be applied so far: how many of each kind, and the first
// MaxAnomalies of them.
type Anomalies struct {
	Counts map[string]uint64
	First  []Anomaly
}

// Stats are totals as of a view.
type Stats struct {
	Live    uint64 // documents that are there and not deleted
	Deleted uint64 // tombstones
	Terms   uint64 // length of all live texts
	Images  uint64 // images ever opened
}

// Count is how many live documents have a name (a tag, a type, a project).
type Count struct {
	Name string
	Docs int
}

// String returns the id in the notation of a UUID.
func (id ID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// IsZero reports whether the id is all zero, which names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// at reports whether the half-open interval [from, to) holds seq; to 0 is open.
func at(from, to, seq uint64) bool { return from <= seq && (to == 0 || to > seq) }
