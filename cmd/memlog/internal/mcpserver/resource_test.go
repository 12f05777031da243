package mcpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// The lists of resources and prompts are a contract as well, and do not touch the service, which is
// nil here.
func TestResourceAndPromptLists(t *testing.T) {
	c := session(t, nil, Options{}).session
	resources, err := c.ListResources(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := c.ListResourceTemplates(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	prompts, err := c.ListPrompts(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(map[string]any{"resources": resources.Resources,
		"templates": templates.ResourceTemplates, "prompts": prompts.Prompts}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "lists.json", append(b, '\n'))
	caps := c.InitializeResult().Capabilities
	if caps.Resources == nil || !caps.Resources.Subscribe || caps.Completions == nil ||
		caps.Prompts == nil || caps.Resources.ListChanged {
		t.Errorf("capabilities %+v", caps)
	}
}

func readText(t *testing.T, c *Client, uri string) string {
	t.Helper()
	res, err := c.session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
	if err != nil {
		t.Fatalf("read %s: %v", uri, err)
	}
	if len(res.Contents) != 1 || res.Contents[0].URI != uri ||
		res.Contents[0].MIMEType != resourceType {
		t.Fatalf("%s: contents %+v", uri, res.Contents)
	}
	if s := res.CacheScope; s != "" && s != "private" { // older protocols have none
		t.Errorf("%s: cache scope %q", uri, s)
	}
	return res.Contents[0].Text
}

func TestReadResources(t *testing.T) {
	f := &fake{memories: some(30, "x"), records: aLog(),
		tags:  []memory.TagCount{{Tag: "a", Count: 30}},
		stats: memory.StatsResult{Memories: 30, Types: []memory.Count{{Name: "fact", Count: 30}}}}
	f.health.Seq = 8
	c := session(t, f, Options{})
	text := readText(t, c, recentURI)
	checkOutput(t, "memory_list", json.RawMessage(text))
	if got := f.last(t).(memory.ListRequest); got.Limit != recentMemories {
		t.Errorf("asked %+v", got)
	}
	checkOutput(t, "memory_get", json.RawMessage(readText(t, c, memoryPrefix+id(0).String())))
	readText(t, c, memoryPrefix+"an%20alias%2Fwith%20more")
	if got := f.last(t).(memory.GetRequest); got.ID != "an alias/with more" || !got.IncludeDeleted {
		t.Errorf("asked %+v", got)
	}
	text = readText(t, c, changesPrefix+"3")
	checkOutput(t, "memory_changes", json.RawMessage(text))
	if !strings.Contains(text, `"seq":8`) || strings.Contains(text, `"second"`) {
		t.Errorf("changes since 3: %s", text)
	}
	want := `{"tags":[{"tag":"a","count":30}],"total":1,"types":[{"name":"fact","count":30}],` +
		`"projects":[],"memories":30,"seq":9}`
	if got := readText(t, c, tagsURI); got != want {
		t.Errorf("tags: %s", got)
	}
}

// However much there is, a resource stays within its budget.
func TestResourcesAreBounded(t *testing.T) {
	f := &fake{memories: big(50, 1<<20)}
	for i := range 5000 {
		name := fmt.Sprintf("%d-%s", i, strings.Repeat("ä", 120))
		f.tags = append(f.tags, memory.TagCount{Tag: name, Count: 1})
		f.stats.Types = append(f.stats.Types, memory.Count{Name: name})
		f.stats.Projects = append(f.stats.Projects, memory.Count{Name: name})
		f.records = append(f.records, record(i+1, name, storedEvent(i, name)))
	}
	f.health.Seq = 5000
	c := session(t, f, Options{})
	for _, r := range resources() {
		uri := strings.NewReplacer("{id}", id(0).String(), "{seq}", "0").Replace(r.uri)
		if n := len(readText(t, c, uri)); n > r.tokens*bytesPerToken {
			t.Errorf("%s has %d bytes", uri, n)
		}
	}
}

func TestResourceErrors(t *testing.T) {
	f := &fake{memories: some(1, "x")}
	c := session(t, f, Options{})
	for _, tt := range []struct {
		uri  string
		err  error
		code int64
		want string
	}{
		{"memlog://nothing", nil, jsonrpc.CodeInvalidParams, "not found"},
		{"file:///etc/passwd", nil, jsonrpc.CodeInvalidParams, "not found"},
		{memoryPrefix + "x/y", nil, jsonrpc.CodeInvalidParams, "not found"},
		{memoryPrefix + "x", memory.Errorf(memory.CodeNotFound, "no x"), jsonrpc.CodeInvalidParams,
			"not found"},
		{changesPrefix + "x", nil, jsonrpc.CodeInvalidParams, `seq: "x" is no sequence number. Next: `},
		{changesPrefix + "9", nil, jsonrpc.CodeInvalidParams, "beyond the last change"},
		{recentURI, memory.Errorf(memory.CodeBusy, "busy").WithHint("memlog list"),
			jsonrpc.CodeInternalError, "busy. Next: memory_list"},
		{tagsURI, errors.New("broken"), jsonrpc.CodeInternalError, "broken"},
	} {
		f.err = tt.err
		_, err := c.session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: tt.uri})
		var e *jsonrpc.Error
		if !errors.As(err, &e) || e.Code != tt.code ||
			!strings.Contains(strings.ToLower(e.Message), strings.ToLower(tt.want)) {
			t.Errorf("%s: %v", tt.uri, err)
		}
	}
}
