package mcpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// The list of tools is a contract with every agent: a change to it shows in the fixture. The
// service is nil, so the test also shows that neither the handshake nor the list touches it.
func TestToolList(t *testing.T) {
	c := session(t, nil, Options{Version: "1.2.3"})
	res, err := c.session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(res.Tools, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "tools.json", append(b, '\n'))
	if len(res.Tools) > 15 {
		t.Errorf("%d tools listed, at most 15 are meant to be", len(res.Tools))
	}
	for _, tool := range res.Tools {
		checkTool(t, tool)
	}
}

func checkTool(t *testing.T, tool *mcp.Tool) {
	t.Helper()
	a := tool.Annotations
	switch {
	case tool.Title == "" || tool.Description == "":
		t.Errorf("%s: no title or description", tool.Name)
	case tool.InputSchema == nil || tool.OutputSchema == nil:
		t.Errorf("%s: no input or output schema", tool.Name)
	case a == nil || a.DestructiveHint == nil || a.OpenWorldHint == nil || *a.OpenWorldHint:
		t.Errorf("%s: annotations %+v", tool.Name, a)
	case a.ReadOnlyHint && *a.DestructiveHint:
		t.Errorf("%s: read-only and destructive", tool.Name)
	}
	b, err := json.Marshal(tool.InputSchema)
	if err != nil {
		t.Fatal(err)
	}
	if tool.Name == "cleanup_metrics" { // what it changes is not in the log
		if a.ReadOnlyHint {
			t.Errorf("%s is said to read only", tool.Name)
		}
		return
	}
	if writes := strings.Contains(string(b), `"request_id"`); writes == a.ReadOnlyHint {
		t.Errorf("%s: readOnlyHint %v, takes a request id: %v", tool.Name, a.ReadOnlyHint, writes)
	}
}

func TestAliasesMeanSomething(t *testing.T) {
	for alias, meant := range aliases {
		for _, name := range meant {
			used := false
			for _, tool := range tools() {
				p, ok := canonical(tool.params, alias)
				used = used || ok && p.name == name
			}
			if _, ok := find(entryParams, name); !used && !ok {
				t.Errorf("alias %s: no tool takes it as %s", alias, name)
			}
		}
	}
}

func TestInstructions(t *testing.T) {
	if n := len(instructions); n > 2048 {
		t.Errorf("instructions are %d bytes, clients cut them at 2048", n)
	}
	for _, tool := range tools() {
		daily := strings.HasPrefix(tool.name, "memory_") && tool.name != "memory_health"
		if daily && !strings.Contains(instructions, tool.name) {
			t.Errorf("instructions do not mention %s", tool.name)
		}
	}
	if got := session(t, nil, Options{}).Instructions(); got != instructions {
		t.Errorf("the handshake gave %q", got)
	}
}

func TestProtocolVersions(t *testing.T) {
	for _, v := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
		t.Run(v, func(t *testing.T) {
			f := &fake{}
			c := sessionAt(t, f, Options{}, v)
			if got := c.session.InitializeResult().ProtocolVersion; got != v {
				t.Errorf("negotiated %s, asked for %s", got, v)
			}
			callTool(t, c, "memory_store", `{"content": "x"}`)
			o := f.last(t).(memory.StoreRequest).Origin
			if o.Client != "test-agent" || o.ClientVersion != "1" {
				t.Errorf("client is %q version %q", o.Client, o.ClientVersion)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	f := &fake{memories: some(1, "x")}
	c := session(t, f, Options{Session: "s1", ProjectDir: "/p", User: "u", Host: "h"})
	want := memory.Origin{
		Client: "test-agent", ClientVersion: "1", Session: "s1", Project: "/p", User: "u",
		Host: "h", Reason: "why",
	}
	seen := map[string]bool{}
	for _, call := range []struct{ tool, args string }{
		{"memory_store", `{"content": "x", "reason": "why"}`},
		{"memory_update", `{"id": "a", "content": "x", "reason": "why"}`},
		{"memory_delete", `{"ids": ["a"], "reason": "why"}`},
		{"memory_link", `{"from": "a", "to": "b", "type": "t", "reason": "why"}`},
		{"store_memory", `{"content": "x", "reason": "why"}`},
		{"delete_by_tag", `{"tags": ["a"], "reason": "why"}`},
		{"rate_memory", `{"content_hash": "a", "rating": 1, "reason": "why"}`},
		{"cleanup_duplicates", `{"reason": "why"}`},
		{"memory_undo", `{"reason": "why"}`},
		{"memory_undo", `{"reason": "why"}`},
	} {
		callTool(t, c, call.tool, call.args)
		got := originOf(t, f.last(t))
		if len(got.RequestID) != 36 || seen[got.RequestID] {
			t.Errorf("%s: request id %q is no fresh UUID", call.tool, got.RequestID)
		}
		seen[got.RequestID] = true
		got.RequestID = ""
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: origin (-want +got):\n%s", call.tool, d)
		}
	}
	callTool(t, c, "memory_store", `{"content": "x", "request_id": "again"}`)
	if got := originOf(t, f.last(t)).RequestID; got != "again" {
		t.Errorf("request id %q, given was %q", got, "again")
	}
}

// Where the caller works is told to a search as well.
func TestSearchIsNearTheProject(t *testing.T) {
	f := &fake{memories: some(1, "x")}
	c := session(t, f, Options{ProjectDir: "/src/memlog"})
	callTool(t, c, "memory_search", `{"query": "x"}`)
	if r, ok := f.last(t).(memory.SearchRequest); !ok || r.Near != "/src/memlog" {
		t.Errorf("asked %+v, want near /src/memlog", r)
	}
}

func originOf(t *testing.T, req any) memory.Origin {
	t.Helper()
	switch r := req.(type) {
	case memory.StoreRequest:
		return r.Origin
	case memory.UpdateRequest:
		return r.Origin
	case memory.DeleteRequest:
		return r.Origin
	case memory.UndoRequest:
		return r.Origin
	case memory.LinkRequest:
		return r.Origin
	case memory.DuplicatesRequest:
		return r.Origin
	}
	t.Fatalf("%T has no origin", req)
	return memory.Origin{}
}

// What the agent did not choose must not be a reason to refuse its writes.
func TestProvenanceFits(t *testing.T) {
	f := &fake{}
	long := "/" + strings.Repeat("ä", memory.MaxProvenance)
	c := session(t, f, Options{ProjectDir: long, User: "\xff"})
	callTool(t, c, "memory_store", `{"content": "x"}`)
	o := originOf(t, f.last(t))
	if len(o.Project) > memory.MaxProvenance || !strings.HasPrefix(o.Project, "/ää") ||
		!utf8.ValidString(o.Project) {
		t.Errorf("project of %d bytes: …%q", len(o.Project), o.Project[len(o.Project)-3:])
	}
	if o.User != "\uFFFD" {
		t.Errorf("user %q", o.User)
	}
	if o.Session == "" {
		t.Error("no session was made up")
	}
	callTool(t, c, "memory_store", `{"content": "y"}`)
	if again := originOf(t, f.last(t)).Session; again != o.Session {
		t.Errorf("session changed from %s to %s", o.Session, again)
	}
}

func TestErrorResults(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"argument", memory.Invalid("memories[0].content", "is 2000000 bytes, at most 1048576"),
			[]string{"memory_store: content: is 2000000 bytes", "Next: correct the argument"}},
		{"hint", memory.Errorf(memory.CodeConflict, "changed").WithHint("look again"),
			[]string{"changed", "Next: look again"}},
		{"not found", memory.Errorf(memory.CodeNotFound, "no memory x"),
			[]string{"no memory x", "memory_search"}},
		{"id not found", &memory.Error{Code: memory.CodeNotFound, Arg: "ids[0]", Msg: "no memory x",
			Hint: "see memlog list"}, []string{"ids[0]: no memory x", "memory_search"}},
		{"seq not found", &memory.Error{Code: memory.CodeNotFound, Arg: "seq", Msg: "no record 9",
			Hint: "the last is 8"}, []string{"no record 9", "the last is 8"}},
		{"command", memory.Errorf(memory.CodeNotFound, "nothing to undo").WithHint("memlog list"),
			[]string{"nothing to undo", "Next: memory_list"}},
		{"busy", memory.Errorf(memory.CodeBusy, "process 12 holds the store"),
			[]string{"process 12", `request_id "r1"`}},
		{"damaged", memory.Errorf(memory.CodeDamaged, "segment 3 is damaged"),
			[]string{"segment 3", "memory_health"}},
		{"plain", fmt.Errorf("disk: %w", errors.New("on fire")),
			[]string{"disk: on fire", `request_id "r1"`}},
		{"long", errors.New(strings.Repeat("x", 1<<20)), []string{"xxx…"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := session(t, &fake{err: tt.err}, Options{})
			res := callTool(t, c, "memory_store", `{"content": "x", "request_id": "r1"}`)
			if !res.IsError || len(res.Text) > 2*maxErrorText {
				t.Errorf("isError %v, %d bytes", res.IsError, len(res.Text))
			}
			for _, w := range tt.want {
				if !strings.Contains(res.Text, w) {
					t.Errorf("%q does not say %q", clip(res.Text, 500), w)
				}
			}
		})
	}
}

// A read has no outcome to be in doubt about.
func TestReadErrorsNameNoRequestID(t *testing.T) {
	c := session(t, &fake{err: memory.Errorf(memory.CodeBusy, "busy")}, Options{})
	res := callTool(t, c, "memory_health", `{}`)
	if !res.IsError || strings.Contains(res.Text, "request_id") {
		t.Errorf("answered %s", res.Text)
	}
}

func TestPanicIsAnErrorResult(t *testing.T) {
	c := session(t, nil, Options{}) // a nil service panics
	for _, tool := range tools() {
		args := `{}`
		for _, p := range tool.params {
			if p.required {
				args = fmt.Sprintf(`{%q: "x"}`, p.name)
			}
		}
		switch tool.name {
		case "memory_store", "memory_update":
			args = `{"id": "x", "content": "x"}`
		case "memory_delete":
			args = `{"ids": ["x"]}`
		}
		switch tool.name {
		case "memory_store":
			args = `{"content": "x"}`
		case "memory_link":
			args = `{"from": "x", "to": "y", "type": "z"}`
		}
		res := callTool(t, c, tool.name, args)
		if !res.IsError || !strings.Contains(res.Text, "panicked") {
			t.Errorf("%s: %+v", tool.name, res)
		}
	}
}

func TestUndoConflictIsListed(t *testing.T) {
	f := &fake{
		err: memory.Errorf(memory.CodeConflict, "1 memory changed since"),
		undo: memory.UndoResult{
			Seq:      12,
			Undone:   []memory.UndoneCommand{{Seq: 5, Time: noon, Summary: "stored 2 memories"}},
			Affected: []memory.ID{id(1)},
			Left:     []memory.LeftAlone{{ID: id(2), Reason: "updated at seq 9"}},
		},
	}
	c := session(t, f, Options{Session: "s1"})
	res := callTool(t, c, "memory_undo", `{"session": "current"}`)
	if !res.IsError {
		t.Error("a conflict is no error")
	}
	for _, want := range []string{id(2).String(), "updated at seq 9", "stored 2 memories", "force"} {
		if !strings.Contains(res.Text, want) {
			t.Errorf("%q does not say %q", res.Text, want)
		}
	}
	if !bytes.Contains(res.Structured, []byte(`"left":[{"id":"`+id(2).String())) {
		t.Errorf("structured content %s", res.Structured)
	}
	if got := f.last(t).(memory.UndoRequest).AllOfSession; got != "s1" {
		t.Errorf("session %q", got)
	}
	f.undo.Seq = 0
	if res := callTool(t, c, "memory_undo", `{}`); !strings.Contains(res.Text, "Nothing was taken") {
		t.Errorf("an undo that did nothing: %q", res.Text)
	}
	f.undo, f.err = memory.UndoResult{}, memory.Errorf(memory.CodeConflict, "not yours")
	if res := callTool(t, c, "memory_undo", `{}`); !strings.Contains(res.Text, "not yours") {
		t.Errorf("a conflict without a list: %q", res.Text)
	}
}

// Every tool's answer in full, as an agent sees it.
func TestAnswers(t *testing.T) {
	full := some(1, "first line\nsecond <line> & \"more\"")[0]
	recorded, newer := noon.Add(time.Minute), id(8)
	full.RecordedAt, full.SupersededBy = &recorded, &newer
	full.Metadata = json.RawMessage(`{"b": 1,  "a": [null]}`)
	full.Aliases, full.Project, full.Incomplete = []string{"old-name"}, "memlog", true
	full.Links = []memory.Link{{From: id(0), To: id(3), Type: "because"}}
	full.Occurrences, full.OccurrenceCount = []memory.Occurrence{{ID: id(4), CreatedAt: noon}}, 1
	f := &fake{
		memories: append([]memory.Memory{full}, some(3, "other")[1:]...),
		asOf:     &memory.Resolved{Seq: 4, Time: noon.Add(-48 * time.Hour)},
		health: memory.HealthResult{
			Store: "/s", Version: "1", ReadOnly: "the tail is in doubt; run `memlog verify`",
			Problems: []memory.Problem{{Kind: "checksum", Segment: "0003", Offset: 12, Seq: 4,
				Detail: "wrong"}}, Notes: []string{"old"}, Seq: 9, Watermark: 7, LastWrite: noon,
			ClockSkew: 5,
		},
		records: aLog(), link: memory.Change{Seq: 4, Affected: []memory.ID{id(1), id(2)}},
		history: memory.History{ID: id(0), Versions: []memory.Version{
			{Event: "stored", Seq: 1, UntilSeq: 3, Time: noon, Client: "cli", Memory: full},
			{Event: "updated", Seq: 3, Time: noon, Session: "s", Reason: "typo", Memory: full},
		}},
		undo: memory.UndoResult{Seq: 9, Undone: []memory.UndoneCommand{
			{Seq: 8, Time: noon, Kinds: []string{"stored"}, Summary: "stored 1 memory"}},
			Affected: []memory.ID{id(1)}},
	}
	c := session(t, f, Options{})
	var b bytes.Buffer
	for _, call := range []struct{ tool, args string }{
		{"memory_store", `{"content": "x"}`},
		{"memory_store", `{"memories": [{"content": "x"}, {"content": "y"}]}`},
		{"memory_search", `{"query": "more", "since": "2025-03-01", "until": "2025-03-10",
			"as_of": "2025-03-10", "tags": ["a", "b"], "match": "all", "type": "fact",
			"explain": true}`},
		{"memory_list", `{"limit": 2, "as_of": 4, "clock": "recorded", "since": "2 days ago"}`},
		{"memory_get", `{"id": "x", "as_of": "2025-03-10"}`},
		{"memory_update", `{"id": "x", "content": "new", "remove_metadata": true}`},
		{"memory_delete", `{"ids": ["x"]}`},
		{"memory_delete", `{"tags": ["a"], "until": "2024-12-31", "dry_run": true}`},
		{"memory_history", `{"id": "x"}`},
		{"memory_undo", `{"since": "2025-03-10"}`},
		{"memory_link", `{"from": "x", "to": "y", "type": "because"}`},
		{"memory_changes", `{"since": 2}`},
		{"memory_changes", `{"since": "2 days ago", "limit": 1}`},
		{"memory_health", `{}`},
	} {
		res := callTool(t, c, call.tool, call.args)
		fmt.Fprintf(&b, "%s %s\n----\n%s\n----\n%s\n\n", call.tool, call.args, res.Text,
			res.Structured)
	}
	golden(t, "answers.txt", b.Bytes())
}
