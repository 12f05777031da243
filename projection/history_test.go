package projection

import (
	"encoding/binary"
	"fmt"
	"iter"
	"testing"
	"time"

	"memlog/index"
	"memlog/index/vector"
	"memlog/wal"
	"memlog/wal/event"

	"pgregory.net/rapid"
)

// history is a log in memory.
type history []wal.Record

func (h history) Records(from, to wal.Seq) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for _, r := range h {
			if r.Seq >= from && (to == 0 || r.Seq <= to) && !yield(r, nil) {
				return
			}
		}
	}
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newRecord(seq int, events ...[]byte) wal.Record {
	r := wal.Record{
		Seq: wal.Seq(seq), Time: epoch.Add(time.Duration(seq) * time.Minute), Events: events,
	}
	binary.BigEndian.PutUint64(r.Hash[:], uint64(seq)) // any hash will do: nobody checks it here
	if seq == 1 {
		r.Mark = &wal.Mark{Created: &wal.Created{LogID: [16]byte{1, 2, 3}}}
	}
	return r
}

func encode(t testing.TB, events ...event.Event) [][]byte {
	t.Helper()
	var out [][]byte
	for _, e := range events {
		b, err := event.Encode(event.Envelope{Event: e})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func testID(n int) event.ID { return event.ID{0: byte(n), 15: 7} }

// Generators. The pools are small, so that events meet.
var (
	genID   = rapid.Map(rapid.IntRange(1, 6), testID)
	genOcc  = rapid.Map(rapid.IntRange(101, 103), testID)
	genTag  = rapid.SampledFrom([]string{"a", "b", "b\x00c", "ü", ""})
	genTags = rapid.SliceOfN(genTag, 0, 3)
	genTime = rapid.Custom(func(t *rapid.T) time.Time {
		return epoch.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "day")) * 24 * time.Hour)
	})
	genContent = rapid.SampledFrom([]string{
		"the quick brown fox", "foxes jump over getUserName", "the of and", "", "記憶は残る",
		"fox fox fox",
	})
	genMeta = rapid.SampledFrom([]string{"", `{"a":1}`, `[2]`})
)

func genMemory(t *rapid.T) event.Memory {
	return event.Memory{
		ID: genID.Draw(t, "id"), Version: rapid.Uint64Range(0, 5).Draw(t, "version"),
		Content: genContent.Draw(t, "content"), Tags: genTags.Draw(t, "tags"),
		Type:     rapid.SampledFrom([]string{"", "note", "fact"}).Draw(t, "type"),
		Project:  rapid.SampledFrom([]string{"", "p", "note"}).Draw(t, "project"),
		Metadata: []byte(genMeta.Draw(t, "meta")), CreatedAt: genTime.Draw(t, "created"),
		Aliases:      rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(t, "aliases"),
		SupersededBy: rapid.SampledFrom([]event.ID{{}, {}, testID(2)}).Draw(t, "superseded"),
	}
}

func genEvent(t *rapid.T, seq int) event.Event {
	link := func() event.Link {
		return event.Link{
			From: genID.Draw(t, "from"), To: genID.Draw(t, "to"),
			Type: rapid.SampledFrom([]string{"", "r"}).Draw(t, "link"),
		}
	}
	switch rapid.IntRange(0, 16).Draw(t, "kind") {
	case 0, 1:
		return event.Stored{Memory: genMemory(t)}
	case 2:
		return event.Updated{Memory: genMemory(t)}
	case 3:
		return event.Reverted{Memory: genMemory(t)}
	case 4:
		return event.Restored{Memory: genMemory(t)}
	case 5:
		s := rapid.SampledFrom([]event.ID{{}, testID(3)}).Draw(t, "superseded")
		return event.Deleted{ID: genID.Draw(t, "id"), SupersededBy: s}
	case 6:
		return event.Retracted{ID: genID.Draw(t, "id")}
	case 7, 8:
		o := event.Occurrence{
			ID: genOcc.Draw(t, "occ"), CreatedAt: genTime.Draw(t, "created"),
			Metadata: []byte(genMeta.Draw(t, "meta")),
		}
		return event.Repeated{ID: genID.Draw(t, "id"), Occurrence: o, Tags: genTags.Draw(t, "tags")}
	case 9:
		return event.Unrepeated{
			ID: genID.Draw(t, "id"), Occurrence: genOcc.Draw(t, "occ"), Tags: genTags.Draw(t, "tags"),
		}
	case 10:
		return event.Linked{Link: link()}
	case 11:
		return event.Unlinked{Link: link()}
	case 13, 14, 15:
		return genEmbedded(t)
	case 12:
		nums := rapid.SliceOfN(rapid.Uint64Range(0, uint64(seq+1)), 0, 2)
		return event.Undone{Seqs: nums.Draw(t, "undone"), Redone: nums.Draw(t, "redone")}
	default:
		return event.Digested{
			Version: 1, Seq: rapid.Uint64Range(0, uint64(seq)).Draw(t, "seq"),
			Digest: make([]byte, rapid.SampledFrom([]int{32, 5}).Draw(t, "size")),
		}
	}
}

var genModel = rapid.SampledFrom([]string{"m1", "m1", "m2", ""})

// testVector is one of a few vectors, encoded; rotation 8 of encoding 1.
func testVector(t fatal, n int) []byte {
	rot, err := vector.NewRotation(8)
	if err != nil {
		t.Fatal(err)
	}
	v, err := rot.Encode([]float32{1, float32(n), 0, -float32(n), 2, 0, 0, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	return v.Append(nil)
}

func genEmbedded(t *rapid.T) event.Embedded {
	e := event.Embedded{
		ID: genID.Draw(t, "id"), Version: rapid.Uint64Range(0, 5).Draw(t, "version"),
		Model: genModel.Draw(t, "model"), Encoding: rapid.SampledFrom([]uint64{1, 1, 1, 2}).Draw(t, "encoding"),
		Vector: testVector(t, rapid.IntRange(0, 5).Draw(t, "vector")),
	}
	if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
		e.Vector = e.Vector[:3]
	}
	return e
}

func genHistory(t *rapid.T) history {
	var h history
	n := rapid.IntRange(1, 25).Draw(t, "records")
	for seq := 1; seq <= n; seq++ {
		r := newRecord(seq)
		r.RequestID = rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "request")
		r.GroupID = rapid.SampledFrom([]string{"", "g1"}).Draw(t, "group")
		r.Provenance.Session = rapid.SampledFrom([]string{"", "s"}).Draw(t, "session")
		for range rapid.IntRange(0, 3).Draw(t, "events") {
			var b []byte
			switch rapid.IntRange(0, 12).Draw(t, "form") {
			case 0: // destroyed
			case 1:
				b = rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "garbage")
			default:
				var err error
				if b, err = event.Encode(event.Envelope{Event: genEvent(t, seq)}); err != nil {
					t.Fatal(err)
				}
			}
			r.Events = append(r.Events, b)
		}
		if rapid.IntRange(0, 20).Draw(t, "lost") == 0 {
			r = newRecord(seq)
			r.Lost, r.Mark = true, nil
		}
		h = append(h, r)
	}
	return h
}

// fatal is what *testing.T and *rapid.T share.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func openMem(t fatal) *index.DB {
	t.Helper()
	db, err := index.Open("index", index.Options{FS: index.MemFS(), Text: Text})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// applyAll applies the records in batches of size.
func applyAll(t fatal, db *index.DB, h history, size int) {
	t.Helper()
	p, err := New(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range h {
		if err := p.Apply(r); err != nil {
			t.Fatal(err)
		}
		if (i+1)%size == 0 {
			if err := p.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
}

func closeAll(t fatal, closers ...interface{ Close() error }) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func view(t fatal, db *index.DB) *index.View {
	t.Helper()
	v, err := db.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func indexDigest(t fatal, db *index.DB) string {
	t.Helper()
	v := view(t, db)
	defer v.Close()
	d, err := v.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", d)
}

// dump is everything a view can be asked, but for what is not of its moment (LastVersion).
type dump struct {
	Docs     []index.Doc
	Links    []index.Link
	Stats    index.Stats
	Digest   [32]byte
	Listed   []index.Doc
	Total    int
	Tags     []index.Count
	Types    []index.Count
	Exact    [][]index.ID
	Aliases  [][]index.ID
	Requests []uint64
	Group    []uint64
	Undone   []bool
	Commands []index.Command
	Hits     []index.Hit
}

func takeDump(t fatal, v *index.View, n int) dump {
	t.Helper()
	var d dump
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for doc, err := range v.Docs() {
		check(err)
		doc.LastVersion = 0
		d.Docs = append(d.Docs, doc)
	}
	var err error
	d.Links, err = v.AllLinks()
	check(err)
	d.Stats, err = v.Stats()
	check(err)
	d.Digest, err = v.StateDigest()
	check(err)
	page, err := v.List(index.Filter{IncludeDeleted: true}, "", 100)
	check(err)
	d.Listed, d.Total = page.Docs, page.Total
	for i := range d.Listed {
		d.Listed[i].LastVersion = 0
	}
	d.Tags, err = v.Tags(index.Filter{})
	check(err)
	d.Types, err = v.Types(index.Filter{Project: "p"})
	check(err)
	for _, doc := range d.Docs {
		ids, err := v.ByExact(index.ExactKey(Text(doc.Payload), doc.Type, doc.Project))
		check(err)
		d.Exact = append(d.Exact, ids)
	}
	for _, a := range []string{"x", "y"} {
		ids, err := v.ByAlias(a)
		check(err)
		d.Aliases = append(d.Aliases, ids)
	}
	for _, r := range []string{"r1", "r2"} {
		seq, _, err := v.Request(r)
		check(err)
		d.Requests = append(d.Requests, seq)
	}
	d.Group, err = v.Group("g1")
	check(err)
	for seq := range n {
		u, err := v.Undone(uint64(seq))
		check(err)
		d.Undone = append(d.Undone, u)
	}
	for c, err := range v.Commands("", 0) {
		check(err)
		d.Commands = append(d.Commands, c)
	}
	d.Hits, err = v.Search(index.Query{Text: "fox user 記憶", Limit: 10, Explain: true})
	check(err)
	for i := range d.Hits {
		d.Hits[i].Doc.LastVersion = 0
	}
	return d
}
