package index

import (
	"errors"
	"fmt"
	"testing"
)

// What is remembered is given up before it grows without bound, and then misses are no answers.
func TestKnownIsBounded(t *testing.T) {
	n := newKnown(true)
	if !n.newRequest("a") || n.newRequest("a") {
		t.Fatal("an empty index has no request, and then one")
	}
	for i := range uint64(maxKnown) {
		n.requests[i] = struct{}{}
	}
	n.add(map[ID]Ordinal{{1}: 1}, nil)
	if n.noRequest("a") || n.noExact([32]byte{1}) {
		t.Fatal("a miss is taken for an answer")
	}
	if n.complete || len(n.requests) > 0 {
		t.Fatalf("still holds %d requests, complete %v", len(n.requests), n.complete)
	}
	if n.newRequest("b") {
		t.Fatal("a miss is taken for an answer")
	}
}

// So is the content of more versions than there are documents and requests.
func TestKnownContentIsBounded(t *testing.T) {
	n := newKnown(true)
	for i := range uint64(maxKnown + 1) {
		n.exacts[i] = struct{}{}
	}
	n.add(map[ID]Ordinal{{1}: 1}, nil)
	if n.complete || len(n.exacts) > 0 {
		t.Fatalf("still holds %d contents, complete %v", len(n.exacts), n.complete)
	}
}

// A document that is not remembered is looked up, and a request keeps its first record.
func TestReopenedIndexLooksThingsUp(t *testing.T) {
	fs := MemFS()
	for seq := uint64(1); seq <= 3; seq++ {
		d := open(t, fs)
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.PutImage(NewImage{ID: ID{1}, Seq: seq, Version: 4 - seq}),
			b.PutRequest("r", seq), b.SetCheckpoint(madeCheckpoint(seq)), b.Commit()); err != nil {
			t.Fatal(err)
		}
		done(t, d)
	}
	d := open(t, fs)
	defer done(t, d)
	v := view(t, d)
	defer done(t, v)
	images, err := v.Images(ID{1})
	if err != nil || len(images) != 3 {
		t.Errorf("%d images, %v, want 3", len(images), err)
	}
	if last, err := v.LastVersion(ID{1}); err != nil || last != 3 {
		t.Errorf("last version %d, %v, want 3", last, err)
	}
	if seq, ok, err := v.Request("r"); err != nil || !ok || seq != 1 {
		t.Errorf("request answered by %d, %v, %v, want 1", seq, ok, err)
	}
}

// An occurrence that ends and comes again in one record with another created time is found by the
// new one only.
func TestOccurrenceAgainInOneRecord(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	id, occ := ID{1}, ID{2}
	_, first := b.PutOccurrence(id, Occurrence{ID: occ, From: 1, Created: 10})
	_, _, end := b.CloseOccurrence(id, occ, 1)
	_, again := b.PutOccurrence(id, Occurrence{ID: occ, From: 1, Created: 20})
	if err := errors.Join(b.PutImage(NewImage{ID: id, Seq: 1}), first, end, again,
		b.SetCheckpoint(madeCheckpoint(1)), b.Commit()); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	defer done(t, v)
	for created, want := range map[int64]int{10: 0, 20: 1} {
		p, err := v.List(Filter{CreatedFrom: &created, CreatedTo: &created}, "", 1)
		if err != nil || p.Total != want {
			t.Errorf("created %d: %s, want %d", created, fmt.Sprint(p.Total, err), want)
		}
	}
}

// What a batch is asked before a command is decided is answered from memory only where that holds
// all there is: in this batch, after a commit, and when the index was opened again.
func TestBatchFindsWhatIsThere(t *testing.T) {
	fs := MemFS()
	exact := func(seq uint64) [32]byte { return [32]byte{byte(seq), 7} }
	request := func(seq uint64) string { return fmt.Sprint("r", seq) }
	for seq := uint64(1); seq <= 3; seq++ {
		d := open(t, fs)
		for part := range uint64(2) {
			b, err := d.NewBatch()
			if err != nil {
				t.Fatal(err)
			}
			at := 2*seq + part
			e := exact(at)
			if err := errors.Join(b.PutImage(NewImage{ID: ID{byte(at)}, Seq: at, Exact: &e}),
				b.PutRequest(request(at), at)); err != nil {
				t.Fatal(err)
			}
			for n := uint64(2); n <= at+1; n++ {
				ids, err := b.View().ByExact(exact(n))
				_, asked, err2 := b.View().Request(request(n))
				if want := n <= at; err != nil || err2 != nil || len(ids) == 1 != want || asked != want {
					t.Errorf("at %d, of %d: %d documents, request %v, %v, %v",
						at, n, len(ids), asked, err, err2)
				}
			}
			if err := errors.Join(b.SetCheckpoint(madeCheckpoint(at)), b.Commit()); err != nil {
				t.Fatal(err)
			}
		}
		done(t, d)
	}
}
