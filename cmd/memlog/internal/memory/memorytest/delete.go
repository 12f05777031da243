package memorytest

import (
	"slices"

	"memlog/cmd/memlog/internal/memory"
)

// del deletes memories by id.
func (s *suite) del(ids ...string) memory.Change {
	s.Helper()
	return must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: ids}))
}

func testDelete(s *suite) {
	a, b, c := s.add("a", "t"), s.add("b", "t"), s.add("c", "t")
	s.unmoved("a dry run, and what is refused", func() {
		res := must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{a},
			DryRun: true}))
		if !res.DryRun || res.Seq != 0 || len(res.Affected) != 1 || res.Affected[0].String() != a {
			s.Fatalf("%+v", res)
		}
		_, err := s.svc.Delete(s.ctx, memory.DeleteRequest{})
		s.refused("nothing to delete", err, memory.CodeInvalid, "ids")
		_, err = s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{a},
			Filter: memory.Filter{Type: "x"}})
		s.refused("ids and a filter", err, memory.CodeInvalid, "ids")
		_, err = s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{a, "nobody"}})
		s.refused("one of two is not there", err, memory.CodeNotFound, "ids")
	})
	before := s.head()
	if res := s.del(a, b, a); res.Seq != before+1 || len(res.Affected) != 2 {
		s.Fatalf("not one record for two: %+v after %d", res, before)
	}
	s.gone(a)
	s.get(c)
	m := must[memory.Memory](s)(s.svc.Get(s.ctx, memory.GetRequest{ID: a, IncludeDeleted: true}))
	if !m.Deleted || m.Content != "a" {
		s.Fatalf("tombstone %+v", m)
	}
	if st := must[memory.StatsResult](s)(s.svc.Stats(s.ctx)); st.Memories != 1 || st.Deleted != 2 {
		s.Fatalf("%+v", st)
	}
	s.unmoved("again", func() {
		_, err := s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{a}})
		s.refused("delete again", err, memory.CodeNotFound, "ids")
		text := "new"
		_, err = s.svc.Update(s.ctx, memory.UpdateRequest{ID: a, Content: &text})
		s.refused("update a tombstone", err, memory.CodeNotFound, "id")
	})
	if found := s.find("a", memory.Filter{Tags: []string{"t"}}); slices.Contains(found, a) {
		s.Fatalf("search shows the deleted: %v", found)
	}
}

func testDeleteFilter(s *suite) {
	s.add("red one", "red")
	s.add("red two", "red", "big")
	s.add("blue", "blue", "big")
	before := s.head()
	res := must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{
		Filter: memory.Filter{Tags: []string{"red", "big"}, Match: memory.MatchAll}}))
	if len(res.Affected) != 1 || res.Seq != before+1 {
		s.Fatalf("%+v", res)
	}
	res = must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{
		Filter: memory.Filter{Tags: []string{"red", "big"}}}))
	if len(res.Affected) != 2 || res.Seq != before+2 {
		s.Fatalf("%+v", res)
	}
	s.unmoved("nothing left", func() {
		res := must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{
			Filter: memory.Filter{Tags: []string{"red"}}}))
		if res.Seq != 0 || len(res.Affected) != 0 {
			s.Fatalf("%+v", res)
		}
	})
}

func testRestore(s *suite) {
	a, b := s.add("alpha", "t"), s.add("beta")
	link := memory.LinkRequest{From: a, To: b, Type: "because"}
	must[memory.Change](s)(s.svc.Link(s.ctx, link))
	before := s.state()
	s.unmoved("of a live one", func() {
		_, err := s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: []string{a}})
		s.refused("restore a live memory", err, memory.CodeConflict, "*")
		_, err = s.svc.Restore(s.ctx, memory.RestoreRequest{})
		s.refused("restore nothing", err, memory.CodeInvalid, "ids")
	})
	s.del(a, b)
	seq := s.head()
	res := must[memory.Change](s)(s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: []string{a, b}}))
	if len(res.Affected) != 2 || res.Seq != seq+1 {
		s.Fatalf("%+v", res)
	}
	if m := s.get(a); m.Content != "alpha" || !slices.Equal(m.Tags, []string{"t"}) || m.Version != 1 {
		s.Fatalf("%+v", m)
	}
	if len(s.get(a).Links) != 1 || s.state() != before {
		s.Fatalf("not as it was: links %+v", s.get(a).Links)
	}
	if found := s.find("alpha", memory.Filter{}); !slices.Equal(found, []string{a}) {
		s.Fatalf("search after restore: %v", found)
	}
}

func testLink(s *suite) {
	a, b := s.add("cause"), s.add("effect")
	r := memory.LinkRequest{From: a, To: b, Type: " explains "}
	res := must[memory.Change](s)(s.svc.Link(s.ctx, r))
	if len(res.Affected) != 2 || res.Seq != s.head() {
		s.Fatalf("%+v", res)
	}
	for _, id := range []string{a, b} {
		links := s.get(id).Links
		if len(links) != 1 || links[0].From.String() != a || links[0].To.String() != b ||
			links[0].Type != "explains" {
			s.Fatalf("%+v", links)
		}
	}
	s.unmoved("what changes nothing", func() {
		if res := must[memory.Change](s)(s.svc.Link(s.ctx, r)); res.Seq != 0 {
			s.Fatalf("the same link again: %+v", res)
		}
		_, err := s.svc.Link(s.ctx, memory.LinkRequest{From: a, To: b})
		s.refused("no type", err, memory.CodeInvalid, "type")
		_, err = s.svc.Link(s.ctx, memory.LinkRequest{From: a, To: a, Type: "t"})
		s.refused("to itself", err, memory.CodeInvalid, "to")
		_, err = s.svc.Link(s.ctx, memory.LinkRequest{From: "nobody", To: b, Type: "t"})
		s.refused("from nobody", err, memory.CodeNotFound, "from")
		_, err = s.svc.Link(s.ctx, memory.LinkRequest{From: a, To: "nobody", Type: "t"})
		s.refused("to nobody", err, memory.CodeNotFound, "to")
		_, err = s.svc.Link(s.ctx, memory.LinkRequest{From: b, To: a, Type: "explains", Remove: true})
		s.refused("remove what is not there", err, memory.CodeNotFound, "*")
	})
	r.Remove = true
	must[memory.Change](s)(s.svc.Link(s.ctx, r))
	if links := s.get(a).Links; len(links) != 0 {
		s.Fatalf("%+v", links)
	}
}

func testProvenance(s *suite) {
	o := memory.Origin{Client: "suite", ClientVersion: "7", Session: "s-1", Project: "/src",
		User: "ann",
		Host: "box", Reason: "to see it again"}
	res := must[memory.StoreResult](s)(s.svc.Store(s.ctx, memory.StoreRequest{
		Memories: []memory.NewMemory{{Content: "who said so"}}, Origin: o}))
	for rec, err := range s.svc.Log(s.ctx, memory.LogRequest{From: res.Seq}) {
		if err != nil {
			s.Fatal(err)
		}
		got := memory.Origin{Client: rec.Client, ClientVersion: rec.ClientVer, Session: rec.Session,
			Project: rec.Project, User: rec.User, Host: rec.Host, Reason: rec.Reason}
		if got != o || rec.RequestID == "" {
			s.Fatalf("%+v, given %+v", rec, o)
		}
	}
	h := must[memory.History](s)(s.svc.History(s.ctx, res.Stored[0].ID.String()))
	if v := h.Versions[0]; v.Client != o.Client || v.Session != o.Session || v.Reason != o.Reason {
		s.Fatalf("%+v", v)
	}
}
