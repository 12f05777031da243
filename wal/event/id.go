package event

import (
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
