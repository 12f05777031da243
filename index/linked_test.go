package index

import (
	"errors"
	"fmt"
	"testing"
)

// Of two texts that say the same, the one comes first that is linked with another that has the rest
// of the query, in either direction, as long as the link and the other are there.
func TestLinkedTextsRank(t *testing.T) {
	d := tell(t, said{text: "the service moved to Frankfurt", stream: "a"},
		said{text: "the service moved to Dublin", stream: "b", at: 9},
		said{text: "billing runs on Tuesdays", stream: "c"},
		said{text: "nothing of all this", stream: "d"})
	seq := uint64(4)
	change := func(what func(b *Batch) error) {
		t.Helper()
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		seq++
		if err := errors.Join(what(b), b.SetCheckpoint(madeCheckpoint(seq)), b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	link := func(from, to int) func(*Batch) error {
		return func(b *Batch) error {
			_, err := b.Link(numbered(from), numbered(to), "about", seq)
			return err
		}
	}
	const query = "service moved billing"
	want := []string{4: "1 0 2"} // by seq; equals come newest first
	change(link(0, 3))           // of no worth
	want = append(want, "1 0 2")
	change(link(0, 2))
	want = append(want, "0 1 2")
	change(func(b *Batch) error {
		_, err := b.Unlink(numbered(0), numbered(2), "about", seq)
		return err
	})
	want = append(want, "1 0 2")
	change(link(2, 0)) // backwards
	want = append(want, "0 1 2")
	change(func(b *Batch) error { _, err := b.CloseImage(numbered(2), seq); return err })
	want = append(want, "1 0")
	for at := uint64(4); at <= seq; at++ {
		v, err := d.At(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, v, Query{Text: query, Mode: ModeHybrid}); got != want[at] {
			t.Errorf("as of %d: %s, want %s", at, got, want[at])
		}
		done(t, v)
	}
}

// Links that were there when an index was opened count, and so do those that come later; of one with
// very many only the first are looked at.
func TestLinksAreSeen(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	put := func(seq uint64, n int, text string, to ...int) {
		t.Helper()
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		err = b.PutImage(NewImage{ID: numbered(n), Seq: seq, Text: text, Payload: []byte(text)})
		for _, o := range to {
			_, e := b.Link(numbered(n), numbered(o), "about", seq)
			err = errors.Join(err, e)
		}
		if err := errors.Join(err, b.SetCheckpoint(madeCheckpoint(seq)), b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	linked := func(n int) bool {
		t.Helper()
		v := view(t, d)
		defer done(t, v)
		hits, err := v.Search(Query{Text: "alpha beta", Mode: ModeHybrid, Limit: 100, Explain: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			for _, p := range h.Parts {
				if p.Name == "linked" && number(h.Doc.ID) == n {
					return true
				}
			}
		}
		return false
	}
	put(1, 1, "beta")
	put(2, 2, "alpha")
	put(3, 900, "far") // of another session than those that follow
	if linked(2) {
		t.Error("linked with nothing")
	}
	b := make([]int, 2*maxLinked)
	for i := range b {
		b[i] = 100 + i
		put(uint64(4+i), b[i], fmt.Sprint("gamma ", i))
	}
	put(900, 3, "alpha", 1)
	if !linked(3) {
		t.Error("a link that came after the first search is not seen")
	}
	put(901, 4, "alpha", append(b, 1)...)
	put(902, 5, "beta")
	for i := range 3 { // what is near has another part
		put(uint64(903+i), 901+i, "far")
	}
	put(906, 6, "alpha", append(b, 5)...)
	if linked(6) {
		t.Error("a link behind many others is looked at")
	}
	done(t, d)
	d = open(t, fs)
	defer func() { done(t, d) }()
	if !linked(3) || !linked(4) {
		t.Errorf("after opening: %v %v", linked(3), linked(4))
	}
}
