// Package recovery opens a store, and keeps everything that is derived from its log honest: verify,
// repair, rebuild, replay, snapshots. [Open] is the only way in, and opening is recovery: a store
// that was shut down well takes the same steps as one that was killed. RECOVERY.md is the
// specification: assumptions about the disk, what must hold, the steps of an opening by number, and
// the crash matrix that TestKilled runs.
//
// # On disk
//
// The package owns snapshots/ (<seq>-<time>/, each a copy of the index with a checksummed manifest)
// and one small file in index/, whose generations belong to package index: STALE, which says that
// the index lacks records that are damaged in the log. Repair moves an index that holds more than
// the log to quarantine/index-<generation>-<time>. The log belongs to package wal.
//
// # Invariants
//
// The log is the truth, and nothing here changes a byte of it except [Repair], through wal. An
// index is served only if it is a prefix of this log by log id and chain hash, or evidence: one
// that has seen records which the log lost is served as it is, from a copy, and nobody writes. An
// old index is given up only when the new one is whole and in use. What may hold something that
// the log does not is set aside, never removed. Nothing is rebuilt over damage, unless there is no
// index that can be served; then STALE is written before the new one is in use. While the log
// refuses writes its lock is not ours, and nothing in the store is changed.
//
// # Concurrency
//
// All methods of [Engine] may be called at the same time. A rebuild, a heal, a snapshot and a
// restore exclude one another; reads and appends go on beside them. A new index takes over on the
// log's writer goroutine, between two commands, with everything durable and everything staged in
// it; the old one is closed when its last reader has released it. [Verify], [Snapshots] and
// read-only openings take no lock and disturb no owner: they read copies.
//
// # Failure
//
// Errors of an operation leave the store as it was, or with the new index in use; the next opening
// is right in either case. An index that breaks while it is served is made anew by [Engine.Read],
// [Engine.Append] and [Engine.Heal]. What was found and done is in [Engine.Notes]: it is
// information, never a failure. ErrDamaged means that `memlog repair` comes first.
package recovery
