// Package torture kills the owner of a store again and again under clients that write, and counts
// what became of every write. It is `memlog torture`.
//
// # What it does
//
// Each client is a `memlog mcp` process spoken to over its standard files, as an agent does. Half
// of its operations store a memory; the other half raise one counter that all clients share: read
// it, then update it under if_version with one more. Such a raise is not the same done twice, so
// that no equality hides a double. Meanwhile the owner, by the process id that its status gives,
// is ended as by kill -9, at any moment of a write. Nothing else is touched.
//
// # What it counts
//
// At the end the owner leaves, the log is verified as by `verify --deep`, and its records of this
// run are held against what the clients were told (count.go):
//
//   - lost: acknowledged, and not in the log, or no longer in the memories;
//   - doubled: an operation in two records, under one request id or two, or a record under a
//     request id that no client sent;
//   - errors: a call that ended in an error, an answer that the log contradicts, or a read older
//     than what the same client was acknowledged before; also a log that does not verify.
//
// Every operation carries its name in the memory's metadata, and every call a request id of the
// run, so the two ways of counting doubles do not depend on each other.
//
// # Concurrency and failure
//
// A client is one goroutine and one process; one more goroutine kills. [Run] returns after all of
// them have ended, also when its context ends early: then it reports nothing. It ends no process
// but its own clients and the owner of the store it was given.
package torture
