package wal

import "time"

// Health is what Log.Health found when the log was opened and since.
type Health struct {
	ReadOnly  string            // why writes are refused and what to run; empty: they are taken
	Damage    []CorruptionError // known damage
	Notes     []string          // what was noticed and dealt with
	ClockSkew time.Duration     // clock minus last record's time, where it is beyond belief; else 0
	FreeBytes uint64            // free space of the disk; 0 = not known
	Failures  uint64            // writes or syncs that failed since Open
	LastError string            // the last of them, or the follower's last Commit error
}

// State of a segment.
type State string

// The states a segment goes through.
const (
	Active   State = "active"   // the one that is written
	Sealed   State = "sealed"   // complete; a line in sealed.jsonl
	Archived State = "archived" // compressed, in the archive, no longer in log/
)

// Segment describes one file of the log.
type Segment struct {
	Name      string // its name in log/: the first number, 20 digits
	First     Seq
	Last      Seq // First-1 while it is empty
	FirstTime time.Time
	LastTime  time.Time
	Bytes     int64 // size of the uncompressed segment
	State     State
	SHA256    Hash // of the uncompressed segment; zero while it is active
	Path      string
}
