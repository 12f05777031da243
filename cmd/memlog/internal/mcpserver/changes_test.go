package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// record makes the n-th record of a log, by a session.
func record(n int, session string, events ...memory.LogEvent) memory.LogRecord {
	return memory.LogRecord{Seq: memory.Seq(n), Time: noon.Add(time.Duration(n) * time.Minute),
		Client: "claude-code", Session: session, Project: "/p", Events: events}
}

func storedEvent(n int, content string) memory.LogEvent {
	return memory.LogEvent{Kind: "stored", Fields: map[string]any{
		"id": id(n), "content": content, "type": "fact", "version": uint64(1)}}
}

// aLog has what two windows did, beside bookkeeping and a damaged place.
func aLog() []memory.LogRecord {
	undo := record(6, "s1", memory.LogEvent{Kind: "retracted", Fields: map[string]any{"id": id(2)}},
		memory.LogEvent{Kind: "undone", Fields: map[string]any{"seqs": []uint64{3}}})
	undo.Reason = "typo"
	damaged := record(7, "s1")
	damaged.Hash = "damaged"
	// As it comes from another process.
	link := memory.LogEvent{Kind: "linked", Fields: map[string]any{
		"from": id(1).String(), "to": id(4).String(), "type": "because"}}
	return []memory.LogRecord{
		record(1, "", memory.LogEvent{Kind: "created"}),
		record(2, "s1", storedEvent(1, "first\nline")),
		record(3, "s1", storedEvent(2, "second")),
		record(4, "s2", memory.LogEvent{Kind: "deleted", Fields: map[string]any{"id": id(3)}}),
		record(5, "s2", link, memory.LogEvent{Kind: "digested"}),
		undo, damaged,
		record(8, "s2", memory.LogEvent{Kind: "embedded", Fields: map[string]any{"id": id(1)}}),
	}
}

type changesResult struct {
	Changes []struct {
		Seq    memory.Seq
		Own    bool
		Events []changeEvent
		Count  int `json:"event_count"`
	}
	Seq, Head memory.Seq
	More      bool
	Damaged   int
}

func changesOf(t *testing.T, c *Client, args string) (changesResult, []memory.Seq, string) {
	t.Helper()
	res := callTool(t, c, "memory_changes", args)
	if res.IsError {
		t.Fatalf("%s: %s", args, res.Text)
	}
	var out changesResult
	if err := json.Unmarshal(res.Structured, &out); err != nil {
		t.Fatal(err)
	}
	var seqs []memory.Seq
	for _, ch := range out.Changes {
		seqs = append(seqs, ch.Seq)
	}
	return out, seqs, res.Text
}

func TestChanges(t *testing.T) {
	f := &fake{records: aLog(), memories: some(1, "what it said")}
	f.health.Seq = 8
	c := session(t, f, Options{Session: "s1"})
	for _, tt := range []struct {
		args string
		want []memory.Seq
		seq  memory.Seq
		more bool
	}{
		{`{}`, []memory.Seq{2, 3, 4, 5, 6}, 8, false},
		{`{"since": 0}`, []memory.Seq{2, 3, 4, 5, 6}, 8, false},
		{`{"since": "#3"}`, []memory.Seq{4, 5, 6}, 8, false},
		{`{"after_seq": "3"}`, []memory.Seq{4, 5, 6}, 8, false},
		{`{"since": 3, "limit": 2}`, []memory.Seq{4, 5}, 5, true},
		{`{"since": 8}`, nil, 8, false},
		{`{"session": "s2"}`, []memory.Seq{4, 5}, 8, false},
		{`{"session": "current"}`, []memory.Seq{2, 3, 6}, 8, false},
		{`{"others": true}`, []memory.Seq{4, 5}, 8, false},
		{`{"limit": 4}`, []memory.Seq{5, 6}, 8, false},
	} {
		out, got, text := changesOf(t, c, tt.args)
		if !slices.Equal(got, tt.want) || out.Seq != tt.seq || out.More != tt.more || out.Head != 8 {
			t.Errorf("%s: changes %v up to %d of %d, more %v\n%s", tt.args, got, out.Seq, out.Head,
				out.More, text)
		}
	}
	out, _, text := changesOf(t, c, `{"since": 3}`)
	if got := out.Changes[0].Events[0]; got.Content != "what it said" || got.Event != "deleted" {
		t.Errorf("a deletion shows %+v", got)
	}
	if got := out.Changes[1].Events[0]; got.ID != id(1).String() || got.To != id(4).String() ||
		got.Link != "because" {
		t.Errorf("a link shows %+v", got)
	}
	if out.Damaged != 1 || out.Changes[0].Own || !out.Changes[2].Own {
		t.Errorf("%+v", out)
	}
	if n := strings.Count(text, "claude-code · session s2 · in /p:"); n != 1 {
		t.Errorf("who did it is said %d times for a row of changes:\n%s", n, text)
	}
	for _, want := range []string{"this session", "took back seq 3", "reason: typo", "cannot be read",
		"up to seq 8"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Asking again with the seq of each answer shows every change once, however small the budget.
func TestChangesGoOn(t *testing.T) {
	f := &fake{}
	for n := range 300 {
		f.records = append(f.records, record(n+1, fmt.Sprint("s", n%3),
			storedEvent(n, strings.Repeat("wörter \"", 200))))
	}
	f.health.Seq = 300
	c := session(t, f, Options{})
	var all []memory.Seq
	since := memory.Seq(0)
	for calls := 0; ; calls++ {
		out, seqs, text := changesOf(t, c, fmt.Sprintf(
			`{"since": %d, "limit": 100, "max_tokens": 500}`, since))
		if n := len(text); n > 500*bytesPerToken {
			t.Fatalf("a text of %d bytes", n)
		}
		all = append(all, seqs...)
		if since = out.Seq; !out.More {
			break
		}
		if calls > 300 {
			t.Fatal("it does not end")
		}
	}
	for i, n := range all {
		if n != memory.Seq(i+1) {
			t.Fatalf("%d. is change %d", i+1, n)
		}
	}
	if len(all) != 300 {
		t.Errorf("%d of 300 changes", len(all))
	}
}

func TestLargeChangeIsShortened(t *testing.T) {
	var events []memory.LogEvent
	for n := range 500 {
		events = append(events, storedEvent(n, "x"))
	}
	f := &fake{records: []memory.LogRecord{record(1, "s", events...)}}
	f.health.Seq = 1
	out, _, text := changesOf(t, session(t, f, Options{}), `{"since": 0}`)
	if got := out.Changes[0]; len(got.Events) != maxEvents || got.Count != 500 ||
		!strings.Contains(text, "and 490 more") {
		t.Errorf("%d of %d events shown\n%s", len(got.Events), got.Count, text)
	}
}

// An answer is made of no more than it can read in a moment; the next call goes on behind it.
func TestChangesAreReadInParts(t *testing.T) {
	events := make([]memory.LogEvent, 600)
	for n := range events {
		events[n] = storedEvent(n, "x")
	}
	f := &fake{}
	for n := range 20 {
		f.records = append(f.records, record(n+1, "s", events...))
	}
	for n := range maxRead {
		f.records = append(f.records, record(n+21, "s2", memory.LogEvent{Kind: "digested"}))
	}
	f.health.Seq = memory.Seq(len(f.records))
	c := session(t, f, Options{})
	var ends []memory.Seq
	for since, more := memory.Seq(0), true; more; {
		out, _, _ := changesOf(t, c, fmt.Sprintf(`{"since": %d}`, since))
		since, more = out.Seq, out.More
		ends = append(ends, since)
	}
	// 17 records are 10,200 events, 3 are 1,800.
	want := []memory.Seq{17, 20 + maxRead - 1800, maxRead + 20}
	if !slices.Equal(ends, want) {
		t.Errorf("the answers end at %v, want %v", ends, want)
	}
}

func TestChangesFail(t *testing.T) {
	f := &fake{records: aLog()}
	f.health.Seq = 8
	c := session(t, f, Options{})
	if res := callTool(t, c, "memory_changes", `{"since": 9}`); !res.IsError ||
		!strings.Contains(res.Text, "seq 9 is beyond the last change, 8") {
		t.Errorf("a seq of another store: %s", res.Text)
	}
	f.records = []memory.LogRecord{record(1, "s", memory.LogEvent{Kind: "deleted",
		Fields: map[string]any{"id": id(1)}})}
	f.health.Seq, f.failGet = 1, memory.Errorf(memory.CodeBusy, "busy")
	if res := callTool(t, c, "memory_changes", `{}`); !res.IsError {
		t.Errorf("what could not be looked up is left out: %s", res.Text)
	}
	f.failGet = memory.Errorf(memory.CodeNotFound, "gone")
	if res := callTool(t, c, "memory_changes", `{}`); res.IsError {
		t.Errorf("a memory that is gone: %s", res.Text)
	}
}

func TestLink(t *testing.T) {
	f := &fake{link: memory.Change{Seq: 4, Affected: []memory.ID{id(1), id(2)}}}
	c := session(t, f, Options{})
	for _, tt := range []struct{ args, want string }{
		{`{"source": "a", "target": "b", "relation": "because"}`, "Linked a -because-> b, seq 4."},
		{`{"from": "a", "to": "b", "type": "because", "remove": true}`, "Took away a -because-> b"},
	} {
		if res := callTool(t, c, "memory_link", tt.args); !strings.Contains(res.Text, tt.want) {
			t.Errorf("%s: %s", tt.args, res.Text)
		}
	}
	got := f.last(t).(memory.LinkRequest)
	if got.From != "a" || got.To != "b" || got.Type != "because" || !got.Remove ||
		got.Origin.RequestID == "" {
		t.Errorf("asked %+v", got)
	}
	f.link = memory.Change{}
	res := callTool(t, c, "memory_link", `{"from": "a", "to": "b", "type": "t"}`)
	if !strings.Contains(res.Text, "there already") || res.IsError {
		t.Errorf("a link that is there: %s", res.Text)
	}
}

// A client that asks for progress hears of a call under way, with a number that only goes up, and
// nothing after the answer; one that does not ask hears nothing.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{gate: make(chan struct{}), memories: some(1, "x")}
		in, out := serve(t, f, Options{})
		heard := make(chan *mcp.ProgressNotificationParams, 1000)
		client := mcp.NewClient(&mcp.Implementation{Name: "p", Version: "1"}, &mcp.ClientOptions{
			ProgressNotificationHandler: func(
				_ context.Context, r *mcp.ProgressNotificationClientRequest,
			) {
				heard <- r.Params
			},
		})
		s, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: out, Writer: in}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		call := func(token any, takes time.Duration) {
			p := &mcp.CallToolParams{Name: "memory_search", Arguments: map[string]any{"query": "x"}}
			if token != nil {
				p.SetProgressToken(token)
			}
			go func() {
				time.Sleep(takes)
				f.gate <- struct{}{}
			}()
			if _, err := s.CallTool(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		call("tok", 3*progressEvery+progressEvery/2)
		if len(heard) != 3 {
			t.Fatalf("heard %d times", len(heard))
		}
		for last := 0.0; len(heard) > 0; {
			p := <-heard
			if p.Progress <= last || p.ProgressToken != "tok" || p.Message == "" {
				t.Errorf("progress %+v after %v", p, last)
			}
			last = p.Progress
		}
		call("tok", progressEvery/2) // soon
		call(nil, 5*progressEvery)
		if len(heard) > 0 {
			t.Errorf("progress that is not due: %+v", <-heard)
		}
	})
}
