package mcpserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

func promptText(t *testing.T, c *Client, name string, args map[string]string) (string, error) {
	t.Helper()
	res, err := c.session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: name, Arguments: args})
	if err != nil {
		return "", err
	}
	if len(res.Messages) != 1 || res.Messages[0].Role != "user" {
		t.Fatalf("messages %+v", res.Messages)
	}
	return res.Messages[0].Content.(*mcp.TextContent).Text, nil
}

func TestPrompts(t *testing.T) {
	f := &fake{memories: some(3, "the key is in the vault")}
	c := session(t, f, Options{})
	text, err := promptText(t, c, "recall", map[string]string{
		"task": "rotate the key", "project": "p", "tags": "ops, keys", "type": ""})
	if err != nil || !strings.Contains(text, "rotate the key") ||
		!strings.Contains(text, "the key is in the vault") {
		t.Errorf("recall: %v\n%s", err, text)
	}
	got := f.last(t).(memory.SearchRequest)
	if got.Query != "rotate the key" || got.Filter.Project != "p" ||
		!slices.Equal(got.Filter.Tags, []string{"ops", "keys"}) {
		t.Errorf("recall asked %+v", got)
	}
	text, err = promptText(t, c, "review", map[string]string{"since": "", "project": ""})
	if err != nil || !strings.Contains(text, "since today") || !strings.Contains(text, "vault") {
		t.Errorf("review: %v\n%s", err, text)
	}
	list := f.last(t).(memory.ListRequest)
	if !list.Filter.Since.Equal(startOf(2025, 3, 12)) || list.Filter.Clock != "recorded" {
		t.Errorf("review asked %+v", list)
	}
}

func TestPromptsRefuse(t *testing.T) {
	c := session(t, &fake{}, Options{})
	for _, tt := range []struct {
		name string
		args map[string]string
		want string
	}{
		{"recall", nil, "task: is missing"},
		{"recall", map[string]string{"task": " "}, "task: is missing"},
		{"recall", map[string]string{"task": strings.Repeat("a", 200_000)},
			"task: is 200000 bytes long, more than 65536"},
		{"recall", map[string]string{"task": "x", "colour": "y"}, "colour: unknown argument"},
		{"review", map[string]string{"since": "soonish"}, "since: "},
		{"nope", nil, "unknown prompt"},
	} {
		if text, err := promptText(t, c, tt.name, tt.args); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %v: %v %s", tt.name, tt.args, err, text)
		}
	}
}

// A task of any length that is taken is searched for with what a search takes, and the answer stays bounded.
func TestPromptsAreBounded(t *testing.T) {
	f := &fake{memories: big(50, 100_000)}
	c := session(t, f, Options{})
	for name, args := range map[string]map[string]string{
		"recall": {"task": strings.Repeat("wörter ", memory.MaxQuery/8)}, "review": nil,
	} {
		text, err := promptText(t, c, name, args)
		if err != nil || len(text) > 2*DefaultMaxTokens*bytesPerToken {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
		if r, ok := f.last(t).(memory.SearchRequest); ok && len(r.Query) > maxTask+len("…") {
			t.Errorf("a query of %d bytes", len(r.Query))
		}
	}
}

func TestCompletion(t *testing.T) {
	f := &fake{memories: some(3, "x"),
		tags: []memory.TagCount{{Tag: "ops"}, {Tag: "Keys"}, {Tag: "devops"}},
		stats: memory.StatsResult{Types: []memory.Count{{Name: "fact"}, {Name: "fix"}},
			Projects: []memory.Count{{Name: "memlog"}}},
	}
	f.health.Seq = 118
	c := session(t, f, Options{})
	for _, tt := range []struct {
		ref, arg, value string
		want            []string
	}{
		{"recall", "tags", "", []string{"ops", "Keys", "devops"}},
		{"recall", "tags", "OP", []string{"ops", "devops"}},
		{"recall", "tags", "ops, k", []string{"ops, Keys"}},
		{"recall", "tags", "zzz", nil},
		{"recall", "type", "f", []string{"fact", "fix"}},
		{"recall", "project", "mem", []string{"memlog"}},
		{"recall", "task", "x", nil},
		{"review", "since", "last", []string{"last week", "last month"}},
		{memoryPrefix + "{id}", "id", id(1).String()[:36], []string{id(1).String()}},
		{memoryPrefix + "{id}", "id", "0189", []string{id(0).String(), id(1).String(),
			id(2).String()}},
		{changesPrefix + "{seq}", "seq", "1", []string{"118"}},
	} {
		got, err := completion(t, c, tt.ref, tt.arg, tt.value)
		if err != nil || !slices.Equal(got.Values, tt.want) && len(got.Values)+len(tt.want) > 0 {
			t.Errorf("%s %s %q: %v %v", tt.ref, tt.arg, tt.value, got.Values, err)
		}
	}
	for _, tt := range []struct{ ref, arg string }{
		{"nope", "tags"}, {"recall", "nope"}, {"memlog://x/{id}", "id"}, {memoryPrefix + "{id}", "x"},
	} {
		if _, err := completion(t, c, tt.ref, tt.arg, ""); err == nil {
			t.Errorf("%s %s is completed", tt.ref, tt.arg)
		}
	}
	for i := range 500 {
		f.tags = append(f.tags, memory.TagCount{Tag: fmt.Sprint("t", i)})
	}
	got, err := completion(t, c, "recall", "tags", "t")
	if err != nil || len(got.Values) != 100 || got.Total != 500 || !got.HasMore {
		t.Errorf("%d of %d values, more %v: %v", len(got.Values), got.Total, got.HasMore, err)
	}
}

func completion(
	t *testing.T, c *Client, ref, arg, value string,
) (mcp.CompletionResultDetails, error) {
	t.Helper()
	r := &mcp.CompleteReference{Type: "ref/prompt", Name: ref}
	if strings.Contains(ref, "://") {
		r = &mcp.CompleteReference{Type: "ref/resource", URI: ref}
	}
	res, err := c.session.Complete(t.Context(), &mcp.CompleteParams{Ref: r,
		Argument: mcp.CompleteParamsArgument{Name: arg, Value: value}})
	if err != nil {
		return mcp.CompletionResultDetails{}, err
	}
	return res.Completion, nil
}
