package memorytest

import (
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// undo takes something back, all of which must go.
func (s *suite) undo(r memory.UndoRequest) memory.UndoResult {
	s.Helper()
	return must[memory.UndoResult](s)(s.svc.Undo(s.ctx, r))
}

func testUndo(s *suite) {
	_, err := s.svc.Undo(s.ctx, memory.UndoRequest{})
	s.refused("nothing to undo", err, memory.CodeNotFound, "*")
	states := []string{s.state()}
	note := func() { states = append(states, s.state()) }
	id := s.add("one", "a")
	note()
	s.update(id, "two")
	note()
	s.store(memory.NewMemory{Content: "two", Tags: []string{"b"}})
	note()
	other := s.add("other")
	note()
	must[memory.Change](s)(s.svc.Link(s.ctx, memory.LinkRequest{From: id, To: other, Type: "t"}))
	note()
	s.del(id, other)
	note()
	must[memory.Change](s)(s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: []string{id}}))
	for i := len(states) - 1; i >= 0; i-- {
		res := s.undo(memory.UndoRequest{})
		if len(res.Undone) != 1 || res.Undone[0].Summary == "" || res.Seq != s.head() ||
			len(res.Affected) == 0 || len(res.Left) != 0 {
			s.Fatalf("%+v", res)
		}
		if got := s.state(); got != states[i] {
			s.Fatalf("undo of %q: state %s, want %s", res.Undone[0].Summary, got, states[i])
		}
	}
	_, err = s.svc.Undo(s.ctx, memory.UndoRequest{})
	s.refused("all is undone", err, memory.CodeNotFound, "*")
}

func testUndoSession(s *suite) {
	mine, _ := s.addIn("s1", "mine")
	theirs, seq := s.addIn("s2", "theirs")
	res := s.undo(memory.UndoRequest{Origin: memory.Origin{Session: "s1"}})
	if len(res.Undone) != 1 || res.Undone[0].Seq >= seq {
		s.Fatalf("%+v", res)
	}
	s.gone(mine)
	s.get(theirs)
	_, err := s.svc.Undo(s.ctx, memory.UndoRequest{Origin: memory.Origin{Session: "s1"}})
	s.refused("nothing left of the session", err, memory.CodeNotFound, "*")
	s.addIn("s2", "theirs too")
	res = s.undo(memory.UndoRequest{AllOfSession: "s2"})
	if len(res.Undone) != 2 {
		s.Fatalf("%+v", res)
	}
	s.gone(theirs)
	_, err = s.svc.Undo(s.ctx, memory.UndoRequest{AllOfSession: "nobody"})
	s.refused("no such session", err, memory.CodeNotFound, "*")
}

func testUndoLast(s *suite) {
	a, b, c := s.add("a"), s.add("b"), s.add("c")
	if res := s.undo(memory.UndoRequest{Last: 2}); len(res.Undone) != 2 || len(res.Affected) != 2 {
		s.Fatalf("%+v", res)
	}
	s.get(a)
	s.gone(b)
	s.gone(c)
	for _, r := range []memory.UndoRequest{{Last: -1}, {Last: 1, Seq: 2}, {Last: 1, Since: day(1)},
		{Seq: 2, AllOfSession: "x"}} {
		s.unmoved("a bad undo", func() {
			_, err := s.svc.Undo(s.ctx, r)
			s.refused("a bad undo", err, memory.CodeInvalid, "*")
		})
	}
}

func testUndoSince(s *suite) {
	a := s.add("a")
	before := s.state()
	b := s.add("b")
	since := s.recorded(s.head())
	s.update(a, "a changed")
	res := s.undo(memory.UndoRequest{Since: since})
	if len(res.Undone) != 2 || s.state() != before {
		s.Fatalf("%+v", res)
	}
	s.gone(b)
	_, err := s.svc.Undo(s.ctx, memory.UndoRequest{Since: time.Now().Add(time.Hour)})
	s.refused("nothing since", err, memory.CodeNotFound, "*")
}

func testUndoSeq(s *suite) {
	a := s.store(memory.NewMemory{Content: "a"})
	s.add("b")
	s.undo(memory.UndoRequest{Seq: a.Seq})
	s.gone(a.Stored[0].ID.String())
	if got := s.contents(memory.ListRequest{}); !slices.Equal(got, []string{"b"}) {
		s.Fatalf("%v", got)
	}
	s.unmoved("what cannot be undone", func() {
		_, err := s.svc.Undo(s.ctx, memory.UndoRequest{Seq: a.Seq})
		s.refused("undone already", err, memory.CodeConflict, "seq")
		_, err = s.svc.Undo(s.ctx, memory.UndoRequest{Seq: s.head() + 1})
		s.refused("no such record", err, memory.CodeNotFound, "seq")
		_, err = s.svc.Undo(s.ctx, memory.UndoRequest{Seq: 1})
		s.refused("it moved nothing", err, memory.CodeInvalid, "seq")
	})
}

func testUndoUndo(s *suite) {
	s.add("first")
	id := s.add("second")
	before := s.state()
	u := s.undo(memory.UndoRequest{})
	s.gone(id)
	again := s.undo(memory.UndoRequest{Seq: u.Seq})
	if s.state() != before {
		s.Fatalf("%+v", again)
	}
	s.get(id)
	if res := s.undo(memory.UndoRequest{}); res.Undone[0].Summary == "" || s.state() == before {
		s.Fatalf("the command was not undone a second time: %+v", res)
	}
	s.gone(id)
}

// lines is an import of n bare lines.
func lines(n int, prefix string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`{"content":"` + prefix + " " + strings.Repeat("i", i%7) + " " + itoa(i) + "\"}\n")
	}
	return b.String()
}

func testUndoGroup(s *suite) {
	s.add("before")
	before := s.state()
	const n = 1203 // several records
	res := must[memory.ImportResult](s)(s.svc.Import(s.ctx, strings.NewReader(lines(n, "line")),
		memory.ImportRequest{Name: "f"}))
	if res.Imported != n || res.Group == "" || res.Seq != s.head() {
		s.Fatalf("%+v", res)
	}
	u := s.undo(memory.UndoRequest{})
	if len(u.Undone) != 1 || u.Undone[0].Group != res.Group || len(u.Affected) != n {
		s.Fatalf("%d undone, %d affected", len(u.Undone), len(u.Affected))
	}
	if s.state() != before {
		s.Fatal("the import is not gone")
	}
	s.undo(memory.UndoRequest{Seq: u.Seq})
	if got := must[memory.ListResult](s)(s.svc.List(s.ctx, memory.ListRequest{})); got.Total != n+1 {
		s.Fatalf("%d memories after the undo was undone", got.Total)
	}
}

func testUndoConflict(s *suite) {
	id, seq := s.addIn("s1", "one")
	other, _ := s.addIn("s1", "untouched")
	s.update(id, "somebody else's words")
	res, err := s.svc.Undo(s.ctx, memory.UndoRequest{AllOfSession: "s1"})
	s.refused("something changed since", err, memory.CodeConflict, "*")
	if len(res.Left) != 1 || res.Left[0].ID.String() != id || res.Left[0].Reason == "" {
		s.Fatalf("%+v", res.Left)
	}
	if s.get(id).Content != "somebody else's words" {
		s.Fatal("another's words are gone")
	}
	s.gone(other)
	second, seq2 := s.addIn("s3", "again")
	s.update(second, "changed")
	forced := s.undo(memory.UndoRequest{Seq: seq2, Force: true})
	if len(forced.Left) != 0 || len(forced.Affected) != 1 {
		s.Fatalf("%+v", forced)
	}
	s.gone(second)
	_ = seq
}

func testUndoBulkDelete(s *suite) {
	for i := range 30 {
		s.add("doomed "+itoa(i), "doomed")
	}
	before := s.state()
	must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{
		Filter: memory.Filter{Tags: []string{"doomed"}}}))
	res := s.undo(memory.UndoRequest{})
	if len(res.Affected) != 30 || s.state() != before {
		s.Fatalf("%+v", res)
	}
}

func testUndoDryRun(s *suite) {
	id := s.add("kept")
	s.unmoved("a dry run", func() {
		res := s.undo(memory.UndoRequest{DryRun: true})
		if !res.DryRun || len(res.Undone) != 1 || len(res.Affected) != 1 || res.Seq != 0 {
			s.Fatalf("%+v", res)
		}
	})
	s.get(id)
}

func testRevert(s *suite) {
	id := s.add("one", "t")
	s.add("two")
	then, state := s.head(), s.state()
	s.update(id, "changed")
	s.del(s.once("two"))
	s.add("three")
	after := s.state()
	s.unmoved("a dry run", func() {
		res := must[memory.RevertResult](s)(s.svc.Revert(s.ctx,
			memory.RevertRequest{Until: memory.Moment{Seq: then}, DryRun: true}))
		if !res.DryRun || len(res.Affected) != 3 || res.Until.Seq != then || res.Digest != state {
			s.Fatalf("%+v", res)
		}
		_, err := s.svc.Revert(s.ctx, memory.RevertRequest{})
		s.refused("until when", err, memory.CodeInvalid, "until")
	})
	res := must[memory.RevertResult](s)(s.svc.Revert(s.ctx,
		memory.RevertRequest{Until: memory.Moment{Seq: then}}))
	if res.Digest != state || s.state() != state || res.Seq != s.head() {
		s.Fatalf("%+v, state %s, want %s", res, s.state(), state)
	}
	s.undo(memory.UndoRequest{Seq: res.Seq})
	if s.state() != after {
		s.Fatal("a revert could not be undone")
	}
	s.unmoved("a revert to now", func() {
		must[memory.RevertResult](s)(s.svc.Revert(s.ctx,
			memory.RevertRequest{Until: memory.Moment{Seq: s.head()}}))
	})
}

func testDuplicates(s *suite) {
	old := s.store(memory.NewMemory{Content: "Deploy on Tuesdays after the standup meeting, always",
		Tags: []string{"a"}, CreatedAt: day(1)}).Stored[0].ID.String()
	near := s.store(memory.NewMemory{Content: "deploy on tuesdays after the standup meeting always",
		Tags: []string{"b"}, CreatedAt: day(2)}).Stored[0].ID.String()
	s.add("something else entirely about cats and dogs")
	s.unmoved("a look", func() {
		for _, r := range []memory.DuplicatesRequest{{}, {Merge: true, DryRun: true}} {
			res := must[memory.DuplicatesResult](s)(s.svc.Duplicates(s.ctx, r))
			if len(res.Sets) != 1 || res.Sets[0].Keep.String() != old || len(res.Sets[0].Same) != 1 ||
				res.Sets[0].Same[0].String() != near || res.Sets[0].Score < 0.8 {
				s.Fatalf("%+v", res)
			}
		}
		for _, th := range []float64{-0.1, 1.1} {
			_, err := s.svc.Duplicates(s.ctx, memory.DuplicatesRequest{Threshold: th})
			s.refused("threshold", err, memory.CodeInvalid, "threshold")
		}
	})
	before := s.state()
	res := must[memory.DuplicatesResult](s)(s.svc.Duplicates(s.ctx,
		memory.DuplicatesRequest{Merge: true}))
	if res.Seq != s.head() || len(res.Affected) != 2 {
		s.Fatalf("%+v", res)
	}
	if m := s.get(old); !slices.Equal(m.Tags, []string{"a", "b"}) {
		s.Fatalf("%+v", m)
	}
	m := must[memory.Memory](s)(s.svc.Get(s.ctx, memory.GetRequest{ID: near, IncludeDeleted: true}))
	if !m.Deleted || m.SupersededBy == nil || m.SupersededBy.String() != old {
		s.Fatalf("%+v", m)
	}
	s.undo(memory.UndoRequest{})
	if s.state() != before {
		s.Fatal("a merge could not be undone")
	}
}
