package memorytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// testHostile gives what no memory may be.
func testHostile(s *suite) {
	known := s.add("known")
	for name, c := range map[string]struct {
		arg string
		in  memory.NewMemory
	}{
		"nothing":           {"content", memory.NewMemory{}},
		"white space":       {"content", memory.NewMemory{Content: " \t\r\n\u00a0\u2003"}},
		"a NUL byte":        {"content", memory.NewMemory{Content: "a\x00b"}},
		"no UTF-8":          {"content", memory.NewMemory{Content: "a\xffb"}},
		"half a letter":     {"content", memory.NewMemory{Content: "caf\xc3"}},
		"a surrogate":       {"content", memory.NewMemory{Content: "\xed\xa0\x80"}},
		"10 MB":             {"content", memory.NewMemory{Content: strings.Repeat("x", 10<<20)}},
		"10,000 tags":       {"tags", memory.NewMemory{Content: "x", Tags: distinct(10_000)}},
		"an empty tag":      {"tags", memory.NewMemory{Content: "x", Tags: []string{"a", " "}}},
		"a tag of lines":    {"tags", memory.NewMemory{Content: "x", Tags: []string{"a\nb"}}},
		"a tag of bytes":    {"tags", memory.NewMemory{Content: "x", Tags: []string{"\xff"}}},
		"a type of bytes":   {"type", memory.NewMemory{Content: "x", Type: "\xff"}},
		"a NUL project":     {"project", memory.NewMemory{Content: "x", Project: "a\x00"}},
		"an empty alias":    {"aliases", memory.NewMemory{Content: "x", Aliases: []string{""}}},
		"no JSON":           {"metadata", memory.NewMemory{Content: "x", Metadata: raw(`{k: 1}`)}},
		"half of JSON":      {"metadata", memory.NewMemory{Content: "x", Metadata: raw(`{"k":`)}},
		"two of JSON":       {"metadata", memory.NewMemory{Content: "x", Metadata: raw(`{} {}`)}},
		"bytes in JSON":     {"metadata", memory.NewMemory{Content: "x", Metadata: raw("\"\xff\"")}},
		"deep metadata":     {"metadata", memory.NewMemory{Content: "x", Metadata: nested(9_000)}},
		"very deep":         {"metadata", memory.NewMemory{Content: "x", Metadata: nested(100_000)}},
		"a far future":      {"created_at", memory.NewMemory{Content: "x", CreatedAt: year(250_000)}},
		"before the era":    {"created_at", memory.NewMemory{Content: "x", CreatedAt: year(-44)}},
		"updated far ahead": {"updated_at", memory.NewMemory{Content: "x", UpdatedAt: year(10_000)}},
	} {
		s.unmoved(name, func() {
			_, err := s.svc.Store(s.ctx, memory.StoreRequest{Memories: []memory.NewMemory{c.in}})
			s.refused(name, err, memory.CodeInvalid, c.arg)
			if u, ok := asUpdate(known, c.in, c.arg); ok {
				_, err := s.svc.Update(s.ctx, u)
				s.refused("update: "+name, err, memory.CodeInvalid, c.arg)
			}
		})
	}
	s.sound()
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// asUpdate turns what cannot be stored into an update of a memory, where it has the argument.
func asUpdate(id string, n memory.NewMemory, arg string) (memory.UpdateRequest, bool) {
	u := memory.UpdateRequest{ID: id}
	switch arg {
	case "content":
		u.Content = &n.Content
	case "tags":
		u.Tags = &n.Tags
	case "type":
		u.Type = &n.Type
	case "project":
		u.Project = &n.Project
	case "metadata":
		u.Metadata = n.Metadata
	default:
		return u, false
	}
	return u, true
}

// testOdd gives what is odd and allowed, and takes it back out as it went in.
func testOdd(s *suite) {
	for name, n := range map[string]memory.NewMemory{
		"one letter":    {Content: "."},
		"signs":         {Content: "<script>alert(1)</script> '; DROP TABLE memories; -- %s %00 \\u0000"},
		"bidi and zwj":  {Content: "\u202eabc\u202c \U0001f469\u200d\U0001f4bb \ufeff\ufffd"},
		"zalgo":         {Content: "z" + strings.Repeat("\u0336\u0353\u0351", 3000)},
		"one long word": {Content: strings.Repeat("x", 200_000)},
		"many words":    {Content: strings.Repeat("lorem ipsum dolor ", 20_000)},
		"lines":         {Content: "\r\n a \r\n\r\n b \u0085"},
		"JSON":          {Content: `{"content":"{}"}`, Metadata: raw(`"a string"`)},
		"numbers":       {Content: "n", Metadata: raw(`{"n":123456789012345678901234567890.10e-5}`)},
		"doubled keys":  {Content: "k", Metadata: raw(`{"a":1,"a":2}`)},
		"spaces inside": {Content: "w", Metadata: raw(`{ "a" : [ 1 , 2 ] }`)},
		"ancient":       {Content: "old", CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)},
		"far future": {Content: "new",
			CreatedAt: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)},
		"tags of all kinds": {Content: "t", Tags: []string{"#", "a/b", "日本", "A", "a", "-", "\"q\""}},
	} {
		res := s.store(n)
		m := s.get(res.Stored[0].ID.String())
		if m.Content != n.Content || string(m.Metadata) != string(n.Metadata) {
			s.Fatalf("%s: %.80q %s", name, m.Content, m.Metadata)
		}
		if !n.CreatedAt.IsZero() && !m.CreatedAt.Equal(n.CreatedAt) {
			s.Fatalf("%s: %v", name, m.CreatedAt)
		}
		slices.Sort(n.Tags)
		if len(n.Tags) > 0 && !slices.Equal(m.Tags, n.Tags) {
			s.Fatalf("%s: %q", name, m.Tags)
		}
	}
	for _, q := range []string{"*", "a AND OR NOT", "\"", "(", "\\", "%", "\u202e", ".", "a\x00b"} {
		for _, mode := range []memory.Mode{memory.ModeHybrid, memory.ModeExact} {
			_, err := s.svc.Search(s.ctx, memory.SearchRequest{Query: q, Mode: mode})
			if err != nil {
				s.refused(fmt.Sprintf("query %q", q), err, memory.CodeInvalid, "query")
			}
		}
	}
	text, _ := s.export(memory.ExportRequest{})
	there := s.another()
	there.bring(text, memory.ImportRequest{})
	if there.state() != s.state() {
		s.Fatalf("state after a round trip %s, want %s", there.state(), s.state())
	}
	s.sound()
}

// testUnknownIDs asks every command for what is not there.
func testUnknownIDs(s *suite) {
	known, text := s.add("known"), "x"
	ids := []string{"", " ", "nobody", "00000000-0000-0000-0000-000000000000",
		"01890a5d-ac96-774b-bcce-b302099a8057", known[:35], known + "0", "{" + known + "}",
		strings.ReplaceAll(known, "-", ""), "\x00\xff", strings.Repeat("9", 100_000), "../../etc/passwd"}
	for _, id := range ids {
		s.unmoved(fmt.Sprintf("%.40q", id), func() {
			_, err := s.svc.Get(s.ctx, memory.GetRequest{ID: id})
			s.refused("get", err, memory.CodeNotFound, "id")
			_, err = s.svc.History(s.ctx, id)
			s.refused("history", err, memory.CodeNotFound, "id")
			_, err = s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Content: &text})
			s.refused("update", err, memory.CodeNotFound, "id")
			_, err = s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{id}})
			s.refused("delete", err, memory.CodeNotFound, "ids")
			_, err = s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: []string{id}})
			s.refused("restore", err, memory.CodeNotFound, "*")
			_, err = s.svc.Link(s.ctx, memory.LinkRequest{From: id, To: known, Type: "t"})
			s.refused("link", err, memory.CodeNotFound, "from")
		})
	}
}

// testUnknownValues gives every choice a value that it does not have: that is an error, never
// taken for another.
func testUnknownValues(s *suite) {
	s.add("x", "t")
	for arg, f := range map[string]memory.Filter{"match": {Match: "most"}, "clock": {Clock: "wall"},
		"until": {Since: day(2), Until: day(1)}, "tags": {Tags: []string{""}}} {
		f := f
		if arg == "match" || arg == "clock" {
			f.Tags = []string{"t"}
		}
		_, err := s.svc.List(s.ctx, memory.ListRequest{Filter: f})
		s.refused("list "+arg, err, memory.CodeInvalid, arg)
		_, err = s.svc.Search(s.ctx, memory.SearchRequest{Query: "x", Filter: f})
		s.refused("search "+arg, err, memory.CodeInvalid, arg)
		_, err = s.svc.Tags(s.ctx, memory.TagsRequest{Filter: f})
		s.refused("tags "+arg, err, memory.CodeInvalid, arg)
		_, err = s.svc.Delete(s.ctx, memory.DeleteRequest{Filter: f})
		s.refused("delete "+arg, err, memory.CodeInvalid, arg)
	}
	for _, q := range []string{"", " \n", "\xff", "\u0301", "?!"} {
		_, err := s.svc.Search(s.ctx, memory.SearchRequest{Query: q})
		if q == "\u0301" && err == nil {
			continue // a sign of its own
		}
		s.refused(fmt.Sprintf("query %q", q), err, memory.CodeInvalid, "query")
	}
	_, err := s.svc.Search(s.ctx, memory.SearchRequest{Query: "x", Mode: "psychic"})
	s.refused("mode", err, memory.CodeInvalid, "mode")
	_, err = s.svc.Replay(s.ctx, memory.ReplayRequest{Clock: "wall"})
	s.refused("clock", err, memory.CodeInvalid, "clock")
	for _, err := range s.svc.Log(s.ctx, memory.LogRequest{Kind: "no such kind"}) {
		s.refused("kind", err, memory.CodeInvalid, "kind")
	}
	for _, o := range []memory.Origin{{RequestID: "a\nb"}, {RequestID: "\xff"}} {
		_, err = s.svc.Store(s.ctx, memory.StoreRequest{Origin: o,
			Memories: []memory.NewMemory{{Content: "y"}}})
		s.refused("request id", err, memory.CodeInvalid, "request_id")
	}
}
