package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"memlog/index/vector"

	"github.com/google/go-cmp/cmp"
)

// The vectors of a made log: a record gives one to each of the next documents, so that the first
// mean falls into it.
type vectorLog struct {
	space Space
	rot   *vector.Rotation
	docs  int
}

func newVectorLog(t testing.TB, dims int) vectorLog {
	t.Helper()
	rot, err := vector.NewRotation(dims)
	if err != nil {
		t.Fatal(err)
	}
	return vectorLog{space: Space{"test-model", dims}, rot: rot, docs: 150}
}

func (l vectorLog) id(n uint64) (id ID) {
	binary.BigEndian.PutUint64(id[8:], n+1)
	return id
}

// made returns the vector of document n's version.
func (l vectorLog) made(t testing.TB, n, version uint64) vector.Vector {
	t.Helper()
	r := rand.New(rand.NewPCG(n, version))
	center := rand.New(rand.NewPCG(n%7, 1))
	x := make([]float32, l.space.Dims)
	for i := range x {
		x[i] = float32(r.NormFloat64() + center.NormFloat64() + 0.5)
	}
	v, err := l.rot.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// record applies record seq: documents come with their vectors, some are said anew with the same
// text, some with another, some end, and some vectors come late or for what is gone.
func (l vectorLog) record(t testing.TB, b *Batch, seq uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seq, 77))
	put := func(n, version uint64, same bool) {
		i := NewImage{ID: l.id(n), Seq: seq, Version: version, Text: fmt.Sprint("text ", n),
			Type: pick(r, "", "note"), Payload: binary.BigEndian.AppendUint64(nil, n), SameText: same}
		if err := b.PutImage(i); err != nil {
			t.Fatal(err)
		}
	}
	embed := func(n, version uint64) {
		v := NewVector{ID: l.id(n), Version: version, Seq: seq, Model: l.space.Model,
			Encoded: l.made(t, n, version).Append(nil)}
		if _, err := b.PutVector(v); err != nil {
			t.Fatal(err)
		}
	}
	base := (seq - 1) * uint64(l.docs)
	for n := range uint64(l.docs) {
		put(base+n, 1, false)
		embed(base+n, 1)
	}
	if seq > 1 {
		for range 20 {
			n := r.Uint64N(base)
			switch r.IntN(4) {
			case 0:
				put(n, seq, true)
			case 1:
				put(n, seq, false)
				embed(n, seq)
			case 2:
				if _, err := b.CloseImage(l.id(n), seq); err != nil {
					t.Fatal(err)
				}
				embed(n, 9999)
			case 3:
				embed(n, seq)
			}
		}
	}
	if err := b.SetCheckpoint(madeCheckpoint(seq)); err != nil {
		t.Fatal(err)
	}
}

func (l vectorLog) fill(t testing.TB, d *DB, to uint64, size int) {
	t.Helper()
	for d.Checkpoint().Seq < to {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		for range size {
			if seq := b.Checkpoint().Seq + 1; seq <= to {
				l.record(t, b, seq)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

type answer struct {
	ID    ID
	Row   Row
	Score float64
}

func (l vectorLog) ask(t testing.TB, v *View, n uint64, f Filter) []answer {
	t.Helper()
	q := l.made(t, n, 5).Query()
	hits, err := v.Nearest(VectorQuery{Space: l.space, Vector: q, Filter: f, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	out := []answer{}
	for _, h := range hits {
		out = append(out, answer{h.Doc.ID, h.Doc.Row, h.Score})
	}
	return out
}

// vectorRecords passes the first mean at record 28 and is well behind it.
const vectorRecords = 34

// The index is the same for any cut into batches, reopened or not, loaded or kept up to date; and
// it answers as of each record what it answered then.
func TestVectorsAreAFunctionOfTheLog(t *testing.T) {
	l := newVectorLog(t, 40)
	var want [][]answer
	live := open(t, MemFS())
	defer done(t, live)
	for seq := uint64(1); seq <= vectorRecords; seq++ {
		l.fill(t, live, seq, 1)
		v := view(t, live)
		want = append(want, l.ask(t, v, seq, Filter{}), l.ask(t, v, seq, Filter{Type: "note"}))
		done(t, v)
	}
	sum := digest(t, live)
	for _, size := range []int{2, 7, vectorRecords} {
		d := open(t, MemFS())
		l.fill(t, d, vectorRecords, size)
		if digest(t, d) != sum {
			t.Errorf("batches of %d records give another digest", size)
		}
		done(t, d)
	}
	fs := MemFS()
	d := open(t, fs)
	for to := uint64(5); d.Checkpoint().Seq < vectorRecords; to += 5 {
		l.fill(t, d, min(to, vectorRecords), 3)
		done(t, d)
		d = open(t, fs)
	}
	defer done(t, d)
	if digest(t, d) != sum {
		t.Error("reopening gives another digest")
	}
	for seq := uint64(1); seq <= vectorRecords; seq++ {
		for _, db := range []*DB{live, d} {
			v, err := db.At(seq)
			if err != nil {
				t.Fatal(err)
			}
			got := [][]answer{l.ask(t, v, seq, Filter{}), l.ask(t, v, seq, Filter{Type: "note"})}
			if diff := cmp.Diff(want[2*seq-2:2*seq], got); diff != "" {
				t.Fatalf("as of record %d (-then +now):\n%s", seq, diff)
			}
			done(t, v)
		}
	}
}

// A batch's own view sees its vectors, and what is found is what an exact comparison of everything
// that is there finds.
func TestNearestAgreesWithComparingAll(t *testing.T) {
	l := newVectorLog(t, 64)
	d := open(t, MemFS())
	defer done(t, d)
	found, wanted := 0, 0
	for seq := uint64(1); seq <= vectorRecords; seq++ {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		l.record(t, b, seq)
		if seq%11 == 0 || seq > vectorRecords-2 {
			inside := l.ask(t, b.View(), seq, Filter{Type: "note"})
			want := l.compareAll(t, b.View(), seq)
			for _, w := range want {
				wanted++
				if slices.Contains(inside, w) {
					found++
				}
			}
			if seq <= 22 && !slices.Equal(inside, want) {
				t.Errorf("record %d: %v, want %v", seq, inside, want)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if float64(found) < 0.97*float64(wanted) {
		t.Errorf("found %d of the %d nearest", found, wanted)
	}
}

// compareAll is Nearest without any index.
func (l vectorLog) compareAll(t testing.TB, v *View, n uint64) []answer {
	t.Helper()
	q := l.made(t, n, 5).Query()
	var all []answer
	for doc, err := range v.Docs() {
		if err != nil {
			t.Fatal(err)
		}
		if doc.Type != "note" {
			continue
		}
		num := binary.BigEndian.Uint64(doc.Payload)
		s, ok := l.versionOf(t, v, doc)
		if !ok {
			continue
		}
		score := float64(q.Similarity(l.made(t, num, s).Append(nil)))
		all = append(all, answer{doc.ID, doc.Row, score})
	}
	slices.SortFunc(all, func(a, b answer) int {
		if a.Score != b.Score {
			return map[bool]int{true: -1, false: 1}[a.Score > b.Score]
		}
		return int(b.Row) - int(a.Row)
	})
	return all[:min(10, len(all))]
}

// versionOf says by which version's vector a document is to be found: its own, else that of the
// images before it whose text it kept.
func (l vectorLog) versionOf(t testing.TB, v *View, doc Doc) (uint64, bool) {
	t.Helper()
	has := func(version uint64) bool {
		ord, _, err := v.src.ordinal(doc.ID)
		if err != nil {
			t.Fatal(err)
		}
		slot, ok, err := v.src.getU32(versionVectorKey(0, ord, version))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return false
		}
		stored, _, err := v.src.get(vectorKey(0, slot))
		if err != nil {
			t.Fatal(err)
		}
		num := binary.BigEndian.Uint64(doc.Payload)
		return slices.Equal(stored, l.made(t, num, version).Append(nil))
	}
	if has(doc.Version) {
		return doc.Version, true
	}
	images, err := v.Images(doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range slices.Backward(images) {
		if i.From < doc.From && has(i.Version) {
			ord, _, _ := v.src.ordinal(doc.ID)
			_, carried, err := v.src.getU32(versionVectorKey(0, ord, doc.Version))
			return i.Version, carried && err == nil
		}
	}
	return 0, false
}

func TestSpacesAreNotMixed(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.PutImage(NewImage{ID: ID{1}, Seq: 1, Version: 1}); err != nil {
		t.Fatal(err)
	}
	put := func(model string, dims int) (bool, error) {
		rot, err := vector.NewRotation(dims)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, dims)
		x[0] = 1
		v, err := rot.Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		return b.PutVector(NewVector{ID: ID{1}, Version: 1, Seq: 1, Model: model,
			Encoded: v.Append(nil)})
	}
	for _, s := range []Space{{"a", 8}, {"a", 16}, {"b", 8}} {
		if added, err := put(s.Model, s.Dims); err != nil || !added {
			t.Fatalf("%v: %v, %v", s, added, err)
		}
		if added, err := put(s.Model, s.Dims); err != nil || added {
			t.Fatalf("%v a second time: %v, %v", s, added, err)
		}
	}
	if err := b.SetCheckpoint(madeCheckpoint(1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	defer done(t, v)
	q := vector.Query{Scale: 1, Q: make([]int16, 8)}
	for s, want := range map[Space]int{{"a", 8}: 1, {"b", 8}: 1, {"c", 8}: 0} {
		hits, err := v.Nearest(VectorQuery{Space: s, Vector: q, Limit: 5})
		if err != nil || len(hits) != want {
			t.Errorf("%v: %d hits, %v", s, len(hits), err)
		}
	}
	if _, err := v.Nearest(VectorQuery{Space: Space{"a", 16}, Vector: q, Limit: 5}); err == nil {
		t.Error("a query of other dimensions was taken")
	}
	spaces, err := v.Spaces()
	want := []SpaceInfo{{Space{"a", 8}, 1}, {Space{"a", 16}, 1}, {Space{"b", 8}, 1}}
	if diff := cmp.Diff(want, spaces); err != nil || diff != "" {
		t.Errorf("spaces: %v\n%s", err, diff)
	}
	if n, err := v.Lacking(Space{"a", 8}); err != nil || n != 0 {
		t.Errorf("%d lack a vector, %v", n, err)
	}
	docs, next, err := v.Without(Space{"new", 3}, 0, 5)
	if err != nil || len(docs) != 1 || next != math.MaxUint32 {
		t.Errorf("%d documents without a vector, then %d, %v", len(docs), next, err)
	}
}

// Partitions are the same however the log was cut into batches, and a search of them finds the same
// in an index that is read anew, and of the past.
func TestPartitionsAreAFunctionOfTheLog(t *testing.T) {
	if testing.Short() {
		t.Skip("as many vectors as it takes for partitions")
	}
	const dims, docs, records = 8, 1 << 15, 9
	ask := func(d *DB, seq uint64, partitions bool) (rows []Row) {
		d.o.Partitions = partitions
		v, err := d.At(seq)
		if err != nil {
			t.Fatal(err)
		}
		defer done(t, v)
		q := vector.Query{Scale: 1, Q: []int16{9, 1, -3, 40, 5, 2, -8, 1}}
		near, err := v.Nearest(VectorQuery{Space: Space{"m", dims}, Vector: q, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range near {
			rows = append(rows, n.Doc.Row)
		}
		return rows
	}
	fill := func(size int) *DB {
		d := open(t, MemFS())
		d.o.Partitions = true
		r := rand.New(rand.NewPCG(4, 4))
		for n := 0; n < records*docs; {
			b, err := d.NewBatch()
			if err != nil {
				t.Fatal(err)
			}
			for end := min(records*docs, n+size*docs); n < end; n++ {
				id, seq := vectorLog{}.id(uint64(n)), uint64(n/docs)+1
				v := vector.Vector{Scale: 1.0 / 256, Q: make([]int8, dims)}
				for i := range v.Q {
					v.Q[i] = int8(r.IntN(255) - 127)
				}
				v.Q[n%dims] = 100
				image := b.PutImage(NewImage{ID: id, Seq: seq, Version: 1})
				_, err := b.PutVector(NewVector{ID: id, Version: 1, Seq: seq, Model: "m",
					Encoded: v.Append(nil)})
				if (n+1)%docs == 0 {
					err = errors.Join(err, b.SetCheckpoint(madeCheckpoint(seq)))
				}
				if err = errors.Join(image, err); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			ask(d, 1, true) // so that what comes after is added to a slab in memory
		}
		return d
	}
	one, all := fill(1), fill(records)
	defer done(t, one)
	defer done(t, all)
	if digest(t, one) != digest(t, all) {
		t.Error("another cut into batches gives another digest")
	}
	for _, seq := range []uint64{1, 7, 8, records} {
		if got, want := ask(all, seq, true), ask(one, seq, true); !slices.Equal(got, want) {
			t.Errorf("as of %d: %v and %v", seq, got, want)
		}
		if seq < 8 && !slices.Equal(ask(all, seq, true), ask(all, seq, false)) {
			t.Errorf("as of %d: there were no partitions yet", seq)
		}
	}
}
