package mcpserver

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
)

// withoutOrigin makes requests comparable.
var withoutOrigin = cmp.Transformer("origin", func(memory.Origin) string { return "" })

func endOf(y int, m time.Month, d int) time.Time {
	return startOf(y, m, d+1).Add(-time.Microsecond)
}

func startOf(y int, m time.Month, d int) time.Time {
	return time.Date(y, m, d, 0, 0, 0, 0, noon.Location())
}

func searchWith(edit func(*memory.SearchRequest)) memory.SearchRequest {
	r := memory.SearchRequest{Query: "x", Limit: memory.DefaultLimit}
	edit(&r)
	return r
}

func storeOf(m ...memory.NewMemory) memory.StoreRequest {
	return memory.StoreRequest{Memories: m}
}

var ab = []string{"a", "b"}

// understood are names and forms that agents get wrong, and what reaches the service.
var understood = []struct {
	tool, args string
	want       any
}{
	{"memory_search", `{"q": "x"}`, searchWith(func(*memory.SearchRequest) {})},
	{"memory_search", `{"text": "x", "k": 3}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 3 })},
	{"memory_search", `{"query": "x", "nResults": "3"}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 3 })},
	{"memory_search", `{"query": "x", "n": 3.0, "type": null, "since": null}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 3 })},
	{"memory_search", `{"query": "x", "limit": 10000}`, searchWith(func(r *memory.SearchRequest) {
		r.Limit = DefaultMaxTokens * bytesPerToken / minEntryBytes
	})},
	{"memory_search", `{"query": "x", "tag": "a, b", "match": "ALL"}`,
		searchWith(func(r *memory.SearchRequest) { r.Filter.Tags, r.Filter.Match = ab, "all" })},
	{"memory_search", `{"query": "x", "tags": ["a", "b"], "memory_type": "fact"}`,
		searchWith(func(r *memory.SearchRequest) { r.Filter.Tags, r.Filter.Type = ab, "fact" })},
	{"memory_search", `{"query": "x", "tags": "[\"a\", \"b\"]", "explain": "true"}`,
		searchWith(func(r *memory.SearchRequest) { r.Filter.Tags, r.Explain = ab, true })},
	{"memory_search", `{"query": "x", "after": "2025-01-25", "before": "2025-01-26"}`,
		searchWith(func(r *memory.SearchRequest) {
			r.Filter.Since, r.Filter.Until = startOf(2025, 1, 25), endOf(2025, 1, 25)
		})},
	{"memory_search", `{"query": "x", "end_date": "2025-01-26"}`,
		searchWith(func(r *memory.SearchRequest) { r.Filter.Until = endOf(2025, 1, 26) })},
	{"memory_search", `{"query": "x", "as_of": "2025-01-25", "mode": "exact",
			"clock": "recorded", "project": "p"}`, searchWith(func(r *memory.SearchRequest) {
		r.AsOf.Time, r.Mode = endOf(2025, 1, 25), "exact"
		r.Filter.Clock, r.Filter.Project = "recorded", "p"
	})},
	{"memory_search", `{"query": "x", "asOf": 118}`,
		searchWith(func(r *memory.SearchRequest) { r.AsOf.Seq = 118 })},
	{"memory_search", `{"query": "x", "as_of": "seq:118"}`,
		searchWith(func(r *memory.SearchRequest) { r.AsOf.Seq = 118 })},
	{"memory_search", `{"query": "x", "as_of": " #2025 "}`,
		searchWith(func(r *memory.SearchRequest) { r.AsOf.Seq = 2025 })},
	{"memory_search", `{"query": "x", "as_of": "118"}`,
		searchWith(func(r *memory.SearchRequest) { r.AsOf.Seq = 118 })},
	{"memory_search", `{"query": "x", "as_of": "2024"}`,
		searchWith(func(r *memory.SearchRequest) { r.AsOf.Time = endOf(2024, 12, 31) })},
	{"memory_list", `{"include-deleted": true, "page_token": "1"}`,
		memory.ListRequest{IncludeDeleted: true, Limit: memory.DefaultLimit, Cursor: "1"}},
	{"memory_get", `{"memory_id": "x"}`, memory.GetRequest{ID: "x", IncludeDeleted: true}},
	{"memory_history", `{"uuid": "x"}`, "x"},
	{"memory_history", `{"content_hash": "x"}`, "x"},
	{"memory_store", `{"text": " x\u0000\n", "tag": "a"}`,
		storeOf(memory.NewMemory{Content: " x\x00\n", Tags: []string{"a"}})},
	{"memory_store", `{"memory": "x", "created": "2025-01-25", "metadata": {"b":[1e400]}}`,
		storeOf(memory.NewMemory{Content: "x", Tags: []string{}, CreatedAt: startOf(2025, 1, 25),
			Metadata: json.RawMessage(`{"b":[1e400]}`)})},
	{"memory_store", `{"memories": ["x", {"text": "y", "type": "fact", "tags": "b"}],
			"tags": "a", "type": "todo", "project": "p", "created_at": "@0"}`,
		storeOf(
			memory.NewMemory{Content: "x", Tags: []string{"a"}, Type: "todo", Project: "p",
				CreatedAt: time.Unix(0, 0)},
			memory.NewMemory{Content: "y", Tags: ab, Type: "fact", Project: "p",
				CreatedAt: time.Unix(0, 0)})},
	{"memory_store", `{"items": "[{\"content\": \"x\"}]"}`,
		storeOf(memory.NewMemory{Content: "x", Tags: []string{}})},
	{"memory_store", `{"memories": {"content": "x"}}`,
		storeOf(memory.NewMemory{Content: "x", Tags: []string{}})},
	{"memory_update", `{"memory_id": "x", "tags": [], "type": "", "metadata": 5,
			"expected_version": 2}`, memory.UpdateRequest{ID: "x", Tags: &[]string{},
		Type: new(""), Metadata: json.RawMessage("5"), IfVersion: 2}},
	{"memory_update", `{"id": "x", "text": "y", "remove_metadata": true, "metadata": null}`,
		memory.UpdateRequest{ID: "x", Content: new("y"), Metadata: json.RawMessage("null")}},
	{"memory_delete", `{"memory_id": "x", "if_version": 2}`,
		memory.DeleteRequest{IDs: []string{"x"}, IfVersion: 2}},
	{"memory_delete", `{"ids": ["x", "y"], "dryRun": true}`,
		memory.DeleteRequest{IDs: []string{"x", "y"}, DryRun: true}},
	{"memory_delete", `{"tags": ["a", "b"]}`,
		memory.DeleteRequest{Filter: memory.Filter{Tags: ab}}},
	{"memory_undo", `{}`, memory.UndoRequest{}},
	{"memory_undo", `{"seq": 9007199254740991, "force": true}`,
		memory.UndoRequest{Seq: 9007199254740991, Force: true}},
	{"memory_undo", `{"after": "2025-01-25", "dry_run": "True"}`,
		memory.UndoRequest{Since: startOf(2025, 1, 25), DryRun: true}},
	{"memory_health", `null`, "health"},
}

func TestUnderstood(t *testing.T) {
	for _, tt := range understood {
		t.Run(tt.tool+tt.args, func(t *testing.T) {
			f := &fake{memories: some(2, "x")}
			res := callTool(t, session(t, f, Options{}), tt.tool, tt.args)
			if res.IsError {
				t.Fatal(res.Text)
			}
			if d := cmp.Diff(tt.want, f.last(t), withoutOrigin); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

// refused are arguments that cannot be understood, and what the error says.
var refused = []struct{ tool, args, want string }{
	{"memory_search", `{}`, "query: is missing"},
	{"memory_search", `{"query": null}`, "query: is missing"},
	{"memory_search", `{"query": " "}`, "query: is empty"},
	{"memory_search", `{"query": 5}`, "query: want a string, not 5"},
	{"memory_search", `{"query": "x", "colour": 1}`,
		"colour: unknown argument; allowed are: query, tags"},
	{"memory_search", `{"query": "x", "q": "y"}`,
		`query: given twice, as "query" and as "q"`},
	{"memory_search", `{"query": "x", "query": "y"}`, "query: given twice"},
	{"memory_search", `{"query": "x", "limit": 0}`,
		"limit: want a whole number from 1 to 10000, not 0"},
	{"memory_search", `{"query": "x", "limit": "ten"}`, "limit: want a whole number"},
	{"memory_search", `{"query": "x", "limit": 1.5}`, "limit: want a whole number"},
	{"memory_search", `{"query": "x", "limit": 1e300}`, "limit: want a whole number"},
	{"memory_search", `{"query": "x", "limit": [3]}`, "not a list"},
	{"memory_search", `{"query": "x", "max_tokens": 10}`,
		"max_tokens: want a whole number from 500"},
	{"memory_search", `{"query": "x", "since": "soonish"}`, "since: "},
	{"memory_search", `{"query": "x", "since": ""}`, "since: "},
	{"memory_search", `{"query": "x", "since": 1700000000}`, "since: want a string"},
	{"memory_search", `{"query": "x", "until": "03/04/2024"}`, "until: "},
	{"memory_search", `{"query": "x", "since": "2025-02-01", "until": "2025-01-01"}`,
		"is before since"},
	{"memory_search", `{"query": "x", "as_of": -5}`,
		"as_of: want a time or a sequence number"},
	{"memory_search", `{"query": "x", "as_of": "seq:0"}`,
		"as_of: not a sequence number"},
	{"memory_search", `{"query": "x", "as_of": "#x"}`,
		"as_of: not a sequence number"},
	{"memory_search", `{"query": "x", "as_of": true}`,
		"as_of: want a time or a sequence number"},
	{"memory_search", `{"query": "x", "match": "some"}`, "match: want one of any, all"},
	{"memory_search", `{"query": "x", "mode": "best"}`, "mode: want one of hybrid, vector"},
	{"memory_search", `{"query": "x", "tags": [1]}`, "tags[0]: want a string, not 1"},
	{"memory_search", `{"query": "x", "tags": {"a": 1}}`,
		"tags: want a list of strings, not an object"},
	{"memory_search", `{"query": "x", "tags": []}`, "tags: is empty"},
	{"memory_search", `{"query": "x", "tags": ","}`, "tags: is empty"},
	{"memory_search", `{"query": "x", "type": ""}`, "type: is empty"},
	{"memory_search", `{"query": "x", "explain": 1}`, "explain: want true or false"},
	{"memory_search", `["x"]`, "arguments: want an object, not a list"},
	{"memory_search", `"x"`, "arguments: want an object"},
	{"memory_search", `{"query": "\ud800 x"}`, `\ud800 is half a character`},
	{"memory_search", `{"query": "\ude00\ud83d"}`, `\ude00 is half a character`},
	{"memory_list", `{"cursor": ""}`, "cursor: is empty"},
	{"memory_get", `{"id": "x", "offset": 99}`, "offset: 99 is not the start of a part"},
	{"memory_get", `{"ids": ["x"]}`, "ids: unknown argument"},
	{"memory_store", `{}`, "content: give either content or memories"},
	{"memory_store", `{"content": "x", "memories": ["y"]}`, "content: give either"},
	{"memory_store", `{"memories": []}`, "memories: is empty"},
	{"memory_store", `{"memories": [5]}`, "memories[0]: want an object, not 5"},
	{"memory_store", `{"memories": ["x", {"tags": "a"}]}`, "memories[1].content: is missing"},
	{"memory_store", `{"memories": [{"content": "x", "colour": 1}]}`,
		"memories[0].colour: unknown"},
	{"memory_store", `{"memories": [{"content": "x", "created_at": "?"}]}`,
		"memories[0].created_at: "},
	{"memory_store", `{"content": "x", "created_at": "sometime"}`, "created_at: "},
	{"memory_update", `{"id": "x"}`, "arguments: nothing to change was given"},
	{"memory_update", `{"id": "x", "metadata": null}`, "nothing to change was given"},
	{"memory_update", `{"id": "x", "metadata": 1, "remove_metadata": true}`,
		"given together"},
	{"memory_delete", `{}`, "ids: neither ids nor a filter"},
	{"memory_delete", `{"match": "all"}`, "ids: neither ids nor a filter"},
	{"memory_delete", `{"ids": []}`, "ids: is empty"},
	{"memory_delete", `{"tags": []}`, "name what to delete by; nothing was deleted"},
	{"memory_delete", `{"ids": ["x"], "tags": ["a"]}`, "ids: given together with filters"},
	{"memory_delete", `{"tags": ["a"], "if_version": 1}`, "if_version: needs exactly one id"},
	{"memory_link", `{"from": "x", "to": "y"}`, "type: is missing"},
	{"memory_changes", `{"since": -1}`, "since: want a time or a sequence number"},
	{"memory_changes", `{"session": ""}`, "session: is empty"},
	{"memory_changes", `{"session": "s", "others": true}`, "others: given together with session"},
	{"memory_undo", `{"seq": 1, "last": 2}`, "last: given together with seq"},
	{"memory_undo", `{"seq": 0}`, "seq: want a whole number from 1"},
	{"memory_undo", `{"session": ""}`, "session: is empty"},
}

// What cannot be understood is an error that names the argument and says what is allowed, and
// nothing reaches the service.
func TestRefused(t *testing.T) {
	for _, tt := range refused {
		t.Run(tt.tool+tt.args, func(t *testing.T) {
			f := &fake{memories: some(1, "x")}
			res := callTool(t, session(t, f, Options{}), tt.tool, tt.args)
			if !res.IsError || !strings.Contains(res.Text, tt.want) ||
				!strings.Contains(res.Text, "\nNext: ") {
				t.Errorf("%+v, want %q", res, tt.want)
			}
			if n := f.count(); n > 0 && tt.tool != "memory_get" && tt.tool != "memory_changes" {
				t.Errorf("the service was asked %d times", n)
			}
		})
	}
}

func TestHostileArguments(t *testing.T) {
	f := &fake{}
	c := session(t, f, Options{})
	store := func(content string) (memory.StoreRequest, CallResult) {
		res := callTool(t, c, "memory_store", fmt.Sprintf(`{"content": %s}`, content))
		if res.IsError {
			return memory.StoreRequest{}, res
		}
		return f.last(t).(memory.StoreRequest), res
	}
	// Limits are the service's: it must see what was given, and all of it.
	big := strings.Repeat("äx", 5<<20/3*2)
	if r, _ := store(`"` + big + `"`); r.Memories[0].Content != big {
		t.Errorf("content of %d bytes arrived as %d", len(big), len(r.Memories[0].Content))
	}
	if r, _ := store(`"\u0000\u001f\ud83d\ude00\\ud800"`); r.Memories[0].Content !=
		"\x00\x1f\U0001F600\\ud800" {
		t.Errorf("content %q", r.Memories[0].Content)
	}
	deep := strings.Repeat("[", 900) + strings.Repeat("]", 900)
	callTool(t, c, "memory_store", `{"content": "x", "metadata": `+deep+`}`)
	if got := f.last(t).(memory.StoreRequest).Memories[0].Metadata; string(got) != deep {
		t.Errorf("metadata of depth 900 arrived as %d bytes", len(got))
	}
	n := f.count()
	long := strings.Repeat("z", 1<<20)
	for _, args := range []string{
		`{"content": ` + deep + `}`, `{"` + long + `": 1}`, `{"limit": "` + long + `"}`,
		`{"content": {"content": "x"}}`, `{"memories": ` + deep + `}`,
	} {
		if res := callTool(t, c, "memory_store", args); !res.IsError || len(res.Text) > 2000 {
			t.Errorf("%s…: isError %v, %d bytes", args[:20], res.IsError, len(res.Text))
		}
	}
	if f.count() != n {
		t.Error("the service was asked")
	}
}

func TestInvalidUTF8IsRefused(t *testing.T) {
	if _, err := decode([]byte("{\"content\": \"\xff\"}"), storeTool().params); err == nil {
		t.Error("bytes that are no UTF-8 were taken")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"content": "\ud83d\ude00", "tags": "a, b", "metadata": {"a": [1]}}`))
	f.Add([]byte(`{"memories": ["x", {"text": "y"}], "createdAt": "@0"}`))
	f.Add([]byte(`{"memories": "[\"x\"]", "tags": "[1]"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			t.Skip("the transport passes valid JSON only")
		}
		for _, tool := range append(tools(), oldTools()...) {
			a, err := decode(raw, tool.params)
			if err == nil {
				for name := range a {
					if _, ok := find(tool.params, name); !ok {
						t.Errorf("%s: argument %q is none of its own", tool.name, name)
					}
				}
			}
			if err != nil && memory.CodeOf(err) != memory.CodeInvalid {
				t.Errorf("%s: %v has code %s", tool.name, err, memory.CodeOf(err))
			}
		}
	})
}
