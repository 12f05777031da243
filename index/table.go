package index

import (
	"encoding/binary"
	"sync/atomic"
)

// The row table is what filters, lists and BM25 ask about every row: kept in memory once a list or
// a search asked for it, about 110 bytes a row. It only grows, and an end is set once, to a number
// that no view has seen yet; so one table serves views of all moments at the same time.

// rowRecordSize is one row in a value of keyRows: ordinal, from, created, terms, type, project,
// flags, session, signature, marks.
const rowRecordSize = 4 + 8 + 8 + 4 + 4 + 4 + 1 + 4 + 4 + 1

const tableChunk = 1 << 12

// rowInfo is one row. Everything but to is set before the row is published.
type rowInfo struct {
	ord     Ordinal
	flags   byte
	marks   byte // see marks.go
	terms   uint32
	session uint32 // of its document
	sig     uint32 // see signature
	before  Row    // the document's row before this one, noRow
	typ     uint32
	project uint32
	from    uint64
	created int64
	to      atomic.Uint64 // 0: still
}

// rowChunk is tableChunk rows, with what is asked of most of them apart, so that reading postings
// through stays in the processor's caches.
type rowChunk struct {
	lengths [tableChunk]uint32             // terms of each row
	least   atomic.Uint32                  // terms of the shortest row that has some; 0: none has
	ended   [tableChunk / 64]atomic.Uint64 // rows that have an end, a bit each
	rows    [tableChunk]rowInfo
	kinds   [tableChunk]rowKind // what most filters ask, likewise
}

// set notes what of row i, which was just filled, is asked most. It is the table's writer's.
func (c *rowChunk) set(i Row) {
	row := &c.rows[i]
	c.lengths[i], c.kinds[i] = row.terms, rowKind{row.ord, row.typ, row.project}
	if least := c.least.Load(); row.terms > 0 && (least == 0 || row.terms < least) {
		c.least.Store(row.terms)
	}
}

func (c *rowChunk) end(i Row, to uint64) {
	c.rows[i].to.Store(to)
	c.ended[i/64].Or(1 << (i % 64))
}

func (r *rowInfo) at(seq uint64) bool { return at(r.from, r.to.Load(), seq) }
func (r *rowInfo) superseded() bool   { return r.flags&flagSuperseded != 0 }
func (r *rowInfo) deleted() bool      { return r.flags&flagDeleted != 0 }

func (r *rowInfo) encode(k key) key {
	k = k.ord(r.ord).u64(r.from).time(r.created).u32(r.terms).u32(r.typ).u32(r.project)
	k = append(k, r.flags)
	return append(k.u32(r.session).u32(r.sig), r.marks)
}

// decode takes a row from the first rowRecordSize bytes of b.
func (r *rowInfo) decode(b []byte) {
	_ = b[rowRecordSize-1]
	r.ord, r.from = Ordinal(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint64(b[4:])
	r.created = int64(binary.BigEndian.Uint64(b[12:]) ^ 1<<63)
	r.terms, r.typ = binary.BigEndian.Uint32(b[20:]), binary.BigEndian.Uint32(b[24:])
	r.project, r.flags = binary.BigEndian.Uint32(b[28:]), b[32]
	r.session, r.sig = binary.BigEndian.Uint32(b[33:]), binary.BigEndian.Uint32(b[37:])
	r.marks = b[41]
}

// rowKind is what most filters ask of a row, once more and on its own: of the rows that a scan of
// vectors asks about, most do not pass, and a rowInfo is more than a line of the processor's cache.
type rowKind struct {
	ord          Ordinal
	typ, project uint32
}

// table has one writer (load, then Commit) and any number of readers.
type table struct {
	rows   atomic.Pointer[[]*rowChunk]
	ids    atomic.Pointer[[]*[tableChunk]ID]
	docs   atomic.Pointer[[]*[tableChunk]docInfo]
	numRow atomic.Uint32
	numID  atomic.Uint32
	ends   []Ordinal // by session: its last document; the writer's

	aliases, occurrences, links atomic.Bool // whether any document ever had one
}

// docInfo is where a document is in the table and in its session. A document that has no row yet
// has last noRow. Plus one is stored, so that zero stands for none.
type docInfo struct {
	last   atomic.Uint32 // newest row
	before atomic.Uint32 // neighbours in the session, by ordinal
	after  atomic.Uint32
}

func newTable() *table {
	t := &table{}
	t.rows.Store(&[]*rowChunk{})
	t.ids.Store(&[]*[tableChunk]ID{})
	t.docs.Store(&[]*[tableChunk]docInfo{})
	return t
}

func (t *table) chunk(r Row) *rowChunk { return (*t.rows.Load())[r/tableChunk] }
func (t *table) row(r Row) *rowInfo    { return &t.chunk(r).rows[r%tableChunk] }
func (t *table) length(r Row) uint32   { return t.chunk(r).lengths[r%tableChunk] }
func (t *table) kind(r Row) *rowKind   { return &t.chunk(r).kinds[r%tableChunk] }
func (t *table) id(o Ordinal) ID       { return (*t.ids.Load())[o/tableChunk][o%tableChunk] }
func (t *table) len() Row              { return Row(t.numRow.Load()) }

// holds reports whether a row that began by seq still holds then.
func (t *table) holds(r Row, seq uint64) bool {
	c, i := t.chunk(r), r%tableChunk
	return c.ended[i/64].Load()&(1<<(i%64)) == 0 || c.rows[i].to.Load() > seq
}

func (t *table) end(r Row, to uint64) { t.chunk(r).end(r%tableChunk, to) }

// addRow appends a row that set fills, and publishes it.
func (t *table) addRow(set func(*rowInfo)) {
	n := t.numRow.Load()
	c, i := t.room(n), n%tableChunk
	row := &c.rows[i]
	set(row)
	c.set(Row(i))
	before := t.place(row)
	t.numRow.Store(n + 1)
	t.settle(Row(n), row, before)
}

// room returns the chunk that has row n, the next one.
func (t *table) room(n uint32) *rowChunk {
	chunks := *t.rows.Load()
	if int(n/tableChunk) == len(chunks) {
		chunks = append(chunks[:len(chunks):len(chunks)], new(rowChunk))
		t.rows.Store(&chunks)
	}
	return chunks[n/tableChunk]
}

func (t *table) addID(id ID) {
	n := t.numID.Load()
	chunks := *t.ids.Load()
	if int(n/tableChunk) == len(chunks) {
		chunks = append(chunks[:len(chunks):len(chunks)], new([tableChunk]ID))
		t.ids.Store(&chunks)
		docs := *t.docs.Load()
		docs = append(docs[:len(docs):len(docs)], new([tableChunk]docInfo))
		t.docs.Store(&docs)
	}
	chunks[n/tableChunk][n%tableChunk] = id
	t.numID.Store(n + 1)
}

func (t *table) doc(o Ordinal) *docInfo { return &(*t.docs.Load())[o/tableChunk][o%tableChunk] }

// place notes the row that the document had before, and returns the session's last document, both
// before the row is published.
func (t *table) place(r *rowInfo) (before Ordinal) {
	r.before = Row(t.doc(r.ord).last.Load() - 1) // none is noRow
	before = noDoc
	if r.before != noRow {
		return before
	}
	for int(r.session) >= len(t.ends) {
		t.ends = append(t.ends, noDoc)
	}
	before, t.ends[r.session] = t.ends[r.session], r.ord
	return before
}

// settle makes a published row its document's newest, and a new document the session's last.
func (t *table) settle(n Row, r *rowInfo, before Ordinal) {
	t.doc(r.ord).last.Store(uint32(n) + 1)
	if before != noDoc {
		t.doc(r.ord).before.Store(uint32(before) + 1)
		t.doc(before).after.Store(uint32(r.ord) + 1)
	}
}

// at returns the row of a document that holds at seq and is no tombstone, or noRow.
func (t *table) at(o Ordinal, seq uint64) Row {
	n := Row(t.doc(o).last.Load() - 1)
	for n != noRow {
		r := t.row(n)
		if r.from <= seq {
			if r.at(seq) && !r.deleted() {
				return n
			}
			return noRow
		}
		n = r.before
	}
	return noRow
}

// step returns the nearest document before (or after) o in its session that holds at seq, and its
// row. Only maxSteps documents are looked at.
func (t *table) step(o Ordinal, seq uint64, after bool) (Ordinal, Row) {
	for range maxSteps {
		if after {
			o = Ordinal(t.doc(o).after.Load() - 1)
		} else {
			o = Ordinal(t.doc(o).before.Load() - 1)
		}
		if o == noDoc {
			break
		}
		if r := t.at(o, seq); r != noRow {
			return o, r
		}
	}
	return noDoc, noRow
}

// maxSteps bounds how many documents that are not there any more a step passes over.
const maxSteps = 64
