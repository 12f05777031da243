package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// loadTable reads the whole table. Rows and ids are read by as many goroutines as there are
// processors, some chunks at a time, since most of that is memory which is touched for the first
// time; then one goes through the rows in order, and notes what came before what.
func loadTable(s source) (*table, error) {
	l := loading{s: s}
	var err error
	if l.numRows, err = s.entries(keyRows, 1<<rowBlockShift, rowRecordSize); err != nil {
		return nil, err
	}
	if l.numIDs, err = s.entries(keyIDs, 1<<idBlockShift, len(ID{})); err != nil {
		return nil, err
	}
	if err := l.read(); err != nil {
		return nil, err
	}
	t, err := l.table()
	if err != nil {
		return nil, s.fuse.check(fmt.Errorf("read row table: %w", err))
	}
	for prefix, any := range map[byte]*atomic.Bool{
		aliasFact.byDoc: &t.aliases, keyOccurrence: &t.occurrences, keyLink: &t.links,
	} {
		err := s.scan(newKey(prefix), func(_, _ []byte) (bool, error) {
			any.Store(true)
			return false, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t, s.scan(newKey(keyClosed), func(k, v []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: v}
		row, to := f.row(), g.u64()
		if f.err != nil || g.err != nil || row >= t.len() {
			return false, errValue
		}
		t.end(row, to)
		return true, nil
	})
}

// entries returns how many entries of size bytes lie, so many in each value, behind a prefix.
func (s source) entries(prefix byte, inValue, size int) (int, error) {
	k, v, ok, err := s.last(newKey(prefix), newKey(prefix).upper())
	if err != nil || !ok {
		return 0, err
	}
	if len(k) != 1+4 {
		return 0, s.fuse.check(fmt.Errorf("read key %q: %w", k, errValue))
	}
	return int(binary.BigEndian.Uint32(k[1:]))*inValue + len(v)/size, nil
}

// loading is a table being read.
type loading struct {
	s               source
	numRows, numIDs int
	rows            []*rowChunk
	ids             []*[tableChunk]ID
	rowTasks        int // the first of all; the others are of ids
	next            atomic.Int64
	errs            []error // by task
}

// taskChunks are the chunks that a goroutine reads before it takes others.
const taskChunks = 8

func chunks(n int) int { return (n + tableChunk - 1) / tableChunk }
func tasks(n int) int  { return (chunks(n) + taskChunks - 1) / taskChunks }

func (l *loading) read() error {
	l.rows, l.ids = make([]*rowChunk, chunks(l.numRows)), make([]*[tableChunk]ID, chunks(l.numIDs))
	l.rowTasks = tasks(l.numRows)
	l.errs = make([]error, l.rowTasks+tasks(l.numIDs))
	var wg sync.WaitGroup
	if l.s.batch == nil { // which is for one goroutine
		for range min(len(l.errs), runtime.GOMAXPROCS(0)) - 1 {
			wg.Go(l.run)
		}
	}
	l.run()
	wg.Wait()
	return errors.Join(l.errs...)
}

func (l *loading) run() {
	for {
		i := int(l.next.Add(1)) - 1
		switch {
		case i >= len(l.errs):
			return
		case i < l.rowTasks:
			l.errs[i] = l.readRows(i)
		default:
			l.errs[i] = l.readIDs(i - l.rowTasks)
		}
	}
}

func (l *loading) readRows(task int) error {
	return l.values(keyRows, task, l.numRows, rowRecordSize, func(at int, v []byte) {
		if l.rows[at/tableChunk] == nil {
			l.rows[at/tableChunk] = new(rowChunk)
		}
		c := l.rows[at/tableChunk]
		for i := Row(at % tableChunk); len(v) > 0; i++ {
			c.rows[i].decode(v)
			c.set(i)
			v = v[rowRecordSize:]
		}
	})
}

func (l *loading) readIDs(task int) error {
	return l.values(keyIDs, task, l.numIDs, len(ID{}), func(at int, v []byte) {
		if l.ids[at/tableChunk] == nil {
			l.ids[at/tableChunk] = new([tableChunk]ID)
		}
		c := l.ids[at/tableChunk]
		for i := at % tableChunk; len(v) > 0; i++ {
			c[i], v = ID(v), v[len(ID{}):]
		}
	})
}

// values calls fn with the values of a task, of so many entries behind the prefix in all, and where
// each begins. All but the last one are full.
func (l *loading) values(prefix byte, task, all, size int, fn func(at int, v []byte)) error {
	const full = 1 << rowBlockShift
	at, end := task*taskChunks*tableChunk, min((task+1)*taskChunks*tableChunk, all)
	from, to := newKey(prefix).u32(uint32(at/full)), newKey(prefix).u32(uint32((end+full-1)/full))
	err := l.s.scanRange(from, to, func(k, v []byte) (bool, error) {
		f := fieldReader{b: k[1:]}
		block, n := int(f.u32()), len(v)/size
		if f.err != nil || block*full != at || n*size != len(v) || n != min(full, end-at) {
			return false, fmt.Errorf("read value %q: %w", k, errValue)
		}
		fn(at, v)
		at += n
		return true, nil
	})
	if err == nil && at < end {
		err = l.s.fuse.check(fmt.Errorf("no value %q %d: %w", prefix, at/full, errValue))
	}
	return err
}

// table makes a table of what was read.
func (l *loading) table() (*table, error) {
	t, docs := newTable(), make([]*[tableChunk]docInfo, len(l.ids))
	for i := range docs {
		docs[i] = new([tableChunk]docInfo)
	}
	t.rows.Store(&l.rows)
	t.ids.Store(&l.ids)
	t.docs.Store(&docs)
	t.numID.Store(uint32(l.numIDs))
	for n := range Row(l.numRows) {
		r := t.row(n)
		if int(r.ord) >= l.numIDs {
			return nil, errValue
		}
		before := t.place(r)
		t.numRow.Store(uint32(n) + 1)
		t.settle(n, r, before)
	}
	return t, nil
}
