package index

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// commitPayloads commits batches of so many documents until so many bytes of payloads are in.
func commitPayloads(t *testing.T, d *DB, perBatch, total int) {
	t.Helper()
	const size = 1 << 10
	rng := rand.New(rand.NewPCG(1, 2))
	for total > 0 {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		seq := b.Checkpoint().Seq + 1
		for n := range perBatch {
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			id := ID{byte(seq >> 16), byte(seq >> 8), byte(seq), byte(n >> 8), byte(n)}
			if err := b.PutImage(NewImage{ID: id, Seq: seq, Version: 1, Payload: p}); err != nil {
				t.Fatal(err)
			}
			total -= size
		}
		if err := b.SetCheckpoint(Checkpoint{Seq: seq}); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a crash leaves to be replayed is bounded for single changes more closely than for bulk work,
// which may fill the memtable.
func TestMemtableIsWrittenOut(t *testing.T) {
	for _, c := range []struct {
		perBatch, total int
		want            bool
	}{
		{4, DefaultFlushBytes / 2, false},
		{4, DefaultFlushBytes * 3 / 2, true},
		{2 * BulkBatchBytes >> 10, DefaultMemTableBytes / 2, false},
		{2 * BulkBatchBytes >> 10, DefaultMemTableBytes * 3 / 2, true},
	} {
		t.Run(fmt.Sprintf("%d KiB by %d", c.total>>10, c.perBatch), func(t *testing.T) {
			d, err := Open("index", Options{FS: MemFS(), IdleFlush: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			defer done(t, d)
			// Growing to its full size, pebble's memtable is written out a few times: from here on
			// it has it.
			commitPayloads(t, d, 2*BulkBatchBytes>>10, 2*DefaultMemTableBytes)
			if err := d.Flush(); err != nil {
				t.Fatal(err)
			}
			before := d.p.Metrics().Flush.Count
			commitPayloads(t, d, c.perBatch, c.total)
			got := false
			for end := time.Now().Add(5 * time.Second); !got && time.Now().Before(end); {
				got = d.p.Metrics().Flush.Count > before
				if !c.want {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if got != c.want {
				t.Fatalf("written out: %v, want %v", got, c.want)
			}
		})
	}
}
