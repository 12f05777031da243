package index

import (
	"errors"
	"fmt"
	"testing"
)

// waitingRows adds documents of the word "same" and one word of each, a batch of them.
func waitingRows(t *testing.T, d *DB, from, to int, look func(b *Batch)) {
	t.Helper()
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for n := from; n < to; n++ {
		text := fmt.Sprintf("same word%d", n)
		err := b.PutImage(NewImage{ID: numbered(n), Seq: uint64(n), Text: text, Payload: []byte(text)})
		if err := errors.Join(err, b.SetCheckpoint(madeCheckpoint(uint64(n)))); err != nil {
			t.Fatal(err)
		}
		if look != nil {
			look(b)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

// TestFillingWaits: while a generation is filled, postings wait; whoever reads sees all of them, an
// aborted batch leaves nothing, and what is made is what a generation in use comes to.
func TestFillingWaits(t *testing.T) {
	const last = 300
	used := open(t, MemFS())
	defer done(t, used)
	waitingRows(t, used, 1, last, nil)
	want := digest(t, used)
	found := func(v *View) int {
		hits, err := v.Search(Query{Text: "same", Limit: last})
		if err != nil {
			t.Fatal(err)
		}
		return len(hits)
	}
	for name, step := range map[string]func(d *DB){
		"nobody looks": func(d *DB) {},
		"a batch looks": func(d *DB) {
			waitingRows(t, d, 100, 110, func(b *Batch) {
				if n := int(b.state.checkpoint.Seq); found(b.View()) != n {
					t.Errorf("a batch sees %d of %d", found(b.View()), n)
				}
			})
		},
		"a view looks": func(d *DB) {
			v := view(t, d)
			defer done(t, v)
			if n := found(v); n != 99 || d.filling || len(d.waiting.of) > 0 {
				t.Errorf("found %d, filling %v, %d wait", n, d.filling, len(d.waiting.of))
			}
		},
		"a flush": func(d *DB) {
			if err := d.Flush(); err != nil || len(d.waiting.of) > 0 {
				t.Errorf("%d wait, %v", len(d.waiting.of), err)
			}
		},
		"an abort": func(d *DB) {
			b, err := d.NewBatch()
			if err != nil {
				t.Fatal(err)
			}
			err = b.PutImage(NewImage{ID: numbered(100), Seq: 100, Text: "same other"})
			if err := errors.Join(err, b.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"promoted": func(d *DB) {
			if err := d.Promote(false); err != nil || d.filling || len(d.waiting.of) > 0 {
				t.Errorf("filling %v, %d wait, %v", d.filling, len(d.waiting.of), err)
			}
		},
	} {
		d, err := NewGeneration("index", Options{FS: MemFS(), Text: used.o.Text})
		if err != nil {
			t.Fatal(err)
		}
		waitingRows(t, d, 1, 50, nil)
		waitingRows(t, d, 50, 100, nil)
		if len(d.waiting.of) != 100+4 || d.waitingBytes != 6*99*postingSize {
			t.Fatalf("%s: %d terms wait, %d bytes", name, len(d.waiting.of), d.waitingBytes)
		}
		step(d)
		waitingRows(t, d, int(d.Checkpoint().Seq)+1, last, nil)
		if got := digest(t, d); got != want {
			t.Errorf("%s: digest %s, of one in use %s", name, got, want)
		}
		done(t, d)
	}
}

// TestFillingBlocks: postings of two blocks wait one after the other.
func TestFillingBlocks(t *testing.T) {
	used := open(t, MemFS())
	defer done(t, used)
	filling, err := NewGeneration("index", Options{FS: MemFS()})
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, filling)
	for _, d := range []*DB{used, filling} {
		d.state.nextRow = 1<<postingBlockShift - 20
		for n := 1; n < 40; n += 10 {
			waitingRows(t, d, n, n+10, nil)
		}
	}
	if filling.waiting.block != 1 {
		t.Fatalf("block %d waits", filling.waiting.block)
	}
	if got, want := digest(t, filling), digest(t, used); got != want {
		t.Errorf("digest %s, of one in use %s", got, want)
	}
}
