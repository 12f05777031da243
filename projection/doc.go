// Package projection folds records of the log into the index. It is the one apply path: live
// writes, catching up at open, rebuild, verify, replay and restore all go through
// [Projector.Apply], so "live equals replayed" holds by construction and is checked by digest.
//
// # What a record does
//
// Each event opens and closes images and facts of the index, at the record's sequence number:
//
//	Stored, Updated,     a new image with the whole memory as payload; tags and aliases of the
//	Reverted, Restored   memory that do not hold begin, those that are not in it end
//	Deleted              a tombstone: its payload is the memory before (superseded_by set), tags
//	                     and aliases end, occurrences are hidden until it is restored
//	Retracted            the image ends and none begins; tags, aliases and occurrences end; links
//	                     are facts of their own and end by their own events
//	Repeated             an occurrence begins, and the tags given
//	Unrepeated           an occurrence ends, and the tags given
//	Linked, Unlinked     a link begins, ends
//	Embedded             the version has a vector in its model's space: its image, where it is there,
//	                     and every later image of that version or of the same text
//	Undone               marks commands; Digested is compared
//
// The record's request id and group are noted, and, where an event changes a memory and none is an
// Undone, the record as an undoable command of its session.
//
// # Total
//
// No content of a record stops a replay. An event about an id that was never seen makes the
// memory, flagged incomplete; bytes that are no event and events that make no sense are counted
// as anomalies in the index and passed over; a destroyed event is passed over; a Lost record moves
// the checkpoint only. An unknown kind that must not be ignored sets the index's read-only reason.
// Errors are those of the index, and then nothing of the batch is committed.
//
// # Pure
//
// What Apply does depends on the records and their times alone: no clock, no random numbers, no
// network, no order of a map. [StateDigest] and the running digest are specified in STATE.md.
//
// # Concurrency and failure
//
// A [Projector] is for one goroutine: the log's writer, which calls it as wal.Follower. After an
// error it stages nothing until [Projector.Catchup], which reads the log from the index's
// checkpoint on; so a record is never left out between two that are applied. Catchup reads the log
// and prepares its events in goroutines of its own, ahead of what it applies, and joins them.
package projection
