package event

import (
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Nearly all of a log are whole memories of fields that this version knows. These are read and
// written as structs; a map of their fields costs three times as much. What is not plain - a field
// of a newer version, a value of another type, a missing time - goes the way of every other event,
// which alone says what is malformed and how.

// plainMode reads what decMode reads, but for fields that a struct does not have.
var plainMode = must(func() (cbor.DecMode, error) {
	o := decMode.DecOptions()
	o.ExtraReturnErrors = cbor.ExtraDecErrorUnknownField
	return o.DecMode()
}())

// plainEvent is an event without fields of a newer version.
type plainEvent struct {
	Kind      string          `cbor:"k"`
	Ignorable bool            `cbor:"i"`
	Request   []byte          `cbor:"r"`
	Body      cbor.RawMessage `cbor:"b"`
}

// plainMemory is a memory without fields of a newer version. Times are pointers since 0 is one.
type plainMemory struct {
	ID           []byte   `cbor:"id,omitempty"`
	Version      uint64   `cbor:"v"`
	Content      string   `cbor:"c,omitempty"`
	Type         string   `cbor:"t,omitempty"`
	Project      string   `cbor:"p,omitempty"`
	Tags         []string `cbor:"g,omitempty"`
	Metadata     []byte   `cbor:"m,omitempty"`
	CreatedAt    *int64   `cbor:"n,omitempty"`
	UpdatedAt    *int64   `cbor:"u,omitempty"`
	Aliases      []string `cbor:"a,omitempty"`
	SupersededBy []byte   `cbor:"s,omitempty"`
}

// decodePlain reads a plain event of a whole memory; ok is false for everything else, valid or not.
func decodePlain(b []byte) (e Envelope, ok bool) {
	var top plainEvent
	if plainMode.Unmarshal(b, &top) != nil {
		return e, false
	}
	m, ok := decodePlainMemory(top.Body)
	if !ok {
		return e, false
	}
	switch Kind(top.Kind) {
	case KindStored:
		e.Event = Stored{m}
	case KindUpdated:
		e.Event = Updated{m}
	case KindReverted:
		e.Event = Reverted{m}
	case KindRestored:
		e.Event = Restored{m}
	default:
		return e, false
	}
	e.Request = top.Request
	return e, true
}

// decodePlainMemory reads a plain memory. A time that is not there may also be null, which is
// another time.
func decodePlainMemory(b []byte) (m Memory, ok bool) {
	var p plainMemory
	if plainMode.Unmarshal(b, &p) != nil || len(p.ID) != len(ID{}) || ID(p.ID).IsZero() ||
		p.CreatedAt == nil || p.UpdatedAt == nil {
		return m, false
	}
	for _, us := range []int64{*p.CreatedAt, *p.UpdatedAt} {
		if us < minMicros || us > maxMicros {
			return m, false
		}
	}
	m = Memory{
		ID: ID(p.ID), Version: p.Version, Content: p.Content, Type: p.Type, Project: p.Project,
		Tags: p.Tags, Metadata: p.Metadata, CreatedAt: time.UnixMicro(*p.CreatedAt).UTC(),
		UpdatedAt: time.UnixMicro(*p.UpdatedAt).UTC(), Aliases: p.Aliases,
	}
	switch len(p.SupersededBy) {
	case 0:
	case len(ID{}):
		m.SupersededBy = ID(p.SupersededBy)
	default:
		return Memory{}, false
	}
	return m, true
}

// encodePlainMemory writes what encMode writes of the fields of a memory without Extra.
func encodePlainMemory(m Memory) ([]byte, error) {
	p := plainMemory{
		Version: m.Version, Content: m.Content, Type: m.Type, Project: m.Project, Tags: m.Tags,
		Metadata: m.Metadata, CreatedAt: plainTime(m.CreatedAt), UpdatedAt: plainTime(m.UpdatedAt),
		Aliases: m.Aliases,
	}
	if !m.ID.IsZero() {
		p.ID = slices.Clone(m.ID[:])
	}
	if !m.SupersededBy.IsZero() {
		p.SupersededBy = slices.Clone(m.SupersededBy[:])
	}
	return encMode.Marshal(&p)
}

// plainTime is a time in microseconds since 1970, nil for the zero time.
func plainTime(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}
