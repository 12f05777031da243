package projection

import (
	"testing"

	"memlog/index"
	"memlog/wal"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Same log, same index: however it is cut into batches, or closed in between.
func TestIndexDigestIsAFunctionOfTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		one := openMem(t)
		applyAll(t, one, h, 1)
		want := indexDigest(t, one)
		for _, size := range []int{7, 1000} {
			db := openMem(t)
			applyAll(t, db, h, size)
			if got := indexDigest(t, db); got != want {
				t.Fatalf("batches of %d: digest %s, want %s", size, got, want)
			}
			closeAll(t, db)
		}
		closeAll(t, one)

		o := index.Options{FS: index.MemFS()}
		cut := rapid.IntRange(0, len(h)).Draw(t, "cut")
		for _, part := range []history{h[:cut], h[cut:], nil} {
			db, err := index.Open("index", o)
			if err != nil {
				t.Fatal(err)
			}
			applyAll(t, db, part, 3)
			if got := indexDigest(t, db); part == nil && got != want {
				t.Fatalf("reopened after %d: digest %s, want %s", cut, got, want)
			}
			closeAll(t, db)
		}
	})
}

// A view as of any record shows what the index was after that record, and the running state
// digest is that of a scan.
func TestAsOfEqualsReplayUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		db := openMem(t)
		defer db.Close()
		then := []dump{}
		v := view(t, db)
		then = append(then, takeDump(t, v, len(h)))
		closeAll(t, v)
		for _, r := range h {
			applyAll(t, db, history{r}, 1)
			v := view(t, db)
			then = append(then, takeDump(t, v, len(h)))
			closeAll(t, v)
		}
		for seq, want := range then {
			v, err := db.At(uint64(seq))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, takeDump(t, v, len(h))); diff != "" {
				t.Fatalf("as of %d (-then +now):\n%s", seq, diff)
			}
			scanned, err := StateDigest(v)
			if err != nil {
				t.Fatal(err)
			}
			if scanned != want.Digest {
				t.Fatalf("as of %d: running state digest %x, scan %x", seq, want.Digest, scanned)
			}
			closeAll(t, v)
		}
	})
}

// A view over the open batch shows what a view shows once it is committed.
func TestStagedViewEqualsCommitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		db := openMem(t)
		defer db.Close()
		cut := rapid.IntRange(0, len(h)-1).Draw(t, "cut")
		applyAll(t, db, h[:cut], 5)
		p, err := New(db, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range h[cut:] {
			if err := p.Stage(r); err != nil {
				t.Fatal(err)
			}
		}
		staged := takeDump(t, p.View(), len(h))
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		v := view(t, db)
		defer v.Close()
		if diff := cmp.Diff(staged, takeDump(t, v, len(h))); diff != "" {
			t.Fatalf("staged against committed:\n%s", diff)
		}
	})
}

// The loss of any one record costs only that record: the rest applies, and the digests agree.
func TestEachRecordDroppedInTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		drop := rapid.IntRange(0, len(h)-1).Draw(t, "drop")
		db := openMem(t)
		defer db.Close()
		rest := append(append(history{}, h[:drop]...), h[drop+1:]...)
		applyAll(t, db, rest, 4)
		if len(rest) > 0 && db.Checkpoint().Seq != uint64(rest[len(rest)-1].Seq) {
			t.Fatalf("checkpoint at %d", db.Checkpoint().Seq)
		}
		v := view(t, db)
		defer v.Close()
		running, err := v.StateDigest()
		if err != nil {
			t.Fatal(err)
		}
		if scanned, err := StateDigest(v); err != nil || scanned != running {
			t.Fatalf("running state digest %x, scan %x, %v", running, scanned, err)
		}
	})
}

// Abort leaves no trace of what was staged.
func TestAbortLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		cut := rapid.IntRange(0, len(h)-1).Draw(t, "cut")
		plain, db := openMem(t), openMem(t)
		defer plain.Close()
		defer db.Close()
		applyAll(t, plain, h, 1)
		applyAll(t, db, h[:cut], 1)
		p, err := New(db, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range genHistory(t) { // some other future that did not happen
			r.Seq += wal.Seq(cut)
			if err := p.Stage(r); err != nil {
				t.Fatal(err)
			}
		}
		p.Abort()
		for _, r := range h[cut:] {
			if err := p.Stage(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if got, want := indexDigest(t, db), indexDigest(t, plain); got != want {
			t.Fatalf("digest %s, want %s", got, want)
		}
	})
}
