package index

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"memlog/index/vector"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A made log: record seq does the same to an index whenever it is applied.

var vocabulary = strings.Fields(`the of and alpha beta gamma delta epsilon running runner jumps
	getUserName max_len 記憶 残る naïve foxes fox it's pkg.Func`)

func madeText(r *rand.Rand) string {
	words := make([]string, r.IntN(12))
	for i := range words {
		words[i] = vocabulary[min(r.IntN(len(vocabulary)), r.IntN(len(vocabulary)))]
	}
	return strings.Join(words, " ")
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func madeImage(r *rand.Rand, id ID, seq uint64) NewImage {
	text := madeText(r)
	i := NewImage{
		ID: id, Seq: seq, Version: seq, Created: int64(r.IntN(20)) - 5,
		Type: pick(r, "", "note", "fact"), Project: pick(r, "", "p", "q"),
		Deleted: r.IntN(6) == 0, Text: text, Payload: []byte(text),
	}
	if !i.Deleted {
		k := ExactKey(text, i.Type, i.Project)
		i.Exact = &k
	}
	return i
}

func madeRecord(t testing.TB, b *Batch, seq uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(99, seq))
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 1 + r.IntN(3) {
		id, other := ID{byte(r.IntN(40))}, ID{byte(r.IntN(40))}
		var err error
		switch r.IntN(11) {
		case 0, 1, 2, 3:
			i := madeImage(r, id, seq)
			check(b.PutImage(i))
			tags := []string{}
			for range r.IntN(3) {
				tags = append(tags, pick(r, "a", "b", "c", "d\x00e"))
			}
			if i.Deleted {
				tags = nil
			}
			_, _, err = b.SetTags(id, seq, tags)
		case 4:
			_, err = b.CloseImage(id, seq)
			check(err)
			_, _, err = b.SetTags(id, seq, nil)
		case 5:
			o := Occurrence{ID: other, From: seq, Created: int64(r.IntN(20))}
			_, err = b.PutOccurrence(id, o)
		case 6:
			_, _, err = b.CloseOccurrence(id, other, seq)
		case 7:
			_, err = b.Link(id, other, pick(r, "x", "y"), seq)
		case 8:
			_, err = b.Unlink(id, other, pick(r, "x", "y"), seq)
		case 9, 10:
			v := vector.Vector{Scale: 0.5, Q: []int8{int8(r.IntN(127)), 1, -3}}
			_, err = b.PutVector(NewVector{ID: id, Version: seq - r.Uint64N(min(seq, 9)), Seq: seq,
				Model: pick(r, "m1", "m2"), Encoded: v.Append(nil)})
		}
		check(err)
	}
	check(b.PutRequest(fmt.Sprint("request ", r.IntN(1000)), seq))
	b.AddDigest(sha256.Sum256(binary.BigEndian.AppendUint64(nil, seq)))
	check(b.SetCheckpoint(madeCheckpoint(seq)))
}

func madeCheckpoint(seq uint64) Checkpoint {
	c := Checkpoint{Seq: seq, LogID: [16]byte{7}, Time: int64(seq)}
	binary.BigEndian.PutUint64(c.Hash[:], seq)
	return c
}

// fill applies the records behind the checkpoint up to to, in batches of size.
func fill(t testing.TB, d *DB, to uint64, size int) {
	t.Helper()
	for d.Checkpoint().Seq < to {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		for range size {
			if seq := b.Checkpoint().Seq + 1; seq <= to {
				madeRecord(t, b, seq)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t testing.TB, fs vfs.FS) *DB {
	t.Helper()
	d, err := Open("index", Options{FS: fs, Text: func(b []byte) string { return string(b) }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func done(t testing.TB, closers ...interface{ Close() error }) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func view(t testing.TB, d *DB) *View {
	t.Helper()
	v, err := d.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func digest(t testing.TB, d *DB) string {
	t.Helper()
	v := view(t, d)
	defer v.Close()
	sum, err := v.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum)
}

// prefixes returns the digest after each record.
func prefixes(t testing.TB, n uint64) []string {
	t.Helper()
	d := open(t, MemFS())
	defer done(t, d)
	all := []string{digest(t, d)}
	for seq := range n {
		fill(t, d, seq+1, 1)
		all = append(all, digest(t, d))
	}
	return all
}
