package memorytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"memlog/cmd/memlog/internal/memory"
)

func testRequestIDs(s *suite) {
	r := memory.StoreRequest{Memories: []memory.NewMemory{{Content: "once"}, {Content: "only"}},
		Origin: memory.Origin{RequestID: "r-1", Client: "one"}}
	first := must[memory.StoreResult](s)(s.svc.Store(s.ctx, r))
	s.unmoved("the same request again", func() {
		r.Origin.Client = "another window"
		again := must[memory.StoreResult](s)(s.svc.Store(s.ctx, r))
		if !again.Repeats || again.Seq != first.Seq || !slices.Equal(again.Stored, first.Stored) {
			s.Fatalf("%+v, the first time %+v", again, first)
		}
		r.Memories[1].Content = "something else"
		_, err := s.svc.Store(s.ctx, r)
		s.refused("a request id for another request", err, memory.CodeConflict, "request_id")
		_, err = s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{first.Stored[0].ID.String()},
			Origin: memory.Origin{RequestID: "r-1"}})
		s.refused("a request id for another command", err, memory.CodeConflict, "request_id")
	})
	const callers = 6
	var wg sync.WaitGroup
	got := make([]memory.StoreResult, callers)
	errs := make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			got[i], errs[i] = s.svc.Store(s.ctx, memory.StoreRequest{
				Memories: []memory.NewMemory{{Content: "sent by impatient callers"}},
				Origin:   memory.Origin{RequestID: "r-2"}})
		})
	}
	wg.Wait()
	firsts := 0
	for i := range callers {
		if errs[i] != nil || got[i].Seq != got[0].Seq || !slices.Equal(got[i].Stored, got[0].Stored) {
			s.Fatalf("%+v %v, another %+v", got[i], errs[i], got[0])
		}
		if !got[i].Repeats {
			firsts++
		}
	}
	if firsts != 1 || s.head() != first.Seq+1 {
		s.Fatalf("%d were the first, head %d", firsts, s.head())
	}
}

func testRequestIDsEverywhere(s *suite) {
	a, b := s.add("alpha beta"), s.add("gamma")
	text := "changed"
	type answer struct {
		Seq      memory.Seq
		Affected []memory.ID
		Repeats  bool
	}
	of := func(c memory.Change, err error) (answer, error) {
		return answer{c.Seq, c.Affected, c.Repeats}, err
	}
	for name, call := range map[string]func(o memory.Origin) (answer, error){
		"1 update": func(o memory.Origin) (answer, error) {
			return of(s.svc.Update(s.ctx, memory.UpdateRequest{ID: a, Content: &text, IfVersion: 1,
				Origin: o}))
		},
		"2 link": func(o memory.Origin) (answer, error) {
			return of(s.svc.Link(s.ctx, memory.LinkRequest{From: a, To: b, Type: "t", Origin: o}))
		},
		"3 delete": func(o memory.Origin) (answer, error) {
			return of(s.svc.Delete(s.ctx,
				memory.DeleteRequest{IDs: []string{s.once("victim " + o.RequestID)},
					Origin: o}))
		},
		"4 undo": func(o memory.Origin) (answer, error) {
			u, err := s.svc.Undo(s.ctx, memory.UndoRequest{Seq: s.seqOf("undone"), Origin: o})
			return answer{u.Seq, u.Affected, u.Repeats}, err
		},
	} {
		first, err := call(memory.Origin{RequestID: name})
		if err != nil || first.Repeats {
			s.Fatalf("%s: %+v %v", name, first, err)
		}
		s.unmoved(name, func() {
			again, err := call(memory.Origin{RequestID: name})
			if err != nil || !again.Repeats || again.Seq != first.Seq ||
				!slices.Equal(again.Affected, first.Affected) {
				s.Fatalf("%s again: %+v %v, the first time %+v", name, again, err, first)
			}
		})
	}
}

// once stores a content where it is not there yet, live or not, and returns its id.
func (s *suite) once(content string) string {
	s.Helper()
	for m := range s.all(memory.ListRequest{IncludeDeleted: true}) {
		if m.Content == content {
			return m.ID.String()
		}
	}
	return s.add(content)
}

// seqOf returns the record that stored a content, which it stores where it never was.
func (s *suite) seqOf(content string) memory.Seq {
	s.Helper()
	for rec, err := range s.svc.Log(s.ctx, memory.LogRequest{Kind: "stored"}) {
		if err != nil {
			s.Fatal(err)
		}
		if fmt.Sprint(rec.Events[0].Fields["content"]) == content {
			return rec.Seq
		}
	}
	return s.store(memory.NewMemory{Content: content}).Seq
}

func testUpdate(s *suite) {
	id := s.store(memory.NewMemory{Content: "first", Tags: []string{"a"}, Type: "t", Project: "p",
		Metadata: json.RawMessage(`{"k":1}`), CreatedAt: day(1)}).Stored[0].ID.String()
	content, typ, project, tags := "second", "u", "q", []string{"b", "c"}
	c := must[memory.Change](s)(s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Content: &content}))
	if c.Version != 2 || len(c.Affected) != 1 || c.Affected[0].String() != id || c.Seq != s.head() {
		s.Fatalf("%+v", c)
	}
	m := s.get(id)
	if m.Content != "second" || m.Type != "t" || m.Project != "p" || !slices.Equal(m.Tags,
		[]string{"a"}) ||
		string(m.Metadata) != `{"k":1}` || !m.CreatedAt.Equal(day(1)) || !m.UpdatedAt.After(day(1)) {
		s.Fatalf("nil fields did not stay: %+v", m)
	}
	none, empty := json.RawMessage("null"), ""
	must[memory.Change](s)(s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Type: &typ,
		Project: &project, Tags: &tags, Metadata: none}))
	if m = s.get(id); m.Version != 3 || m.Type != "u" || m.Project != "q" || len(m.Metadata) != 0 ||
		!slices.Equal(m.Tags, tags) || m.Content != "second" {
		s.Fatalf("%+v", m)
	}
	s.unmoved("an update that changes nothing", func() {
		c = must[memory.Change](s)(s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Type: &typ}))
		if c.Seq != 0 || c.Version != 3 || len(c.Affected) != 0 {
			s.Fatalf("%+v", c)
		}
		_, err := s.svc.Update(s.ctx, memory.UpdateRequest{ID: id})
		s.refused("nothing to update", err, memory.CodeInvalid, "*")
		_, err = s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Content: &empty})
		s.refused("an empty content", err, memory.CodeInvalid, "content")
	})
	twin := s.add("a twin to be")
	s.update(twin, "second")
	if s.get(twin).Content != "second" {
		s.Fatal("an update into a twin was refused")
	}
}

func testIfVersion(s *suite) {
	id := s.add("v1")
	for v := uint64(1); v < 4; v++ {
		text := fmt.Sprint("v", v+1)
		c := must[memory.Change](s)(s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Content: &text,
			IfVersion: v}))
		if c.Version != v+1 {
			s.Fatalf("%+v", c)
		}
	}
	s.unmoved("another version", func() {
		text := "lost update"
		for _, v := range []uint64{1, 3, 5} {
			_, err := s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Content: &text, IfVersion: v})
			s.refused("update of another version", err, memory.CodeConflict, "if_version")
			_, err = s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{id}, IfVersion: v})
			s.refused("delete of another version", err, memory.CodeConflict, "if_version")
		}
		_, err := s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{id, id}, IfVersion: 4})
		s.refused("a version for two ids", err, memory.CodeInvalid, "if_version")
	})
	must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{id}, IfVersion: 4}))
	s.gone(id)
}

func testIfVersionConcurrently(s *suite) {
	res := s.store(memory.NewMemory{Content: "counter", Metadata: json.RawMessage(`{"n":0}`)})
	id := res.Stored[0].ID.String()
	const writers, raises = 4, 5
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for i := range writers {
		wg.Go(func() {
			for range raises {
				if errs[i] = s.raise(id); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			s.Fatal(err)
		}
	}
	if m := s.get(id); string(m.Metadata) != `{"n":20}` || m.Version != 1+writers*raises {
		s.Fatalf("%s at version %d after %d raises", m.Metadata, m.Version, writers*raises)
	}
}

// raise adds one to the counter in a memory's metadata, reading again after a conflict.
func (s *suite) raise(id string) error {
	for {
		m, err := s.svc.Get(s.ctx, memory.GetRequest{ID: id})
		if err != nil {
			return err
		}
		var n struct{ N int }
		if err := json.Unmarshal(m.Metadata, &n); err != nil {
			return err
		}
		_, err = s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, IfVersion: m.Version,
			Metadata: json.RawMessage(`{"n":` + strconv.Itoa(n.N+1) + `}`)})
		if !is(err, memory.CodeConflict) {
			return err
		}
	}
}
