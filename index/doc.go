// Package index keeps memlog's read models on disk, in pebble: documents with everything they
// ever were, the facts about them, their words, and what is known about commands.
//
// The log is the truth and this is derived from it. An index can be deleted at any time; package
// projection, which gives records their meaning, makes it again. A document is opaque here: a
// 16-byte id, a payload, and the few fields that filters ask for.
//
// # Time
//
// Nothing is overwritten that a question about the past could need. A document has images, each
// what it was From a sequence number To another (half open, To 0 = still), and tags, aliases,
// occurrences and links are facts with intervals of the same kind. So a [View] as of any record
// ([DB.At]) answers from the same keys as one of the present ([DB.View]), without replay, and it
// answers what the present one would have answered then. The exceptions are said where they are:
// [View.LastVersion], [View.Anomalies] and [View.ReadOnlyReason] are of the end.
//
// Each image has a [Row], given in order of appearance and never again. Postings name rows, and
// so do vectors: what a row's text is never changes.
//
// # Determinism
//
// Every key and value is a pure function of the calls made to batches since the index was empty:
// not of how they were cut into batches, of reopening, rebuilding or restoring a snapshot, nor of
// the machine. [View.Digest] hashes all keys and values, and is the best test there is.
//
// # On disk
//
//	index/CURRENT             name of the generation in use; replaced by rename
//	index/g000012/            a pebble database; keys.go is its key space
//	index/g000012/CHECKPOINT  the last record seen, to be read without pebble (Peek)
//	index/g000011.aside/      a generation kept as evidence, with WHY-ASIDE
//	snapshots/.../data/       a pebble checkpoint: hard links to files that never change
//	snapshots/.../SNAPSHOT.json  its files with their SHA-256, its checkpoint, its own checksum
//
// A generation holds the schema (key space, analyzer and Unicode versions); another one's is
// [ErrOutdated]. A rebuild fills a new generation with [NewGeneration] while the old one serves,
// and [DB.Promote] swaps CURRENT. Generations that a crash left half filled are removed by [Open].
//
// # Durability
//
// Pebble's own log is off. Data and checkpoint are in one batch, memtables reach the disk in
// order and a batch never spans two: so any crash leaves the index as of its own checkpoint, and
// the log from there completes it. A commit is durable after the next flush: when idle, at Close,
// and after [DefaultFlushBytes] of single changes or [DefaultMemTableBytes] of bulk work.
//
// # Words
//
// Texts are cut by Unicode rules (UAX 29), brought to NFC and lower case; English words are
// brought to their usual form (forms.go) and stemmed (Porter 2), words of Russian letters stemmed
// as Russian. A text that its stop words show to be Danish, Dutch, Finnish, French, German,
// Hungarian, Italian, Norwegian, Portuguese, Spanish or Swedish is stemmed as that, and a query's
// words are looked up in the form of each of these that the store holds (tongue.go); those of
// other languages are left as they stand. Identifiers are kept whole and in parts, scripts without
// spaces become characters and pairs of them (analyze.go; [AnalyzerVersion] is part of the
// schema). Who speaks ("Ann: ...") and the created date are terms of their own (marks.go).
// "A phrase" must stand in a text as it is, conf* stands for all words that begin so (query.go).
// Stop words are indexed and count only in a query of nothing else.
//
// [ModeLexical] ranks by BM25, exactly; its parameters follow the mean length of the texts.
// Frequent words bring no new texts where they cannot bring one among the best (MaxScore: Turtle
// and Flood 1995; sweep.go). Up to 1,024 postings of a word the live ones are counted; beyond, its
// frequency is estimated from the share of live rows.
//
// # Context
//
// [ModeHybrid] finds by words (and by date, where the query names one) and ranks by all there is:
// the words, those of the neighbours, of the session (session.go) and of what it is linked with,
// how many of the query's words the text and its neighbours have, the date, who speaks, what kind
// of text it is, and what the best have in common (Rocchio 1971; Lavrenko and Croft 2001).
// weights.go has the weights and how they were found. Texts of the same words as a better one come
// after all others.
// [Query].Context brings neighbours, each once. [Weak] says that nothing found has much of what
// was asked for.
//
// A store of long texts also learns from them which words go together (topics.go; package lsa has
// the method and its papers): from its first 512 images, and again from more as it grows up to
// 10,000, of a sample of about 1,024. That takes about a tenth of a second, beside the writer
// (learning.go), and is part of what the log determines. The best candidates are then ranked by how
// near they are to the query among these topics, too. A store of notes has none: on conversations
// they cost more than they gave. Nor has one of more than 16,384 documents: there the texts to be
// compared would be read anew for nearly every search.
//
// Filters are applied before anything is cut. Lists, filters and ranking use a table of all rows,
// read into memory at the first of them (table.go). The postings and the tags that searches ask for
// stay in memory, up to Options.ListBytes, and follow what is committed (lists.go).
//
// # Vectors
//
// What an embedding model made of a text comes with an event and is kept as it came, one key a
// vector, beside a code of one bit a dimension in blocks of 256 (package vector has the method and
// its papers). Each model and number of dimensions is a [Space] of its own. A search scans the
// codes of the whole space in memory, then compares the best candidates by their whole vectors:
// flat, so that a vector is in it once its record is applied, filters and moments decide before
// anything is cut, and nothing depends on chance or on the order of background work. The codes are
// around a mean that is taken when there are [vector.FirstMean] vectors and again at each doubling,
// for those that come after; before the first, vectors are compared whole. Vectors are also put
// into partitions, likewise, which are looked into instead of all from [PartitionedFrom] vectors
// on, or with Options.Partitions. To make the first ones stops the writer for some seconds, once.
//
// # Concurrency
//
// One [Batch] at a time, on one goroutine; any number of views beside it, each for any number of
// goroutines. DB has one goroutine of its own, which Close joins, and each commit, flush and open
// runs pebble in a goroutine, since pebble may never return.
//
// # Failure
//
// Damage is found by pebble's block checksums, when it is read. It makes the generation broken:
// from then on every call fails with [ErrBroken], Options.OnBroken is called once, Close does not
// hang, and a rebuild puts things right. Pebble would end the process, or stall it on a full disk;
// engine.go and gate.go say what is done instead. What was abandoned leaves a goroutine or two
// behind, and writes nothing any more.
//
// Not covered: a directory on a disk mounted read-only cannot be opened, since pebble makes its
// lock file there; [ModeExact] reads every document that passes the filter where the query has no
// word with space before and behind (exact.go).
package index
