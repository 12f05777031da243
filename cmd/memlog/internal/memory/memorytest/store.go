package memorytest

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// day is a moment of the fact's own clock.
func day(n int) time.Time { return time.Date(2024, 3, n, 12, 0, 0, 0, time.UTC) }

func testStore(s *suite) {
	n := memory.NewMemory{Content: "  The vault holds the deploy key.\n", Tags: []string{"ops", "a b",
		"ops", " key "}, Type: "fact", Project: "/src/app",
		Metadata:  json.RawMessage(`{"b": 1.50, "a":[]}`),
		CreatedAt: day(1), UpdatedAt: day(2), Aliases: []string{"x-1"}}
	res := s.store(n)
	if len(res.Stored) != 1 || !res.Stored[0].Created || res.Repeats || res.Seq != s.head() {
		s.Fatalf("%+v", res)
	}
	m := s.get(res.Stored[0].ID.String())
	if m.Content != n.Content || m.Type != n.Type || m.Project != n.Project || m.Version != 1 ||
		m.Seq != res.Seq || m.Deleted || m.Incomplete || m.RecordedAt == nil {
		s.Fatalf("%+v", m)
	}
	if !slices.Equal(m.Tags, []string{"a b", "key", "ops"}) {
		s.Fatalf("tags %q", m.Tags)
	}
	if string(m.Metadata) != string(n.Metadata) {
		s.Fatalf("metadata %s, want %s word for word", m.Metadata, n.Metadata)
	}
	if !m.CreatedAt.Equal(day(1)) || !m.UpdatedAt.Equal(day(2)) ||
		!slices.Equal(m.Aliases, n.Aliases) {
		s.Fatalf("%+v", m)
	}
	if bare := s.get(s.add("No more than this.")); bare.CreatedAt.IsZero() || bare.Tags == nil {
		s.Fatalf("%+v", bare)
	}
}

func testStoreBatch(s *suite) {
	before := s.head()
	res := s.store(memory.NewMemory{Content: "one"}, memory.NewMemory{Content: "two"},
		memory.NewMemory{Content: "three"})
	if len(res.Stored) != 3 || res.Seq != before+1 {
		s.Fatalf("not one record: %+v after %d", res, before)
	}
	s.unmoved("a batch with one bad memory", func() {
		_, err := s.svc.Store(s.ctx, memory.StoreRequest{Memories: []memory.NewMemory{
			{Content: "good"}, {Content: ""}}})
		s.refused("bad memory in a batch", err, memory.CodeInvalid, "content")
		if !strings.Contains(err.Error(), "2") {
			s.Fatalf("it does not say which: %v", err)
		}
	})
	_, err := s.svc.Store(s.ctx, memory.StoreRequest{})
	s.refused("no memories", err, memory.CodeInvalid, "memories")
}

func testStoreKnown(s *suite) {
	id := memory.ID{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16}
	first := s.store(memory.NewMemory{ID: id, Content: "its own id"})
	if !first.Stored[0].Created || first.Stored[0].ID != id {
		s.Fatalf("%+v", first)
	}
	again := s.store(memory.NewMemory{ID: id, Content: "another text"})
	if again.Stored[0].Created {
		s.Fatalf("%+v", again)
	}
	if m := s.get(id.String()); m.Version != 2 || m.Content != "another text" {
		s.Fatalf("%+v", m)
	}
	s.unmoved("an id twice", func() {
		_, err := s.svc.Store(s.ctx, memory.StoreRequest{Memories: []memory.NewMemory{
			{ID: id, Content: "p"}, {ID: id, Content: "q"}}})
		s.refused("an id twice", err, memory.CodeInvalid, "id")
	})
}

func testSameContent(s *suite) {
	first := s.store(memory.NewMemory{Content: "Use tabs.", Tags: []string{"a"}, CreatedAt: day(1)})
	second := s.store(memory.NewMemory{Content: "Use tabs.", Tags: []string{"b"},
		Metadata: json.RawMessage(`{"again":true}`), CreatedAt: day(5)})
	id := first.Stored[0].ID
	if second.Stored[0].Created || second.Stored[0].ID != id || second.Seq != first.Seq+1 {
		s.Fatalf("%+v then %+v", first, second)
	}
	m := s.get(id.String())
	if !slices.Equal(m.Tags, []string{"a", "b"}) || m.Version != 1 || !m.CreatedAt.Equal(day(1)) {
		s.Fatalf("%+v", m)
	}
	if m.OccurrenceCount != 1 || len(m.Occurrences) != 1 ||
		!m.Occurrences[0].CreatedAt.Equal(day(5)) ||
		string(m.Occurrences[0].Metadata) != `{"again":true}` {
		s.Fatalf("occurrences %+v", m.Occurrences)
	}
	for _, other := range []memory.NewMemory{{Content: "use tabs."}, {Content: "Use tabs. "},
		{Content: "Use tabs.", Type: "rule"}, {Content: "Use tabs.", Project: "p"}} {
		if res := s.store(other); !res.Stored[0].Created {
			s.Fatalf("%+v is not the same, but %+v", other, res)
		}
	}
	must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{id.String()}}))
	if res := s.store(memory.NewMemory{Content: "Use tabs."}); !res.Stored[0].Created {
		s.Fatalf("a deleted memory took a repetition: %+v", res)
	}
}

func testSameContentBatch(s *suite) {
	res := s.store(memory.NewMemory{Content: "x", Tags: []string{"a"}}, memory.NewMemory{Content: "y"},
		memory.NewMemory{Content: "x", Tags: []string{"b"}}, memory.NewMemory{Content: "x",
			Tags: []string{"b"}})
	if len(res.Stored) != 4 || !res.Stored[0].Created || !res.Stored[1].Created ||
		res.Stored[2].Created || res.Stored[2].ID != res.Stored[0].ID ||
		res.Stored[3].ID != res.Stored[0].ID {
		s.Fatalf("%+v", res)
	}
	if m := s.get(res.Stored[0].ID.String()); !slices.Equal(m.Tags, []string{"a", "b"}) ||
		m.OccurrenceCount != 2 {
		s.Fatalf("%+v", m)
	}
}

func testSameContentConcurrently(s *suite) {
	const writers = 8
	got := make([]memory.StoreResult, writers)
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			got[i], errs[i] = s.svc.Store(s.ctx, memory.StoreRequest{
				Memories: []memory.NewMemory{{Content: "said at once by many"}}})
		})
	}
	wg.Wait()
	created, ids, seqs := 0, map[memory.ID]bool{}, map[memory.Seq]bool{}
	for i := range writers {
		if errs[i] != nil {
			s.Fatal(errs[i])
		}
		if got[i].Stored[0].Created {
			created++
		}
		ids[got[i].Stored[0].ID], seqs[got[i].Seq] = true, true
	}
	if created != 1 || len(ids) != 1 || len(seqs) != writers {
		s.Fatalf("%d created, %d memories, %d records", created, len(ids), len(seqs))
	}
}

func testUnicodeForms(s *suite) {
	composed, apart := "Caf\u00e9", "Cafe\u0301"
	first := s.store(memory.NewMemory{Content: apart})
	second := s.store(memory.NewMemory{Content: composed})
	if second.Stored[0].Created || second.Stored[0].ID != first.Stored[0].ID {
		s.Fatalf("NFC and NFD are not the same: %+v %+v", first, second)
	}
	if m := s.get(first.Stored[0].ID.String()); m.Content != apart {
		s.Fatalf("content %q is not as it was given, %q", m.Content, apart)
	}
	for _, q := range []string{composed, apart} {
		for _, mode := range []memory.Mode{memory.ModeHybrid, memory.ModeExact} {
			res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
				memory.SearchRequest{Query: q, Mode: mode}))
			if len(res.Hits) != 1 {
				s.Fatalf("%s search for %+q: %d hits", mode, q, len(res.Hits))
			}
		}
	}
}
