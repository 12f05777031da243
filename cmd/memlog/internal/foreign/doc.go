// Package foreign reads what other memory tools keep, and hands it over as memlog lines: what
// `memlog import` does with files that memlog did not write. FORMAT.md beside this file says which
// formats there are, how each is told, and what becomes of every field.
//
// # What it is
//
// [Open] looks at what a path holds and returns an [Input]: an io.Reader of memlog JSONL (package
// transfer), made as it is read. So the store judges foreign memories exactly as it judges its own:
// in chunks, against its present state, with one way to be resumed and undone. What a source cannot
// give, the Input reports itself; what the store rejects, [Input.Place] leads back to its row or
// line. [Discover] looks in the places where the tools keep their stores.
//
// # Invariants
//
//   - A source is never written, locked or changed. A database is read from a private copy that was
//     read twice and found the same, with its write-ahead log and rollback journal: a consistent
//     state also beside a running writer.
//   - Every memory has an id that is derived from what its tool calls it, so the same source always
//     makes the same lines, and a newer one changes those that changed.
//   - Every entry of a source comes out as a line, or is rejected by its number, or is counted in a
//     note. Damage ends at the entry, page or line it is in.
//   - Memory use is bounded by the largest entry: no source is held whole. Four bytes an entry lead
//     from lines back to entries.
//
// # Concurrency and failure
//
// An Input belongs to one goroutine at a time, except that its reports may be asked for beside a
// Read. A Read fails only where the source itself cannot be read on; what came before stands.
package foreign
