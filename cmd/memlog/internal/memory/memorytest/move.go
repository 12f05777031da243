package memorytest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// furnish fills a store with a bit of everything that a round trip could lose.
func (s *suite) furnish() {
	s.Helper()
	a := s.store(memory.NewMemory{Content: "first\nwith \"quotes\" and \u2028 and \U0001f9e0",
		Tags: []string{"a", "ü"}, Type: "fact", Project: "/p",
		Metadata:  json.RawMessage(`{"b":1.0, "a":null}`),
		CreatedAt: day(1), UpdatedAt: day(2), Aliases: []string{"old-1"}}).Stored[0].ID.String()
	s.store(memory.NewMemory{Content: "first\nwith \"quotes\" and \u2028 and \U0001f9e0", Type: "fact",
		Project: "/p", Tags: []string{"again"}, Metadata: json.RawMessage(`[1]`), CreatedAt: day(4)})
	b := s.add("Cafe\u0301")
	s.update(b, "Cafe\u0301 edited")
	must[memory.Change](s)(s.svc.Link(s.ctx, memory.LinkRequest{From: a, To: b, Type: "t"}))
	s.del(s.add("deleted"))
	s.add("undone")
	s.undo(memory.UndoRequest{})
}

// export returns what a store writes, and what it says of it.
func (s *suite) export(r memory.ExportRequest) (string, memory.ExportResult) {
	s.Helper()
	var b bytes.Buffer
	res := must[memory.ExportResult](s)(s.svc.Export(s.ctx, &b, r))
	return b.String(), res
}

// bring imports, and nothing may be rejected.
func (s *suite) bring(text string, r memory.ImportRequest) memory.ImportResult {
	s.Helper()
	r.Name = "test.jsonl"
	res := must[memory.ImportResult](s)(s.svc.Import(s.ctx, strings.NewReader(text), r))
	if len(res.Rejected) != 0 {
		s.Fatalf("%+v", res.Rejected)
	}
	return res
}

func testExportMemories(s *suite) {
	s.furnish()
	then, state := s.head(), s.state()
	s.add("later")
	text, res := s.export(memory.ExportRequest{Until: memory.Moment{Seq: then}})
	if res.Digest != state || res.Memories != strings.Count(text, "\n") || res.Until.Seq != then {
		s.Fatalf("%+v of %d lines, state %s", res, strings.Count(text, "\n"), state)
	}
	there := s.another()
	in := there.bring(text, memory.ImportRequest{})
	if in.Imported != res.Memories || there.state() != state {
		s.Fatalf("%+v: state %s, want %s", in, there.state(), state)
	}
	there.sound()
	back, _ := there.export(memory.ExportRequest{})
	if back != text {
		s.Fatalf("exported again:\n%s\nwant\n%s", back, text)
	}
	for _, format := range []string{"json", "markdown"} {
		if text, _ := s.export(memory.ExportRequest{Format: format}); !strings.Contains(text, "edited") {
			s.Fatalf("%s: %s", format, text)
		}
	}
}

func testExportEvents(s *suite) {
	s.furnish()
	text, res := s.export(memory.ExportRequest{Events: true})
	if res.Records != uint64(s.head()) || strings.Count(text, "\n") != int(s.head()) ||
		res.Digest != s.state() {
		s.Fatalf("%+v, head %d", res, s.head())
	}
	early, res := s.export(memory.ExportRequest{Events: true, Until: memory.Moment{Seq: 3}})
	if res.Records != 3 || !strings.HasPrefix(text, early) || res.Until.Seq != 3 {
		s.Fatalf("until record 3: %+v\n%s", res, early)
	}
	there := s.another()
	there.bring(text, memory.ImportRequest{})
	if there.state() != s.state() {
		s.Fatalf("state %s, want %s", there.state(), s.state())
	}
	there.sound()
	there.unmoved("the same events again", func() {
		again := there.bring(text, memory.ImportRequest{})
		if again.Imported != 0 || again.Present == 0 {
			s.Fatalf("%+v", again)
		}
	})
	s.unmoved("a log into itself", func() { s.bring(text, memory.ImportRequest{}) })
}

func testExportFilters(s *suite) {
	s.store(memory.NewMemory{Content: "in", Tags: []string{"x"}}, memory.NewMemory{Content: "out"})
	text, res := s.export(memory.ExportRequest{Filter: memory.Filter{Tags: []string{"x"}}})
	if res.Memories != 1 || !strings.Contains(text, `"in"`) {
		s.Fatalf("%+v: %s", res, text)
	}
	for arg, r := range map[string]memory.ExportRequest{
		"events": {Events: true, Filter: memory.Filter{Type: "t"}}, "format": {Format: "xml"}} {
		var b bytes.Buffer
		_, err := s.svc.Export(s.ctx, &b, r)
		s.refused("export "+arg, err, memory.CodeInvalid, arg)
		if b.Len() != 0 {
			s.Fatalf("%s was refused and wrote %q", arg, b.String())
		}
	}
}

func testImportTwice(s *suite) {
	text := `{"content":"a","tags":["x"],"created_at":"2024-01-01T00:00:00Z"}
{"content":"b"}
{"content":"a","created_at":"2024-01-02T00:00:00Z"}
`
	res := s.bring(text, memory.ImportRequest{Group: "g-1", Origin: memory.Origin{Session: "s"}})
	if res.Imported != 2 || res.Present != 1 || res.Repeated != 1 || res.Group != "g-1" {
		s.Fatalf("%+v", res)
	}
	state := s.state()
	s.unmoved("the same file again", func() {
		again := s.bring(text, memory.ImportRequest{})
		if again.Imported != 0 || again.Present != 3 || again.Repeated != 0 || again.Seq != 0 {
			s.Fatalf("%+v", again)
		}
	})
	if s.state() != state {
		s.Fatal("an import of what is there changed it")
	}
	if recs := s.records(memory.LogRequest{From: res.Seq}); recs[0].Group != "g-1" ||
		recs[0].Session != "s" {
		s.Fatalf("%+v", recs[0])
	}
}

func testImportRejects(s *suite) {
	text := "{\"content\":\"good\"}\nnot json\n\n{\"content\":\"\"}\n{\"content\":\"x\",\"tags\":7}" +
		"\n" +
		"{\"content\":\"also good\"}"
	res := must[memory.ImportResult](s)(s.svc.Import(s.ctx, strings.NewReader(text),
		memory.ImportRequest{Name: "mixed"}))
	var bad []int
	for _, r := range res.Rejected {
		if r.Source != "mixed" || r.Reason == "" {
			s.Fatalf("%+v", r)
		}
		bad = append(bad, r.Line)
	}
	if res.Imported != 2 || !slices.Equal(bad, []int{2, 4, 5}) {
		s.Fatalf("%+v", res)
	}
	if got := s.contents(memory.ListRequest{}); !slices.Equal(got, []string{"also good", "good"}) {
		s.Fatalf("%v", got)
	}
}

func testImportDryRun(s *suite) {
	s.add("a")
	s.unmoved("a dry run", func() {
		res := s.bring("{\"content\":\"a\"}\n{\"content\":\"b\"}\n", memory.ImportRequest{DryRun: true})
		if !res.DryRun || res.Imported != 1 || res.Present != 1 || res.Seq != 0 {
			s.Fatalf("%+v", res)
		}
	})
}
