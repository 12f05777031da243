package event

import "time"

// Event is one fact. The types of this package that have a Kind are all there are; a switch over
// them ends with [Unknown], which a newer version wrote.
type Event interface {
	// Kind is the name of what the event says.
	Kind() Kind
}

// Memory is a whole memory as one version has it. Times are whole microseconds UTC; the encoding
// keeps microseconds since 1970, years 1 to 9999.
type Memory struct {
	ID           ID
	Version      uint64 // from 1; names one content, never another
	Content      string // valid UTF-8
	Type         string
	Project      string
	Tags         []string  // sorted, no doubles
	Metadata     []byte    // a JSON value word for word, or nothing
	CreatedAt    time.Time // the fact's own clock
	UpdatedAt    time.Time // when this version came to be, the fact's own clock
	Aliases      []string  // foreign identifiers, sorted, no doubles
	SupersededBy ID        // the memory that stands in for this one
	Extra        Extra     // fields of a newer version, kept as they came
}

// Occurrence is one more time that the same thing was said.
type Occurrence struct {
	ID        ID
	CreatedAt time.Time
	Metadata  []byte   // a JSON value word for word, or nothing
	Tags      []string // as given with the repetition
	Extra     Extra
}

// Stored says that a memory came to be. Memory.Version is 1 unless it was imported.
type Stored struct{ Memory Memory }

// Updated says that a memory has a new version, and carries all of it.
type Updated struct{ Memory Memory }

// Reverted says that a memory is again what an earlier version was, under that version's number.
type Reverted struct{ Memory Memory }

// Restored says that a deleted memory is back, as the version it carries.
type Restored struct{ Memory Memory }

// Deleted says that a memory was deleted: a tombstone is left, and what it said stays in the past.
type Deleted struct {
	ID           ID
	SupersededBy ID // the memory that stands in for it, if any
}

// Retracted says that a memory was taken back: the present holds nothing of it, not even a
// tombstone; the past still does.
type Retracted struct {
	ID ID
}

// Repeated says that what a memory says was said again. Tags are those that the memory did not
// have before; it has them from now on.
type Repeated struct {
	ID         ID
	Occurrence Occurrence
	Tags       []string
}

// Unrepeated takes an occurrence back, and takes Tags from the memory.
type Unrepeated struct {
	ID         ID
	Occurrence ID
	Tags       []string
}

// Link is a directed, typed link between two memories.
type Link struct {
	From ID
	To   ID
	Type string
}

// Linked says that a link was made.
type Linked struct{ Link Link }

// Unlinked says that a link was taken away.
type Unlinked struct{ Link Link }

// Undone marks the commands at Seqs (of this log) as undone, and those at Redone as no longer
// undone. It moves no memory: the opposite events beside it do. Ignorable.
type Undone struct {
	Seqs   []uint64
	Redone []uint64
}

// Digested notes the state digest (package projection) as of Seq, which every replay of this log
// must reproduce. Ignorable.
type Digested struct {
	Version uint64 // version of the digest's definition
	Seq     uint64
	Digest  []byte // 32 bytes
}

// Embedded carries the vector of one version of a memory. Model is the identity of what made it,
// Encoding the registered form of Vector. Ignorable.
type Embedded struct {
	ID       ID
	Version  uint64
	Model    string
	Encoding uint64
	Vector   []byte
}

// Unknown is an event of a kind that this version does not know. Raw is the whole encoding.
type Unknown struct {
	Name      Kind
	Ignorable bool
	Raw       []byte
}

// Extra holds the encoded fields that this version does not know, by key.
type Extra map[string][]byte

func (Stored) Kind() Kind     { return KindStored }
func (Updated) Kind() Kind    { return KindUpdated }
func (Reverted) Kind() Kind   { return KindReverted }
func (Restored) Kind() Kind   { return KindRestored }
func (Deleted) Kind() Kind    { return KindDeleted }
func (Retracted) Kind() Kind  { return KindRetracted }
func (Repeated) Kind() Kind   { return KindRepeated }
func (Unrepeated) Kind() Kind { return KindUnrepeated }
func (Linked) Kind() Kind     { return KindLinked }
func (Unlinked) Kind() Kind   { return KindUnlinked }
func (Undone) Kind() Kind     { return KindUndone }
func (Digested) Kind() Kind   { return KindDigested }
func (Embedded) Kind() Kind   { return KindEmbedded }
func (u Unknown) Kind() Kind  { return u.Name }
