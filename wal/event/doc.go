// Package event says what the records of a memlog log mean: the vocabulary of events and its
// encoding.
//
// # Events
//
// An event is a fact in the domain, named in the past tense: [Stored], [Updated], [Deleted] and so
// on. A record of the log (package wal, which knows nothing of this one) carries one or more
// encoded events, all of one accepted command.
//
// Events are self-contained. One that makes a version carries the whole memory after it, an undo
// is written as the explicit opposite events, and none refers to another record for its meaning.
// So the loss of one record costs what that record said and nothing else.
//
// # Encoding
//
// An event is one CBOR map (RFC 8949, core deterministic encoding: shortest forms, keys sorted
// bytewise) with text keys, so that a stranger can read a log without this code:
//
//	{"k": kind, "i": true if ignorable, "b": {fields of the kind}, "r": request fingerprint}
//
// "i" and "r" are left out where empty. FORMAT.md beside this file lists every kind and field.
//
// # Growth
//
// A reader keeps what it does not know: [Decode] returns a kind it has never heard of as [Unknown]
// with its bytes untouched, and keeps unknown fields of a known kind in Extra; [Encode] writes both
// back. A kind may be added as ignorable (a reader may skip it and still be right about every
// memory) or not (an older reader must refuse to write). Fields may be added to a kind at any time;
// they are never renamed, removed or given another meaning. What was written once stays readable:
// testdata holds encodings of every format version and they are never changed.
//
// # Concurrency
//
// Everything here is a value or a pure function; any number of goroutines may call at once.
package event
