package index

import (
	"sync/atomic"
)

// The row table is what filters, lists and BM25 ask about every row: kept in memory once a list or
// a search asked for it, about 70 bytes a row. It only grows, and an end is set once, to a number
// that no view has seen yet; so one table serves views of all moments at the same time.

// rowRecordSize is one row in a value of keyRows: ordinal, from, created, terms, type, project,
// flags.
const rowRecordSize = 4 + 8 + 8 + 4 + 4 + 4 + 1

const tableChunk = 1 << 12

// rowInfo is one row. Everything but to is set before the row is published.
type rowInfo struct {
	ord     Ordinal
	flags   byte
	terms   uint32
	typ     uint32
	project uint32
	from    uint64
	created int64
	to      atomic.Uint64 // 0: still
}

func (r *rowInfo) at(seq uint64) bool { return at(r.from, r.to.Load(), seq) }
func (r *rowInfo) deleted() bool      { return r.flags&flagDeleted != 0 }

func (r *rowInfo) encode(k key) key {
	k = k.ord(r.ord).u64(r.from).time(r.created).u32(r.terms).u32(r.typ).u32(r.project)
	return append(k, r.flags)
}

func (r *rowInfo) decode(f *fieldReader) {
	r.ord, r.from, r.created = f.ord(), f.u64(), f.time()
	r.terms, r.typ, r.project, r.flags = f.u32(), f.u32(), f.u32(), f.u8()
}

// table has one writer (load, then Commit) and any number of readers.
type table struct {
	rows   atomic.Pointer[[]*[tableChunk]rowInfo]
	ids    atomic.Pointer[[]*[tableChunk]ID]
	numRow atomic.Uint32
	numID  atomic.Uint32
}

func newTable() *table {
	t := &table{}
	t.rows.Store(&[]*[tableChunk]rowInfo{})
	t.ids.Store(&[]*[tableChunk]ID{})
	return t
}

func (t *table) row(r Row) *rowInfo { return &(*t.rows.Load())[r/tableChunk][r%tableChunk] }
func (t *table) id(o Ordinal) ID    { return (*t.ids.Load())[o/tableChunk][o%tableChunk] }
func (t *table) len() Row           { return Row(t.numRow.Load()) }
func (t *table) docs() Ordinal      { return Ordinal(t.numID.Load()) }

// addRow appends a row that set fills, and publishes it.
func (t *table) addRow(set func(*rowInfo)) {
	n := t.numRow.Load()
	chunks := *t.rows.Load()
	if int(n/tableChunk) == len(chunks) {
		chunks = append(chunks[:len(chunks):len(chunks)], new([tableChunk]rowInfo))
		t.rows.Store(&chunks)
	}
	set(&chunks[n/tableChunk][n%tableChunk])
	t.numRow.Store(n + 1)
}

func (t *table) addID(id ID) {
	n := t.numID.Load()
	chunks := *t.ids.Load()
	if int(n/tableChunk) == len(chunks) {
		chunks = append(chunks[:len(chunks):len(chunks)], new([tableChunk]ID))
		t.ids.Store(&chunks)
	}
	chunks[n/tableChunk][n%tableChunk] = id
	t.numID.Store(n + 1)
}

// loadTable reads the whole table.
func loadTable(s source) (*table, error) {
	t := newTable()
	err := s.scan(newKey(keyIDs), func(_, v []byte) (bool, error) {
		f := fieldReader{b: v}
		for len(f.b) > 0 && f.err == nil {
			t.addID(f.id())
		}
		return true, f.err
	})
	if err != nil {
		return nil, err
	}
	err = s.scan(newKey(keyRows), func(_, v []byte) (bool, error) {
		f := fieldReader{b: v}
		for len(f.b) > 0 && f.err == nil {
			t.addRow(func(r *rowInfo) { r.decode(&f) })
		}
		return true, f.err
	})
	if err != nil {
		return nil, err
	}
	return t, s.scan(newKey(keyClosed), func(k, v []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: v}
		row, to := f.row(), g.u64()
		if f.err != nil || g.err != nil || row >= t.len() {
			return false, errValue
		}
		t.row(row).to.Store(to)
		return true, nil
	})
}
