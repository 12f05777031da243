package memorytest

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// find returns the ids of a search's hits, best first.
func (s *suite) find(query string, f memory.Filter) []string {
	s.Helper()
	res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
		memory.SearchRequest{Query: query, Filter: f, Limit: memory.MaxLimit}))
	var out []string
	for _, h := range res.Hits {
		out = append(out, h.ID.String())
	}
	return out
}

// all lists every memory that a request selects, page by page.
func (s *suite) all(r memory.ListRequest) iter.Seq[memory.Memory] {
	return func(yield func(memory.Memory) bool) {
		for {
			page := must[memory.ListResult](s)(s.svc.List(s.ctx, r))
			for _, m := range page.Memories {
				if !yield(m) {
					return
				}
			}
			if r.Cursor = page.NextCursor; r.Cursor == "" {
				return
			}
		}
	}
}

// contents lists the contents of all that a filter selects, sorted.
func (s *suite) contents(r memory.ListRequest) []string {
	s.Helper()
	out := []string{}
	for m := range s.all(r) {
		out = append(out, m.Content)
	}
	slices.Sort(out)
	return out
}

func testSearch(s *suite) {
	key := s.add("The deploy key lives in the vault")
	s.add("Makefiles want tabs")
	for _, q := range []string{"deploying keys", "VAULT", "where is the vault?"} {
		if got := s.find(q, memory.Filter{}); !slices.Equal(got, []string{key}) {
			s.Fatalf("%q finds %v", q, got)
		}
	}
	if got := s.find("zebra", memory.Filter{}); len(got) != 0 {
		s.Fatalf("%v", got)
	}
	res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
		memory.SearchRequest{Query: "vault", Explain: true}))
	if res.Seq != s.head() || len(res.Hits[0].Explain) == 0 || res.Hits[0].Score <= 0 ||
		res.AsOf != nil {
		s.Fatalf("%+v", res)
	}
	s.update(key, "The deploy key moved to the safe")
	if got := s.find("vault", memory.Filter{}); len(got) != 0 {
		s.Fatalf("search shows an old version: %v", got)
	}
	if got := s.find("safe", memory.Filter{}); !slices.Equal(got, []string{key}) {
		s.Fatalf("search lacks the new version: %v", got)
	}
}

// testSearchFilters hides one memory behind many better ones: a filter that is applied after the
// best were chosen does not find it.
func testSearchFilters(s *suite) {
	var ms []memory.NewMemory
	for i := range 300 {
		ms = append(ms, memory.NewMemory{Content: fmt.Sprintf("needle needle needle %d", i),
			Tags: []string{"hay"}, CreatedAt: day(1)})
	}
	ms = append(ms, memory.NewMemory{Content: "a long sentence about many things and one needle in it",
		Tags: []string{"rare", "odd"}, Type: "pin", Project: "/haystack", CreatedAt: day(20)})
	want := s.store(ms...).Stored[300].ID.String()
	for name, f := range map[string]memory.Filter{
		"tag": {Tags: []string{"rare"}}, "all tags": {Tags: []string{"rare", "odd"},
			Match: memory.MatchAll},
		"any tag": {Tags: []string{"nothing", "odd"}}, "type": {Type: "pin"},
		"project": {Project: "/haystack"}, "since": {Since: day(19)},
		"range": {Since: day(20), Until: day(20)},
	} {
		res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
			memory.SearchRequest{Query: "needle", Filter: f, Limit: 1}))
		if len(res.Hits) != 1 || res.Hits[0].ID.String() != want {
			s.Fatalf("%s: %+v", name, res.Hits)
		}
	}
	for name, f := range map[string]memory.Filter{
		"no such tag": {Tags: []string{"nothing"}}, "type": {Type: "PIN"},
		"until":    {Until: day(1).Add(-1)},
		"all tags": {Tags: []string{"rare", "hay"}, Match: memory.MatchAll}, "since": {Since: day(21)},
	} {
		if got := s.find("needle", f); len(got) != 0 {
			s.Fatalf("%s: %d hits", name, len(got))
		}
	}
	if got := s.find("needle", memory.Filter{}); len(got) != 301 {
		s.Fatalf("%d hits", len(got))
	}
}

// A session's memories are those that it stored, changed or said again, as far as the moment.
func testSessionFilter(s *suite) {
	for i := range 300 {
		s.addIn("other", fmt.Sprintf("needle needle needle %d", i))
	}
	stored, _ := s.addIn("mine", "a long sentence about many things and one needle in it")
	changed, _ := s.addIn("other", "what is changed, a needle")
	again, before := s.addIn("other", "what is said again, a needle")
	text := "what was changed, a needle"
	origin := memory.Origin{Session: "mine"}
	must[memory.Change](s)(s.svc.Update(s.ctx, memory.UpdateRequest{ID: changed, Content: &text,
		Origin: origin}))
	s.addIn("mine", "what is said again, a needle")
	text = "what was changed again, a needle"
	must[memory.Change](s)(s.svc.Update(s.ctx, memory.UpdateRequest{ID: changed, Content: &text}))
	check := func(what string, want, got []string) {
		s.Helper()
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(want, got) {
			s.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
	mine := memory.Filter{Session: "mine"}
	all := []string{stored, changed, again}
	check("search", all, s.find("needle", mine))
	list := func(f memory.Filter, at memory.Moment) (ids []string) {
		res := must[memory.ListResult](s)(s.svc.List(s.ctx, memory.ListRequest{Filter: f, AsOf: at}))
		for _, m := range res.Memories {
			ids = append(ids, m.ID.String())
		}
		if res.Total != len(ids) {
			s.Fatalf("total %d of %d", res.Total, len(ids))
		}
		return ids
	}
	check("list", all, list(mine, memory.Moment{}))
	check("list as of before", []string{stored}, list(mine, memory.Moment{Seq: before}))
	check("no such session", nil, list(memory.Filter{Session: "min"}, memory.Moment{}))
	check("with a tag", nil, list(memory.Filter{Session: "mine", Tags: []string{"x"}},
		memory.Moment{}))
	for _, mode := range []memory.Mode{memory.ModeLexical, memory.ModeExact} {
		res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
			memory.SearchRequest{Query: "needle", Filter: mine, Mode: mode}))
		if len(res.Hits) != 3 {
			s.Fatalf("%s: %+v", mode, res.Hits)
		}
	}
	gone := must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{Filter: mine}))
	if len(gone.Affected) != 3 || s.head() == before {
		s.Fatalf("deleted %+v", gone)
	}
	check("after they are deleted", nil, list(mine, memory.Moment{}))
}

func testSearchModes(s *suite) {
	id := s.add("panic: runtime error [recovered] at 0xDEAD-beef!")
	same := 0.0
	for mode, query := range map[memory.Mode]string{memory.ModeHybrid: "runtime errors",
		memory.ModeLexical: "recovered", memory.ModeExact: "error [recovered] at 0xDEAD-"} {
		res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
			memory.SearchRequest{Query: query, Mode: mode}))
		if len(res.Hits) != 1 || res.Hits[0].ID.String() != id {
			s.Fatalf("%s: %+v", mode, res.Hits)
		}
		if mode == memory.ModeExact {
			same = res.Hits[0].Score
		}
	}
	res := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
		memory.SearchRequest{Query: "0xdead-beef!", Mode: memory.ModeExact}))
	if len(res.Hits) == 1 && res.Hits[0].Score >= same {
		s.Fatalf("another letter case scores %g, the same %g", res.Hits[0].Score, same)
	}
	_, err := s.svc.Search(s.ctx, memory.SearchRequest{Query: "x", Mode: memory.ModeVector})
	s.refused("vectors where there are none", err, memory.CodeInvalid, "mode")
}

func testList(s *suite) {
	for i := range 25 {
		s.store(memory.NewMemory{Content: fmt.Sprintf("memory %02d", i), CreatedAt: day(1 + (i*7)%25)})
	}
	first := must[memory.ListResult](s)(s.svc.List(s.ctx, memory.ListRequest{}))
	if len(first.Memories) != memory.DefaultLimit || first.Total != 25 || first.NextCursor == "" ||
		first.Seq != s.head() {
		s.Fatalf("%d of %d, cursor %q", len(first.Memories), first.Total, first.NextCursor)
	}
	var got []memory.Memory
	for m := range s.all(memory.ListRequest{Limit: 4}) {
		got = append(got, m)
	}
	newest := func(a, b memory.Memory) int { return b.CreatedAt.Compare(a.CreatedAt) }
	if len(got) != 25 || !slices.IsSortedFunc(got, newest) {
		s.Fatalf("%d, newest first: %v", len(got), slices.IsSortedFunc(got, newest))
	}
	for _, cursor := range []string{"x", "AAAA", strings.Repeat("z", 5000), "\x00"} {
		_, err := s.svc.List(s.ctx, memory.ListRequest{Cursor: cursor})
		s.refused(fmt.Sprintf("cursor %.10q", cursor), err, memory.CodeInvalid, "cursor")
	}
}

// testListUnderWrites reads pages while memories come, change and go: what was there all the time
// is met exactly once.
func testListUnderWrites(s *suite) {
	var stay, go_ []string
	for i := range 40 {
		res := s.store(memory.NewMemory{Content: fmt.Sprintf("stays %d", i),
			CreatedAt: day(2).Add(time.Duration(i) * time.Minute)},
			memory.NewMemory{Content: fmt.Sprintf("goes %d", i),
				CreatedAt: day(2).Add(time.Duration(i) * time.Minute)})
		stay = append(stay, res.Stored[0].ID.String())
		go_ = append(go_, res.Stored[1].ID.String())
	}
	seen := map[string]int{}
	r := memory.ListRequest{Limit: 7}
	for page := 0; ; page++ {
		res := must[memory.ListResult](s)(s.svc.List(s.ctx, r))
		for _, m := range res.Memories {
			seen[m.ID.String()]++
		}
		if r.Cursor = res.NextCursor; r.Cursor == "" {
			break
		}
		s.store(memory.NewMemory{Content: fmt.Sprintf("newer %d", page), CreatedAt: day(9)},
			memory.NewMemory{Content: fmt.Sprintf("older %d", page), CreatedAt: day(1)})
		s.del(go_[page])
		s.update(stay[page], fmt.Sprintf("stays, changed %d", page))
	}
	for _, id := range stay {
		if seen[id] != 1 {
			s.Fatalf("%s was listed %d times", id, seen[id])
		}
	}
	for id, n := range seen {
		if n > 1 {
			s.Fatalf("%s was listed %d times", id, n)
		}
	}
}

func testListFilters(s *suite) {
	s.store(memory.NewMemory{Content: "a", Tags: []string{"x"}, Type: "t", Project: "p",
		CreatedAt: day(1)},
		memory.NewMemory{Content: "b", Tags: []string{"x", "y"}, Type: "t", CreatedAt: day(2)},
		memory.NewMemory{Content: "c", Tags: []string{"y"}, Project: "p", CreatedAt: day(3)})
	s.store(memory.NewMemory{Content: "a", Type: "t", Project: "p", CreatedAt: day(9)})
	s.del(s.store(memory.NewMemory{Content: "d", Tags: []string{"x"}, CreatedAt: day(4)}).
		Stored[0].ID.String())
	for want, f := range map[string]memory.Filter{
		"a b": {Tags: []string{"x"}}, "a b c": {Tags: []string{"x", "y"}},
		"b": {Tags: []string{"x", "y"}, Match: memory.MatchAll}, "a  b": {Type: "t"},
		"a c": {Project: "p"},
		"b c": {Since: day(2), Until: day(3)}, "c": {Tags: []string{"y"}, Project: "p"},
		"a ": {Since: day(8)}, // an occurrence counts for the created clock
	} {
		got := strings.Join(s.contents(memory.ListRequest{Filter: f}), " ")
		if got != strings.Join(strings.Fields(want), " ") {
			s.Fatalf("%+v selects %q, want %q", f, got, want)
		}
	}
	got := s.contents(memory.ListRequest{IncludeDeleted: true})
	if !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		s.Fatalf("with the deleted: %v", got)
	}
}

// testClocks tells the two clocks apart: what is old by its own clock and new by the log's.
func testClocks(s *suite) {
	s.store(memory.NewMemory{Content: "of old", CreatedAt: day(1)})
	mid := s.recorded(s.head())
	s.store(memory.NewMemory{Content: "of now"})
	for want, f := range map[string]memory.Filter{
		"of old": {Until: day(2)}, "of old ": {Until: mid, Clock: memory.ClockRecorded},
		"of now":  {Since: mid.Add(time.Microsecond), Clock: memory.ClockRecorded},
		"":        {Until: day(2), Clock: memory.ClockRecorded},
		"of now ": {Since: day(2), Clock: memory.ClockCreated},
	} {
		if got := s.contents(memory.ListRequest{Filter: f}); strings.Join(got, " ") !=
			strings.TrimSpace(want) {
			s.Fatalf("%+v selects %v, want %q", f, got, want)
		}
	}
}

// recorded returns the time of a record.
func (s *suite) recorded(seq memory.Seq) time.Time {
	s.Helper()
	for rec, err := range s.svc.Log(s.ctx, memory.LogRequest{From: seq, To: seq}) {
		if err != nil {
			s.Fatal(err)
		}
		return rec.Time
	}
	s.Fatalf("no record %d", seq)
	return time.Time{}
}
