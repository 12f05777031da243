package memorytest

import (
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

func testGet(s *suite) {
	res := s.store(memory.NewMemory{Content: "x", Aliases: []string{"old/7", "both"}},
		memory.NewMemory{Content: "y", Aliases: []string{"both"}})
	id := res.Stored[0].ID.String()
	for _, name := range []string{id, strings.ToUpper(id), "old/7"} {
		if m := s.get(name); m.ID != res.Stored[0].ID {
			s.Fatalf("%s: %+v", name, m)
		}
	}
	_, err := s.svc.Get(s.ctx, memory.GetRequest{ID: "both"})
	s.refused("an alias of two", err, memory.CodeInvalid, "id")
	s.del(id)
	_, err = s.svc.Get(s.ctx, memory.GetRequest{ID: id})
	s.refused("a deleted memory", err, memory.CodeNotFound, "id")
}

func testHistory(s *suite) {
	id := s.add("one", "a")
	s.update(id, "two")
	s.del(id)
	must[memory.Change](s)(s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: []string{id}}))
	s.update(id, "three")
	h := must[memory.History](s)(s.svc.History(s.ctx, id))
	var events, contents []string
	for i, v := range h.Versions {
		events, contents = append(events, v.Event), append(contents, v.Content)
		last := i == len(h.Versions)-1
		switch {
		case v.Time.IsZero(), last && v.UntilSeq != 0:
			s.Fatalf("%+v", v)
		case !last && v.UntilSeq != h.Versions[i+1].Seq:
			s.Fatalf("version of %d holds until %d, the next begins at %d", v.Seq, v.UntilSeq,
				h.Versions[i+1].Seq)
		}
	}
	if !slices.Equal(events, []string{"stored", "updated", "deleted", "restored", "updated"}) {
		s.Fatalf("%v", events)
	}
	if contents[0] != "one" || contents[1] != "two" || contents[3] != "two" || contents[4] != "three" {
		s.Fatalf("%v", contents)
	}
	if h.Versions[4].Version != 3 || h.ID.String() != id {
		s.Fatalf("%+v", h)
	}
}

func testTags(s *suite) {
	s.store(memory.NewMemory{Content: "a", Tags: []string{"x", "y"}, Type: "t"},
		memory.NewMemory{Content: "b", Tags: []string{"y"}},
		memory.NewMemory{Content: "c", Tags: []string{"z"}})
	then := s.head()
	s.store(memory.NewMemory{Content: "b", Tags: []string{"z", "w"}})
	s.del(s.once("c"))
	want := map[string][]memory.TagCount{
		"now": {{Tag: "y", Count: 2}, {Tag: "w", Count: 1}, {Tag: "x", Count: 1}, {Tag: "z",
			Count: 1}},
		"filter": {{Tag: "x", Count: 1}, {Tag: "y", Count: 1}},
		"then":   {{Tag: "y", Count: 2}, {Tag: "x", Count: 1}, {Tag: "z", Count: 1}},
	}
	for name, r := range map[string]memory.TagsRequest{"now": {},
		"filter": {Filter: memory.Filter{Type: "t"}}, "then": {AsOf: memory.Moment{Seq: then}}} {
		res := must[memory.TagsResult](s)(s.svc.Tags(s.ctx, r))
		if !slices.Equal(res.Tags, want[name]) {
			s.Fatalf("%s: %+v, want %+v", name, res.Tags, want[name])
		}
	}
}

// testAsOf asks every reader for every moment of a small history, by number and by time.
func testAsOf(s *suite) {
	type moment struct {
		seq      memory.Seq
		contents []string
	}
	var past []moment
	note := func() {
		past = append(past, moment{s.head(), s.contents(memory.ListRequest{})})
	}
	id := s.add("alpha one", "t")
	note()
	s.add("alpha two", "t")
	note()
	s.update(id, "alpha three")
	note()
	s.del(id)
	note()
	must[memory.Change](s)(s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: []string{id}}))
	note()
	for _, p := range past {
		for _, at := range []memory.Moment{{Seq: p.seq}, {Time: s.recorded(p.seq)},
			{Time: s.recorded(p.seq).Add(time.Nanosecond)}} {
			s.asOf(at, p.seq, p.contents)
		}
	}
	m := must[memory.Memory](s)(s.svc.Get(s.ctx, memory.GetRequest{ID: id,
		AsOf: memory.Moment{Seq: past[0].seq}}))
	if m.Content != "alpha one" || m.Version != 1 {
		s.Fatalf("%+v", m)
	}
	_, err := s.svc.Get(s.ctx, memory.GetRequest{ID: id, AsOf: memory.Moment{Seq: past[3].seq}})
	s.refused("deleted then", err, memory.CodeNotFound, "id")
	_, err = s.svc.Get(s.ctx, memory.GetRequest{ID: id, AsOf: memory.Moment{Seq: past[0].seq - 1}})
	s.refused("not there yet", err, memory.CodeNotFound, "id")
}

// asOf holds list, search and tags as of a moment against what was then.
func (s *suite) asOf(at memory.Moment, seq memory.Seq, contents []string) {
	s.Helper()
	got := s.contents(memory.ListRequest{AsOf: at})
	if !slices.Equal(got, contents) {
		s.Fatalf("list as of %+v: %v, want %v", at, got, contents)
	}
	res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
		memory.SearchRequest{Query: "alpha", AsOf: at}))
	var hits []string
	for _, h := range res.Hits {
		hits = append(hits, h.Content)
	}
	slices.Sort(hits)
	if !slices.Equal(hits, contents) || res.AsOf == nil || res.AsOf.Seq != seq {
		s.Fatalf("search as of %+v: %v as of %+v, want %v", at, hits, res.AsOf, contents)
	}
	tags := must[memory.TagsResult](s)(s.svc.Tags(s.ctx, memory.TagsRequest{AsOf: at}))
	if len(tags.Tags) != 1 || tags.Tags[0].Count != len(contents) {
		s.Fatalf("tags as of %+v: %+v, want %d", at, tags.Tags, len(contents))
	}
	sum := must[memory.ReplayResult](s)(s.svc.Replay(s.ctx, memory.ReplayRequest{Until: at}))
	if sum.UntilSeq != seq || sum.Memories != len(contents) {
		s.Fatalf("replay until %+v: %+v", at, sum)
	}
}

func testAsOfBounds(s *suite) {
	s.add("something")
	for name, at := range map[string]memory.Moment{"beyond": {Seq: s.head() + 1},
		"far beyond": {Seq: 1 << 63}, "both": {Seq: 1, Time: day(1)}} {
		_, err := s.svc.List(s.ctx, memory.ListRequest{AsOf: at})
		s.refused("list "+name, err, memory.CodeInvalid, "as_of")
		_, err = s.svc.Search(s.ctx, memory.SearchRequest{Query: "x", AsOf: at})
		s.refused("search "+name, err, memory.CodeInvalid, "as_of")
		_, err = s.svc.Tags(s.ctx, memory.TagsRequest{AsOf: at})
		s.refused("tags "+name, err, memory.CodeInvalid, "as_of")
		_, err = s.svc.Get(s.ctx, memory.GetRequest{ID: "x", AsOf: at})
		s.refused("get "+name, err, memory.CodeInvalid, "as_of")
	}
	_, err := s.svc.List(s.ctx, memory.ListRequest{AsOf: memory.Moment{Time: day(1)}})
	s.refused("before the log", err, memory.CodeNotFound, "*")
	res := must[memory.ListResult](s)(s.svc.List(s.ctx,
		memory.ListRequest{AsOf: memory.Moment{Time: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)}}))
	if res.Total != 1 {
		s.Fatalf("%+v", res)
	}
}
