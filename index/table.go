package index

import (
	"encoding/binary"
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

// decode takes a row from the first rowRecordSize bytes of b.
func (r *rowInfo) decode(b []byte) {
	_ = b[rowRecordSize-1]
	r.ord, r.from = Ordinal(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint64(b[4:])
	r.created = int64(binary.BigEndian.Uint64(b[12:]) ^ 1<<63)
	r.terms, r.typ = binary.BigEndian.Uint32(b[20:]), binary.BigEndian.Uint32(b[24:])
	r.project, r.flags = binary.BigEndian.Uint32(b[28:]), b[32]
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

// addRows appends the rows of one stored value.
func (t *table) addRows(v []byte) error {
	if len(v)%rowRecordSize != 0 {
		return errValue
	}
	for len(v) > 0 {
		n := t.numRow.Load()
		chunks := *t.rows.Load()
		if int(n/tableChunk) == len(chunks) {
			chunks = append(chunks[:len(chunks):len(chunks)], new([tableChunk]rowInfo))
			t.rows.Store(&chunks)
		}
		rows := chunks[n/tableChunk][n%tableChunk:]
		rows = rows[:min(len(rows), len(v)/rowRecordSize)]
		for i := range rows {
			rows[i].decode(v)
			v = v[rowRecordSize:]
		}
		t.numRow.Store(n + uint32(len(rows)))
	}
	return nil
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
		for ; len(v) >= len(ID{}); v = v[len(ID{}):] {
			t.addID(ID(v))
		}
		if len(v) > 0 {
			return false, errValue
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	err = s.scan(newKey(keyRows), func(_, v []byte) (bool, error) { return true, t.addRows(v) })
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
