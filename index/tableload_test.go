package index

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// tableOf opens an index of so many short texts, some versions of others and some taken away, whose
// table has grown with them.
func tableOf(t *testing.T, n int) *DB {
	t.Helper()
	d := open(t, MemFS())
	t.Cleanup(func() { d.Close() })
	v := view(t, d)
	if _, err := v.rows(); err != nil {
		t.Fatal(err)
	}
	done(t, v)
	for seq := uint64(1); seq <= uint64(n); {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		for last := min(seq+6000, uint64(n)); seq <= last; seq++ {
			of := seq
			if seq%7 == 0 {
				of = seq / 2
			}
			err := errors.Join(b.PutImage(NewImage{ID: numbered(int(of)), Seq: seq, Version: seq,
				Created: int64(seq % 100), Text: "elm"[:seq%4], Deleted: seq%50 == 0,
				Project: fmt.Sprint(seq % 3), Stream: fmt.Sprint(seq % 40)}),
				b.SetCheckpoint(madeCheckpoint(seq)))
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// A table that is read, in parts and at the same time, is the one that grew.
func TestLoadedTable(t *testing.T) {
	for _, n := range []int{0, 1, 255, 257, 5000, taskChunks*tableChunk + 300} {
		d := tableOf(t, n)
		got, err := loadTable(d.source())
		if err != nil {
			t.Fatal(err)
		}
		want := d.table
		if got.len() != want.len() || got.numID.Load() != want.numID.Load() || int(got.len()) != n {
			t.Fatalf("%d rows of %d documents, not %d of %d", got.len(), got.numID.Load(), want.len(),
				want.numID.Load())
		}
		for r := range got.len() {
			a, b := got.row(r), want.row(r)
			text := func(i *rowInfo) string {
				return fmt.Sprint(i.ord, i.flags, i.marks, i.terms, i.session, i.sig, i.before, i.typ,
					i.project, i.from, i.created, i.to.Load())
			}
			if text(a) != text(b) || got.length(r) != want.length(r) || *got.kind(r) != *want.kind(r) ||
				got.holds(r, uint64(n)) != want.holds(r, uint64(n)) ||
				got.chunk(r).least.Load() != want.chunk(r).least.Load() {
				t.Fatalf("row %d: %s, not %s", r, text(a), text(b))
			}
		}
		for o := range Ordinal(got.numID.Load()) {
			a, b := got.doc(o), want.doc(o)
			if got.id(o) != want.id(o) || a.last.Load() != b.last.Load() ||
				a.before.Load() != b.before.Load() || a.after.Load() != b.after.Load() {
				t.Fatalf("document %d of %d rows differs", o, n)
			}
		}
	}
}

const endOfTask = "no value at the end of a task"

// A value that is not there, or is not whole, is no table.
func TestLoadedTableIsWhole(t *testing.T) {
	for name, damage := range map[string]func(d *DB) error{
		"no value":         func(d *DB) error { return d.p.Delete(newKey(keyRows).u32(3), pebble.NoSync) },
		"no first value":   func(d *DB) error { return d.p.Delete(newKey(keyIDs).u32(0), pebble.NoSync) },
		"part of a value":  func(d *DB) error { return d.p.Set(newKey(keyRows).u32(3), make([]byte, 84), pebble.NoSync) },
		"part of a row":    func(d *DB) error { return d.p.Merge(newKey(keyRows).u32(3), []byte{1}, pebble.NoSync) },
		"part of the last": func(d *DB) error { return d.p.Merge(newKey(keyRows).u32(7), []byte{1}, pebble.NoSync) },
		"too many":         func(d *DB) error { return d.p.Merge(newKey(keyIDs).u32(2), make([]byte, 16), pebble.NoSync) },
		"too many at the end": func(d *DB) error {
			return d.p.Merge(newKey(keyRows).u32(7), make([]byte, 60*rowRecordSize), pebble.NoSync)
		},
		endOfTask: func(d *DB) error {
			return d.p.Delete(newKey(keyRows).u32(taskChunks*tableChunk/256-1), pebble.NoSync)
		},
		"another key":      func(d *DB) error { return d.p.Set(append(newKey(keyIDs).u32(2), 0), nil, pebble.NoSync) },
		"another last key": func(d *DB) error { return d.p.Set(append(newKey(keyRows).u32(9), 0), nil, pebble.NoSync) },
		"of no document":   func(d *DB) error { return deleteIDs(d.p) },
		"of fewer documents": func(d *DB) error {
			return d.p.Delete(newKey(keyIDs).u32(6), pebble.NoSync)
		},
	} {
		n := 2000
		if name == endOfTask {
			n = taskChunks*tableChunk + 300
		}
		d := tableOf(t, n)
		if err := damage(d); err != nil {
			t.Fatal(err)
		}
		if _, err := loadTable(d.source()); !errors.Is(err, errValue) || d.Broken() == nil {
			t.Errorf("%s: %v, broken: %v", name, err, d.Broken())
		}
	}
}

func deleteIDs(p *pebble.DB) error {
	return p.DeleteRange(newKey(keyIDs), newKey(keyIDs).upper(), pebble.NoSync)
}
