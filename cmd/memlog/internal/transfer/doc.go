// Package transfer turns memories and records into files, and lines of files into memories and
// records: what `memlog export` writes and `memlog import` reads.
//
// # What it is
//
// [Writer] writes one of three formats through one streaming interface, Begin, Memory or Record,
// End. JSONL is lossless: FORMAT.md beside this file says what stands in a line, and whatever a
// Writer wrote a [Reader] reads back as it was, metadata byte for byte. JSON is the same lines as
// one array. Markdown is a document for people and leaves out what only a machine needs.
//
// [Reader] reads JSONL, from memlog or from anybody: a line with nothing but a content is a memory.
// It knows structure only. The limits of package memory (how long a content may be, how many tags)
// and what becomes of a line are its caller's concern.
//
// # Layout
//
// UTF-8 text, one JSON object a line, a line at most [MaxLine] bytes. A line with the key log_id
// and no content is a [RecordLine], every other one a [Line].
//
// # Invariants
//
//   - Every line that is not blank comes back from Next exactly once: as a memory, as a record, or
//     rejected with the reason. A rejected line never ends the reading.
//   - Nothing is lost in silence: a key that is not known, and a time finer than a microsecond, are
//     in [Reader.Notes].
//   - Nothing read is trusted: a value of the wrong type, a key given twice, half a character or
//     bytes that are no fields of an event reject the line.
//   - Memory use is bounded by the longest line, never by the file.
//
// # Concurrency
//
// A Reader and a Writer each belong to one goroutine. Everything they return is the caller's and
// shares no memory with them.
//
// # Failure
//
// Next returns io.EOF at the end and any other error only where the source itself fails; the piece
// of a line read before such an error is not handed out. A Writer whose destination failed returns
// that error from every later call; what it wrote until then is no complete export. A memory that
// cannot be written fails alone.
package transfer
