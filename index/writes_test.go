package index

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWrites holds what a batch writes against a map: read in the batch at any time or not at all,
// and in the index once it is committed. Keys of several kinds come in turn, doubled, in no order.
func TestWrites(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(3, seed))
		d := open(t, MemFS())
		want := map[string]string{}
		for range 1 + r.IntN(6) {
			writeSome(t, r, d, want)
		}
		sameKeys(t, d.source(), want)
		done(t, d)
	}
}

func writeSome(t *testing.T, r *rand.Rand, d *DB, want map[string]string) {
	t.Helper()
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	kept, reads, bulk := maps.Clone(want), r.IntN(3) == 0, r.IntN(2)*r.IntN(30_000)
	for n := range 1 + r.IntN(60) {
		k := newKey(pick(r, byte(keyTagDoc), keyUndone, keyStream)).u32(uint32(r.IntN(4)))
		v := fmt.Sprint(n, strings.Repeat(",", 1+bulk))
		if k[0] == keyUndone {
			err = b.w.merge(k, []byte(v))
			want[string(k)] += v
		} else {
			err = b.set(k, []byte(v))
			want[string(k)] = v
		}
		if err != nil {
			t.Fatal(err)
		}
		if reads && r.IntN(20) == 0 {
			sameKeys(t, b.src, want)
		}
	}
	if r.IntN(3) == 0 { // dropped
		done(t, b)
		clear(want)
		maps.Copy(want, kept)
		return
	}
	b.changed = true
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

// sameKeys compares all keys of the kinds that writeSome writes.
func sameKeys(t *testing.T, s source, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, kind := range []byte{keyTagDoc, keyUndone, keyStream} {
		err := s.scan(newKey(kind), func(k, v []byte) (bool, error) {
			got[string(k)] = string(v)
			one, ok, err := s.get(k)
			if err == nil && (!ok || !bytes.Equal(one, v)) {
				err = fmt.Errorf("%q is %q, %v alone and %q among others", k, one, ok, v)
			}
			return true, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Fatalf("-got +want: %.2000s", d)
	}
}

// TestReadingLeavesNoTrace has batches that are read before, while and after they are filled, and
// some that nobody reads.
func TestReadingLeavesNoTrace(t *testing.T) {
	want := ""
	for _, reads := range []string{"", "first", "each", "last"} {
		d := open(t, MemFS())
		for to := uint64(50); to <= 200; to += 50 {
			b, err := d.NewBatch()
			if err != nil {
				t.Fatal(err)
			}
			for seq := to - 49; seq <= to; seq++ {
				if reads == "first" && seq == to-49 || reads == "each" {
					readKeys(t, b)
				}
				madeRecord(t, b, seq)
			}
			if reads == "last" {
				readKeys(t, b)
			}
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		got := digest(t, d)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("read %s: digest %s, not %s", reads, got, want)
		}
		done(t, d)
	}
}

func readKeys(t *testing.T, b *Batch) {
	t.Helper()
	err := b.src.scanRange([]byte{0}, nil, func(_, _ []byte) (bool, error) { return true, nil })
	if err != nil {
		t.Fatal(err)
	}
}

// TestStreamsRemembered has more streams than are remembered with their ends, in an index that knows
// all there are and in one that was opened again and looks them up.
func TestStreamsRemembered(t *testing.T) {
	const streams, batches, size = maxStreams + 200, 12, 800
	want := ""
	for _, reopened := range []bool{true, false} {
		fs := MemFS()
		d := open(t, fs)
		for n := range batches * size {
			b := d.batch
			if n%size == 0 {
				if reopened {
					done(t, d)
					d = open(t, fs)
				}
				var err error
				if b, err = d.NewBatch(); err != nil {
					t.Fatal(err)
				}
			}
			id := ID{15: byte(n), 14: byte(n >> 8)}
			seq, created := uint64(n+1), int64(n%3)*SessionGap
			err := b.PutImage(NewImage{ID: id, Seq: seq, Created: created, Deleted: true,
				Stream: fmt.Sprint(n % streams)})
			if err == nil {
				err = b.SetCheckpoint(madeCheckpoint(seq))
			}
			if err == nil && n%size == size-1 {
				err = b.Commit()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n := len(d.known.streams); !reopened && n != streams {
			t.Errorf("%d streams are known, not %d", n, streams)
		}
		if got := digest(t, d); want == "" {
			want = got
		} else if got != want {
			t.Errorf("digest %s, not %s", got, want)
		}
		done(t, d)
	}
}
