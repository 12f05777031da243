// Package wal is the log of opaque records, the one truth of a memlog store.
//
// It appends with github.com/tidwall/wal and adds what that lacks: checksums, a hash
// chain, a verified start, a classifier of damage, repair, archive, and reading beside
// writing. FORMAT.md specifies every byte.
//
// # Layout
//
// In the store directory this package owns:
//
//	FORMAT            the format and the log's id
//	owner.lock        the kernel's lock; its text is for messages only; never unlinked
//	HEAD              two slots, each the last synced position as of its writing
//	log/N             segments, named by their first number in 20 digits
//	log/sealed.jsonl  one line for each complete segment; derived
//	archive/          compressed segments, MANIFEST.jsonl and a copy of it
//	quarantine/       what was cut off, replaced or out of place; never deleted by us
//	ballast           a file to give up when the disk is full
//
// # Invariants
//
//   - Append returns after its record is synced. Nothing unsynced is ever read.
//   - Numbers are dense and never reused. Each record names the hash of the one before.
//   - HEAD may lag behind the log and never leads it: it is written after the sync of
//     what it names. It is itself synced before a segment begins, when the log is idle,
//     and at Close.
//   - tidwall/wal opens log/ only when its last file is verified from end to end. Its
//     Read and Truncate functions are never called.
//   - Bytes leave log/ in two ways: a torn end is copied to quarantine/ and then cut; a
//     file that Repair replaces gets a second name in quarantine/ first.
//   - Open rewrites in place and syncs whatever HEAD does not vouch for, before HEAD moves
//     and before anybody sees a record. After a failed fsync the page cache may show, as
//     clean, bytes the disk lacks, and another fsync does nothing.
//
// # What is torn and what is damage
//
// A gap (bytes that are no frame) is torn if it is in the last segment and nobody vouches
// for the first number it hides: not HEAD, not sealed.jsonl, not the archive's manifest,
// not a witness of the caller, and no whole frame behind it. A frame vouches for what was
// synced when it was written: everything before its own batch (the header has its place
// in the batch). So when a power cut tears the first of three records that shared a sync,
// the other two are rightly taken as never acknowledged, and when it is the first of
// three that did not, as damage.
//
// All else is damage. If the log's end is sound, it is served around the damage, a new
// segment is begun behind a damaged one, and Health names it. If a witness is ahead of
// the end, nothing is changed and writes are refused until Repair.
//
// Where files contradict each other (a segment of another store, one that is there twice)
// the links decide: stretches that are chained to each other hang together, and the group
// that a witness or record 1 belongs to wins.
//
// # Time
//
// A record's time is max(clock, last+1µs), so that "until" is a prefix of the log. A clock
// more than 366 days ahead of the last record is not believed without AcceptClock. 24
// hours, as first planned, would refuse every write after a weekend; a year still catches
// the clocks that really occur, those that are at 1970 or decades off, in the direction
// that hurts: one record from 2099 holds time there for ever. A clock that is behind by
// more than 24 hours does not stop writes, since the order of records needs no clock:
// time goes on by microseconds, Health shows the skew, and with AcceptClock a
// ClockCorrected record begins a new era in which time follows the clock again. A moment
// that two eras contain means the later one.
//
// # Concurrency
//
// One goroutine writes; it is started by Open and joined by Close. It calls build
// functions and the Follower. All methods of Log may be called at any time from anywhere.
// Readers load an immutable view and use files of their own; they never wait for the
// writer. Open takes a kernel lock that is held until Close, except with ReadOnly, and
// where writes are refused because the end is in doubt (so that Repair can have it).
// Verify takes no lock.
//
// # Failure
//
// A failed write or sync aborts the follower, fails everybody in the batch, and poisons
// the handle. The next Append cuts the segment back to the last synced byte, syncs,
// verifies it and opens it again; while that fails it is tried at each Append. If the
// active segment is not as this process left it (another writer, a replaced file) the
// handle stays read-only. Errors of the caller: ErrTooLarge, ErrClock. Retryable: ErrBusy,
// ErrFailedWrite, *LockedError. The rest needs a person.
//
// Assumed of the disk: an fsync that succeeds keeps its bytes; a write does not change
// bytes outside its own page; a rename is atomic.
package wal
