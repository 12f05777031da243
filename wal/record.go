package wal

import (
	"encoding/hex"
	"fmt"
	"time"
)

// Seq is a position in the log: from 1, dense, never reused. 0 means "none".
type Seq uint64

// Hash is a SHA-256: a record's chain hash, or one event's salted digest.
type Hash [32]byte

// String returns the hash as 64 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("hash of %d digits, %d belong", len(b), hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// IsZero tells whether the hash is all zero, which stands for "none" (before record 1).
func (h Hash) IsZero() bool { return h == Hash{} }

// Position names one record of one log: its number and its chain hash. The zero
// Position is the place before the first record.
type Position struct {
	Seq  Seq
	Hash Hash
}

// Range is a stretch of sequence numbers, both ends included.
type Range struct{ From, To Seq }

// Len returns how many numbers the range holds.
func (r Range) Len() uint64 { return uint64(r.To-r.From) + 1 }

// Provenance says who asked for a record. Every field is at most MaxProvenance bytes.
type Provenance struct {
	Client        string // program that asked, as it names itself
	ClientVersion string
	Session       string // the client's session
	Project       string // path or name of the project the client works in
	User          string
	Host          string
	Reason        string // why, in words, where the caller gave a reason
}

// Mark is a fact about the log itself, chained like everything else. At most one
// field is set.
type Mark struct {
	Created        *Created
	Forked         *Forked
	LossAccepted   *LossAccepted
	ClockCorrected *ClockCorrected
}

// Created is record 1 of a log that was born empty.
type Created struct {
	LogID  [16]byte
	Format uint64 // the store format of the day, see Format
}

// Forked is record 1 of a log that was made as a copy of another one.
type Forked struct {
	From     [16]byte // the log it was copied from
	Position Position // the last record of that log that the copy holds
	LogID    [16]byte // the new log's own id; zero in Options.Fork: one is made
}

// LossAccepted says that the numbers From..To are given up: their places hold Lost
// frames. It excuses the break of the chain behind To, and nothing else.
type LossAccepted struct {
	From, To Seq
	After    Hash // the previous hash that the record at To+1 names; zero: none survived
}

// ClockCorrected begins a new era: from this record on, time follows the clock again,
// although an earlier record holds the later time From.
type ClockCorrected struct{ From time.Time }

// Record is one accepted command as stored. It is immutable: nobody may change the
// slices it holds.
type Record struct {
	Seq        Seq
	Epoch      uint64    // raised by every Open for writing; the fencing token
	Prev       Hash      // chain hash of the record before; zero for record 1
	Hash       Hash      // chain hash of this record
	Time       time.Time // recorded time, UTC, microseconds, strictly increasing in an era
	Wall       time.Time // the clock as it was read, UTC, microseconds
	RequestID  string
	GroupID    string
	Provenance Provenance
	Mark       *Mark
	Digests    []Hash   // one per event, SHA-256 over its salt and bytes
	Events     [][]byte // the events' bytes; nil = destroyed by a purge
	Lost       bool     // the place of a record that repair had to give up; it has no events
}

// Position returns the record's place in its log.
func (r Record) Position() Position { return Position{r.Seq, r.Hash} }

// Entry is what a caller gives to Append. The log adds number, time, chain and digests.
// Append does not copy Events; they must not change until it returns.
type Entry struct {
	RequestID  string
	GroupID    string
	Provenance Provenance
	Mark       *Mark
	Events     [][]byte
}
