package mcpserver

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// theHash is the hash of the content "X " by the rules of mcp-memory-service.
const theHash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

func listWith(edit func(*memory.ListRequest)) memory.ListRequest {
	r := memory.ListRequest{Limit: memory.DefaultLimit}
	edit(&r)
	return r
}

func deleteWith(f memory.Filter) memory.DeleteRequest { return memory.DeleteRequest{Filter: f} }

// most is the limit of a list of which no more could be shown.
const most = DefaultMaxTokens * bytesPerToken / minEntryBytes

// answered are calls as clients of mcp-memory-service make them, and what reaches the service.
var answered = []struct {
	tool, args string
	want       any
}{
	{"store_memory", `{"content": "X ", "metadata": {"tags": "a, b", "type": "fact", "k": [1e400]}}`,
		storeOf(memory.NewMemory{Content: "X ", Tags: ab, Type: "fact",
			Metadata: json.RawMessage(`{"k":[1e400]}`), Aliases: []string{theHash}})},
	{"store_memory", `{"content": "X ", "tags": ["a"], "memory_type": "note",
			"metadata": "{\"tags\": [\"b\"], \"type\": \"other\"}", "client_hostname": "h"}`,
		storeOf(memory.NewMemory{Content: "X ", Tags: ab, Type: "note",
			Metadata: json.RawMessage(`{"hostname":"h","type":"other"}`), Aliases: []string{theHash}})},
	{"store_memory", `{"content": "X ", "metadata": {"z":1,"a":1e400,"a":2}}`,
		storeOf(memory.NewMemory{Content: "X ", Tags: []string{},
			Metadata: json.RawMessage(`{"z":1,"a":1e400,"a":2}`), Aliases: []string{theHash}})},
	{"memory_store", `{"content": "X ", "conversation_id": "c1"}`,
		storeOf(memory.NewMemory{Content: "X ", Tags: []string{},
			Metadata: json.RawMessage(`{"conversation_id":"c1"}`), Aliases: []string{theHash}})},
	{"memory_store_session", `{"turns": [{"role": "user", "content": "q"},
			{"role": "assistant", "content": "a"}], "session_id": "s", "tags": "a"}`,
		storeOf(memory.NewMemory{Content: "user: q\nassistant: a", Tags: []string{"a", "session:s"}})},
	{"retrieve_memory", `{"query": "x", "similarity_threshold": 0.0}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 5 })},
	{"dashboard_retrieve_memory", `{"query": "x", "n_results": 7}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 7 })},
	{"debug_retrieve", `{"query": "x", "min_similarity": "0"}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit, r.Explain = 5, true })},
	{"retrieve_with_quality_boost", `{"query": "x", "n_results": 3}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 3 })},
	{"exact_match_retrieve", `{"content": "x"}`,
		searchWith(func(r *memory.SearchRequest) { r.Mode = "exact" })},
	{"recall_memory", `{"query": "what did we say about x from two months ago?", "n_results": 3}`,
		searchWith(func(r *memory.SearchRequest) {
			r.Limit = 3
			r.Query = "say about x"
			r.Filter.Since, r.Filter.Until = startOf(2025, 1, 1), endOf(2025, 1, 31)
		})},
	{"recall_memory", `{"query": "recall what I stored yesterday"}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit = 5
			r.Filter.Since, r.Filter.Until = startOf(2025, 3, 11), endOf(2025, 3, 11)
		})},
	{"recall_memory", `{"query": "budget 2025"}`, searchWith(func(r *memory.SearchRequest) {
		r.Limit, r.Query = 5, "budget 2025"
	})},
	{"dashboard_recall_memory", `{"query": "x"}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 5 })},
	{"search_by_tag", `{"tags": ["a", "b"]}`, listWith(func(r *memory.ListRequest) {
		r.Limit, r.Filter.Tags = most, ab
	})},
	{"search_by_tag", `{"tags": "a,b", "operation": "AND", "time_start": "2025-01-25"}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit, r.Filter.Tags, r.Filter.Match = most, ab, "all"
			r.Filter.Since = startOf(2025, 1, 25)
		})},
	{"dashboard_search_by_tag", `{"tags": ["a", "b"], "match_all": true, "n_results": 2}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit, r.Filter.Tags, r.Filter.Match = 2, ab, "all"
		})},
	{"recall_by_timeframe", `{"start_date": "2025-01-25", "end_date": "2025-01-26"}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit, r.Filter.Since, r.Filter.Until = 5, startOf(2025, 1, 25), endOf(2025, 1, 26)
		})},
	{"search_by_time", `{"query": "yesterday", "n_results": 2}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit, r.Filter.Since, r.Filter.Until = 2, startOf(2025, 3, 11), endOf(2025, 3, 11)
		})},
	{"list_memories", `{"page": 1, "page_size": 2, "tag": "a", "memory_type": "fact"}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit, r.Filter.Tags, r.Filter.Type = 2, []string{"a"}, "fact"
		})},
	{"memory_list", `{"page": 3, "page_size": 2}`,
		listWith(func(r *memory.ListRequest) { r.Limit, r.Cursor = 2, "4" })},
	{"get_memory", `{"content_hash": "x"}`, memory.GetRequest{ID: "x", IncludeDeleted: true}},
	{"delete_memory", `{"content_hash": "x"}`, memory.DeleteRequest{IDs: []string{"x"}}},
	{"dashboard_delete_memory", `{"memory_id": "x"}`, memory.DeleteRequest{IDs: []string{"x"}}},
	{"memory_delete", `{"content_hash": "x"}`, memory.DeleteRequest{IDs: []string{"x"}}},
	{"memory_delete", `{"before": "2025-01-25"}`,
		deleteWith(memory.Filter{Until: endOf(2025, 1, 24)})},
	{"delete_by_tag", `{"tag": "a"}`, deleteWith(memory.Filter{Tags: []string{"a"}})},
	{"delete_by_tags", `{"tags": ["a", "b"]}`, deleteWith(memory.Filter{Tags: ab})},
	{"delete_by_all_tags", `{"tags": ["a", "b"]}`,
		deleteWith(memory.Filter{Tags: ab, Match: "all"})},
	{"delete_by_timeframe", `{"start_date": "2025-01-25", "end_date": "2025-01-26", "tag": "a"}`,
		deleteWith(memory.Filter{Tags: []string{"a"}, Since: startOf(2025, 1, 25),
			Until: endOf(2025, 1, 26)})},
	{"delete_before_date", `{"before_date": "2025-01-25"}`,
		deleteWith(memory.Filter{Until: endOf(2025, 1, 24)})},
	{"update_memory_metadata", `{"content_hash": "x", "updates": {"tags": "a,b",
			"memory_type": "note", "metadata": {"p": "high"}, "category": "c"},
			"preserve_timestamps": true}`,
		memory.UpdateRequest{ID: "x", Tags: &ab, Type: new("note"), IfVersion: 1,
			Metadata: json.RawMessage(`{"category":"c","old":1,"p":"high"}`)}},
	{"memory_update", `{"content_hash": "x", "updates": {"tags": ["a", "b"]}}`,
		memory.UpdateRequest{ID: "x", Tags: &ab}},
	{"rate_memory", `{"content_hash": "x", "rating": "-1", "feedback": "stale"}`,
		memory.UpdateRequest{ID: "x", IfVersion: 1,
			Metadata: json.RawMessage(`{"old":1,"user_feedback":"stale","user_rating":-1}`)}},
	{"cleanup_duplicates", `{}`, memory.DuplicatesRequest{Merge: true, Threshold: 1}},
	{"memory_cleanup", `{"dry_run": true}`,
		memory.DuplicatesRequest{Merge: true, Threshold: 1, DryRun: true}},
	{"check_database_health", `{}`, "health"}, {"dashboard_check_health", `{}`, "health"},
	{"dashboard_get_stats", `{}`, "health"}, {"get_stats", `{}`, "health"}, {"memory_stats", `{}`, "health"},
	{"memory_search", `{"query": "x", "mode": "semantic", "limit": 4}`,
		searchWith(func(r *memory.SearchRequest) { r.Limit = 4 })},
	{"memory_search", `{"query": "x", "time_expr": "yesterday", "quality_boost": 0,
			"include_debug": true, "mode": "exact", "max_response_chars": 4000}`,
		searchWith(func(r *memory.SearchRequest) {
			r.Mode, r.Explain = "exact", true
			r.Filter.Since, r.Filter.Until = startOf(2025, 3, 11), endOf(2025, 3, 11)
		})},
	{"memory_search", `{"time_expr": "yesterday", "limit": 4}`,
		listWith(func(r *memory.ListRequest) {
			r.Limit, r.Filter.Since, r.Filter.Until = 4, startOf(2025, 3, 11), endOf(2025, 3, 11)
		})},
	{"search_memories", `{"query": "x"}`, searchWith(func(*memory.SearchRequest) {})},
}

func TestOldNames(t *testing.T) {
	for _, tt := range answered {
		t.Run(tt.tool+tt.args, func(t *testing.T) {
			f := &fake{memories: some(6, "y")}
			f.memories[0].Metadata = json.RawMessage(`{"old":1}`)
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

func TestOldNamesRefuse(t *testing.T) {
	for _, tt := range []struct{ tool, args, want string }{
		{"retrieve_memory", `{"query": "x", "similarity_threshold": 0.7}`,
			"similarity_threshold: scores here"},
		{"retrieve_memory", `{}`, "query: is missing"},
		{"retrieve_memory", `{"query": "x", "colour": 1}`, "colour: unknown argument"},
		{"memory_search", `{"query": "x", "quality_boost": 0.3}`, "memory_search: quality_boost: "},
		{"memory_search", `{"query": "x", "entity": "e"}`, "neither entities"},
		{"memory_search", `{"query": "x", "time_expr": "soonish"}`, "time_expr: "},
		{"memory_search", `{"query": "x", "time_expr": "today", "after": "2025-01-25"}`,
			"given together"},
		{"search_by_tag", `{}`, "tags: is missing"},
		{"search_by_time", `{}`, "start_date: is missing"},
		{"list_memories", `{"page": 4, "page_size": 2}`, "the last page is 3"},
		{"list_memories", `{"stale_days": 3}`, "stale_days: "},
		{"delete_memory", `{}`, "ids: is missing"},
		{"delete_by_tag", `{}`, "tags: is missing"},
		{"delete_by_tags", `{"tags": []}`, "tags: is empty"},
		{"delete_by_all_tags", `{"match": "any"}`, "tags: is missing"},
		{"delete_by_timeframe", `{"tag": "a"}`, "since: is missing"},
		{"delete_before_date", `{"tag": "a"}`, "until: is missing"},
		{"delete_before_date", `{"before_date": "soonish"}`, "until: "},
		{"update_memory_metadata", `{"content_hash": "x"}`, "updates: is missing"},
		{"update_memory_metadata", `{"content_hash": "x", "updates": {"created_at": 1}}`,
			"times are kept"},
		{"update_memory_metadata", `{"content_hash": "x", "updates": []}`, "want an object"},
		{"update_memory_metadata", `{"content_hash": "x", "updates": {"a": 1},
				"preserve_timestamps": false}`, "preserve_timestamps: "},
		{"rate_memory", `{"content_hash": "x", "rating": 5}`, "want a whole number from -1 to 1"},
		{"memory_store_session", `{"turns": []}`, "turns: want a list"},
		{"ingest_document", `{"file_path": "/etc/passwd"}`, "memlog import"},
		{"consolidate_memories", `{}`, "memory_update"},
	} {
		t.Run(tt.tool+tt.args, func(t *testing.T) {
			f := &fake{memories: some(6, "y")}
			res := callAny(t, session(t, f, Options{}), tt.tool, tt.args)
			if !res.IsError || !strings.Contains(res.Text, tt.want) ||
				!strings.Contains(res.Text, "\nNext: ") {
				t.Errorf("%+v, want %q", res, tt.want)
			}
			if n := f.count(); n > 0 && tt.tool != "list_memories" {
				t.Errorf("the service was asked %d times", n)
			}
		})
	}
}

// callAny calls a tool that need not have an output schema.
func callAny(t *testing.T, c *Client, name, args string) CallResult {
	t.Helper()
	raw, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{
		Name: name, Arguments: json.RawMessage(args)})
	if err != nil {
		t.Fatalf("call %s: %v", name, err)
	}
	res, err := result(raw)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Where a search becomes a list, the answer is still that of a search: a client has its schema.
func TestListedHits(t *testing.T) {
	f := &fake{memories: some(6, "y")}
	res := callTool(t, session(t, f, Options{}), "memory_search", `{"time_expr": "today", "limit": 4}`)
	var out struct {
		Hits  []entry
		Found int
		Next  string
	}
	if err := json.Unmarshal(res.Structured, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Hits) != 4 || out.Found != 4 || !strings.Contains(out.Next, `cursor "4"`) ||
		!strings.Contains(res.Text, "6 memories in all") {
		t.Errorf("%s\n%s", res.Structured, res.Text)
	}
}

// The names are answered in every revision of the protocol, and listed in none; and what names
// another tool names one that there is.
func TestOldNamesAreNotListed(t *testing.T) {
	listed := map[string]bool{}
	for _, tool := range tools() {
		listed[tool.name] = true
	}
	seen := map[string]bool{}
	for _, tool := range oldTools() {
		if listed[tool.name] || seen[tool.name] {
			t.Errorf("%s is there twice", tool.name)
		}
		seen[tool.name] = true
	}
	for instead, names := range gone {
		found := strings.Contains(instead, "memlog ")
		for tool := range listed {
			found = found || strings.Contains(instead, tool)
		}
		if !found {
			t.Errorf("no tool in %q", instead)
		}
		for _, name := range names {
			if listed[name] || seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
	}
	for name, both := range theirs {
		if !listed[name] || !seen[both.as] {
			t.Errorf("%s is answered as %s", name, both.as)
		}
	}
	for _, v := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
		c := sessionAt(t, &fake{memories: some(1, "x")}, Options{}, v)
		list, err := c.Tools(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != len(listed) {
			t.Errorf("%s: %d tools are listed of %d", v, len(list), len(listed))
		}
		if res := callTool(t, c, "retrieve_memory", `{"query": "x"}`); res.IsError {
			t.Errorf("%s: %s", v, res.Text)
		}
	}
}

// A hash that is no alias is that of a content, of a live memory first; of several it is none.
func TestHashes(t *testing.T) {
	f := &fake{memories: some(2500, "y"), failGet: memory.Errorf(memory.CodeNotFound, "no memory")}
	f.memories[2400].Content = "X "
	f.memories[2300].Content, f.memories[2300].Deleted = "x", true
	c := session(t, f, Options{})
	upper := strings.ToUpper(theHash)
	callTool(t, c, "delete_memory", `{"content_hash": "`+upper+`"}`)
	if got := f.last(t).(memory.DeleteRequest).IDs; got[0] != id(2400).String() {
		t.Errorf("deleted %v", got)
	}
	callTool(t, c, "memory_history", `{"id": "`+theHash+`"}`)
	if got := f.last(t); got != id(2400).String() {
		t.Errorf("history of %v", got)
	}
	f.memories[100].Content = " x"
	res := callAny(t, c, "delete_memory", `{"content_hash": "`+theHash+`"}`)
	if !res.IsError || !strings.Contains(res.Text, "is the hash of 2 memories") ||
		!strings.Contains(res.Text, id(100).String()) {
		t.Errorf("two of a hash: %s", res.Text)
	}
	f.memories[100].Content, f.memories[2400].Content = "y", "y"
	callTool(t, c, "memory_history", `{"id": "`+theHash+`"}`)
	if got := f.last(t); got != id(2300).String() {
		t.Errorf("history of %v, not of the deleted one", got)
	}
	f.memories[2300].Content = "y"
	callTool(t, c, "delete_memory", `{"content_hash": "`+theHash+`"}`)
	if got := f.last(t).(memory.DeleteRequest).IDs; got[0] != theHash {
		t.Errorf("an unknown hash became %v", got)
	}
	f.failGet = nil // it is an alias
	callTool(t, c, "delete_memory", `{"content_hash": "`+theHash+`"}`)
	if got := f.last(t).(memory.DeleteRequest).IDs; got[0] != theHash {
		t.Errorf("an alias became %v", got)
	}
}

// In a large store a hash that is no alias is looked for among the newest, and not for ever.
func TestHashesBounded(t *testing.T) {
	f := &fake{memories: some(3*hashMost, "y"), failGet: memory.Errorf(memory.CodeNotFound, "none")}
	f.memories[2*hashMost].Content = "X "
	c := session(t, f, Options{})
	res := callAny(t, c, "delete_memory", `{"content_hash": "`+theHash+`"}`)
	if !res.IsError || !strings.Contains(res.Text, "of the newest 5000 of 15000 memories") ||
		!strings.Contains(res.Text, "use its id") {
		t.Errorf("a hash of an old memory: %s", res.Text)
	}
	if got, ok := f.last(t).(memory.ListRequest); !ok {
		t.Errorf("something was deleted: %+v", got)
	}
	f.memories[hashMost-1].Content = "x"
	callTool(t, c, "delete_memory", `{"content_hash": "`+theHash+`"}`)
	if got := f.last(t).(memory.DeleteRequest).IDs; got[0] != id(hashMost-1).String() {
		t.Errorf("deleted %v", got)
	}
}

func TestSplitTime(t *testing.T) {
	day := func(m time.Month, d int) string { return startOf(2025, m, d).Format(time.DateOnly) }
	for query, want := range map[string][3]string{
		"databases":                           {"databases", "", ""},
		"last week":                           {"", day(3, 3), day(3, 9)},
		"What did we decide last week?":       {"decide", day(3, 3), day(3, 9)},
		"yesterday we spoke of ports":         {"spoke of ports", day(3, 11), day(3, 11)},
		"find notes on ports in January":      {"ports", day(1, 1), day(1, 31)},
		"ports from 2025-01-02 to 2025-01-04": {"ports", day(1, 2), day(1, 4)},
		"port 8080":                           {"port 8080", "", ""},
		"":                                    {"", "", ""},
	} {
		rest, from, to := splitTime(query, noon)
		got := [3]string{rest, "", ""}
		for i, at := range []time.Time{from, to} {
			if !at.IsZero() {
				got[i+1] = at.Format(time.DateOnly)
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}
