package event

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// ID identifies a memory, an occurrence or a log: a UUID, made as version 7 (RFC 9562) so that ids
// sort by the time they were made. Any UUID is accepted on reading, since imported lines keep
// theirs. The zero ID identifies nothing.
type ID [16]byte

// Seq is a position in a log: from 1, dense, never reused. It equals wal.Seq, and stands here for
// those who speak of positions without knowing the log.
type Seq uint64

// NewID makes a fresh version 7 id. It reads the clock and random numbers, so only commands call
// it, never a projection. Safe for concurrent use.
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) }

// foreignSpace is the name space of derived ids. It never changes: they would be others.
var foreignSpace = uuid.MustParse("5f6a3f0e-52d5-4d0e-9c7b-0b5cf4d0a7e1")

// DerivedID makes the id of what another program calls by the given names: a version 8 UUID (RFC
// 9562) of their SHA-256, the same on every machine and at any time, so that what is brought in
// twice is one memory. Names are kept apart: ("a", "bc") and ("ab", "c") have different ids.
func DerivedID(names ...string) ID {
	var key []byte
	for _, n := range names {
		key = binary.AppendUvarint(key, uint64(len(n)))
		key = append(key, n...)
	}
	return ID(uuid.NewHash(sha256.New(), foreignSpace, key, 8))
}

// ParseID reads the 36-character form, in either case. Other UUID notations are refused, so that
// one memory has one name.
func ParseID(s string) (ID, error) {
	if len(s) != 36 {
		return ID{}, fmt.Errorf("id %.40q is not a UUID like 01890a5d-ac96-774b-bcce-b302099a8057", s)
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return ID{}, fmt.Errorf("id %.40q is not a UUID: %v", s, err)
	}
	return ID(u), nil
}

// String returns the 36-character lower-case form, and "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return uuid.UUID(id).String()
}

// IsZero reports whether id identifies nothing.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the form of String, for JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes; empty text is the zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	got, err := ParseID(string(b))
	*id = got
	return err
}
