// Package store serves [memory.Service] from a directory on local disk.
//
// It is where requests become events: a command is validated, decided against the present state,
// appended to the log (package wal) and, once durable, folded into the index (packages projection
// and index). Reads are answered from the index alone, as of now or of any sequence number.
//
// # Life of a command
//
//	validate            limits and form; nothing is locked
//	decide              on the log's one writer, against all that was accepted before it,
//	                    durable or not: the index batch in the making
//	append              frame, write, fsync: the commit point
//	apply, answer       the batch becomes visible; then the caller hears of it
//
// So two commands never decide on the same state, and a command that is answered is durable and
// visible.
//
// # Requests that come twice
//
// A request id stands in the record's header and a fingerprint of the request inside its first
// event. A request whose id is known is not decided again: its result is derived from the record
// that it made the first time.
//
// # Opposites
//
// Undo and revert append opposite events (opposite.go): for every memory, occurrence and link that
// the commands in question touched, the event that turns what is now into what was before them.
//
// # Imports
//
// An import is judged by the state, so that the same file again adds nothing (import_lines.go). A
// line with the id of a memory here is a new version of it, unless the memory says that or said it
// before. A record of another log is taken once, and only where it continues what that log brought
// here: it overwrites nothing that was changed here since (import_conflict.go).
//
// # Concurrency and failure
//
// A [Store] may be used by any number of goroutines. It holds the kernel's lock on the directory
// from Open to Close; another process gets a busy error that names it. Damage behind a sound end
// of the log is served around; doubt about the end refuses writes and names the command to run.
package store
