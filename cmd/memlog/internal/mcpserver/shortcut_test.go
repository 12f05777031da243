package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestReadCall reads plain calls, and leaves what is not plain to the SDK.
func TestReadCall(t *testing.T) {
	const call = `{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":%s}`
	plainParams := `{"name":"n","arguments":{"a":[1]}}`
	for _, tt := range []struct {
		line string
		id   any // nil: it is left to the SDK
	}{
		{fmt.Sprintf(call, `7`, plainParams), 7.0},
		{fmt.Sprintf(call, `-3`, plainParams), -3.0},
		{fmt.Sprintf(call, `"x"`, ` { "_meta":{"progressToken":4},"name" : "n","arguments":{"a":[1]}}`),
			"x"},
		{`{"params":` + plainParams + `,"method":"tools/call","id":"","jsonrpc":"2.0"}`, ""},

		{fmt.Sprintf(call, `null`, plainParams), nil},
		{fmt.Sprintf(call, `1.5`, plainParams), nil},
		{fmt.Sprintf(call, `1e3`, plainParams), nil},
		{fmt.Sprintf(call, `1234567890123456`, plainParams), nil},
		{fmt.Sprintf(call, `"\u0061"`, plainParams), nil},
		{fmt.Sprintf(call, `[7]`, plainParams), nil},
		{fmt.Sprintf(call, `true`, plainParams), nil},
		{`{"jsonrpc":"2.0","method":"tools/call","params":` + plainParams + `}`, nil},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, nil},
		{`{"jsonrpc":"1.0","id":1,"method":"tools/call","params":` + plainParams + `}`, nil},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":` + plainParams + `}`, nil},
		{`{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":` + plainParams + `}`, nil},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + plainParams + `,"x":1}`, nil},
		{fmt.Sprintf(call, `1`, `{"arguments":{}}`), nil},
		{fmt.Sprintf(call, `1`, `{"name":7}`), nil},
		{fmt.Sprintf(call, `1`, `{"name":"n","name":"m"}`), nil},
		{fmt.Sprintf(call, `1`, `{"name":"n","arguments":{},"arguments":{}}`), nil},
		{fmt.Sprintf(call, `1`, `{"name":"n","requestState":"s"}`), nil},
		{fmt.Sprintf(call, `1`, `{"name":"n","_meta":[]}`), nil},
		{fmt.Sprintf(call, `1`, `["n"]`), nil},
		{fmt.Sprintf(call, `1`,
			`{"name":"n","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`), nil},
		{`[` + fmt.Sprintf(call, `1`, plainParams) + `]`, nil},
	} {
		id, raw, params, ok := readCall([]byte(tt.line))
		if ok != (tt.id != nil) {
			t.Errorf("%s: read %v, want %v", tt.line, ok, !ok)
		}
		if !ok || tt.id == nil {
			continue
		}
		if back := new(any); json.Unmarshal(raw, back) != nil || *back != tt.id || id != tt.id {
			t.Errorf("%s: id %v, sent as %s, want %v", tt.line, id, raw, tt.id)
		}
		if params.Name != "n" || string(params.Arguments) != `{"a":[1]}` {
			t.Errorf("%s: call of %s with %s", tt.line, params.Name, params.Arguments)
		}
		msg, err := jsonrpc.DecodeMessage([]byte(tt.line))
		if err != nil {
			t.Fatal(err)
		}
		if want := msg.(*jsonrpc.Request).ID; !reflect.DeepEqual(must(makeID(id)), want) {
			t.Errorf("%s: id %v, the SDK has %v", tt.line, id, want)
		}
	}
}

func must[T any](v T, ok bool) T {
	if !ok {
		panic("not ok")
	}
	return v
}

// TestAnswersAreTheSDKs encodes answers as the SDK does, but for what is escaped without need.
func TestAnswersAreTheSDKs(t *testing.T) {
	text := func(s string) mcp.Content { return &mcp.TextContent{Text: s} }
	for name, tt := range map[string]struct {
		res    mcp.Result
		err    error
		simple bool
	}{
		"text": {res: &mcp.CallToolResult{Content: []mcp.Content{
			text("a\nb <\"> \u2028 é"), text("")}}, simple: true},
		"nothing": {res: &mcp.CallToolResult{Content: []mcp.Content{}}, simple: true},
		"all": {res: &mcp.CallToolResult{Content: []mcp.Content{text("x")}, IsError: true,
			Meta:              mcp.Meta{metaCode: "conflict", "n": 1.5},
			StructuredContent: json.RawMessage(`{"a":[1,"<"]}`)}, simple: true},
		"lines": {res: &mcp.CallToolResult{Content: []mcp.Content{text("x")},
			StructuredContent: json.RawMessage("{\n\"a\":1}")}},
		"a value": {res: &mcp.CallToolResult{Content: []mcp.Content{text("x")},
			StructuredContent: map[string]any{"a": 1}}},
		"an image": {res: &mcp.CallToolResult{Content: []mcp.Content{
			&mcp.ImageContent{Data: []byte("x"), MIMEType: "image/png"}}}},
		"a note": {res: &mcp.CallToolResult{Content: []mcp.Content{
			&mcp.TextContent{Text: "x", Annotations: &mcp.Annotations{Priority: 1}}}}},
		"state":   {res: &mcp.CallToolResult{Content: []mcp.Content{text("x")}, RequestState: "s"}},
		"refused": {err: &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "unknown tool"}},
		"failed":  {err: errors.New("failed")},
	} {
		id, _ := makeID(7.0)
		got, err := appendAnswer(nil, &shortcut{id: id, raw: []byte("7")}, tt.res, tt.err)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := &jsonrpc.Response{ID: id, Error: tt.err}
		if tt.res != nil {
			if want.Result, err = json.Marshal(tt.res); err != nil {
				t.Fatal(err)
			}
			if is := simple(tt.res.(*mcp.CallToolResult)); is != tt.simple {
				t.Errorf("%s is simple: %v", name, is)
			}
		}
		all, err := jsonrpc.EncodeMessage(want)
		if err != nil {
			t.Fatal(err)
		}
		var g, w any
		if err := errors.Join(json.Unmarshal(got, &g), json.Unmarshal(all, &w)); err != nil {
			t.Fatalf("%s: %v in %s", name, err, got)
		}
		if diff := cmp.Diff(w, g); diff != "" {
			t.Errorf("%s (-SDK +got):\n%s", name, diff)
		}
		if strings.ContainsAny(string(got), "\n\u2028") {
			t.Errorf("%s is not one line: %q", name, got)
		}
	}
}

// TestCallsTakeTheShortcut has plain calls of a session answered without the SDK's queue, and
// others through it.
func TestCallsTakeTheShortcut(t *testing.T) {
	s := New(&fake{}, Options{Now: clock})
	t.Cleanup(func() { s.Close() })
	var short atomic.Int32
	answer := s.call
	s.call = func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
		short.Add(1)
		return answer(ctx, method, r)
	}
	p := peerOf(t, s)
	for i, tt := range []struct {
		line, want string
		short      bool
	}{
		{storeLine(1, `{"content":"x"}`), "Stored 1 memory", true},
		{strings.Replace(storeLine(2, `{"content":"x"}`), "memory_store", "store_memory", 1),
			"Stored 1 memory", true},
		{strings.Replace(storeLine(3, `{"content":"x"}`), "memory_store", "no_tool", 1),
			`"error":{"code":-32602,"message":"unknown tool \"no_tool\""}`, true},
		{storeLine(4, `{"content":"x"},"_meta":{"progressToken":"p"}`), "Stored 1 memory", true},
		{storeLine(5, `{"content":"x"},"other":1`), "Stored 1 memory", false},
		{`{"jsonrpc":"2.0","id":6,"method":"ping"}`, `"result":{}`, false},
	} {
		before := short.Load()
		p.send(tt.line)
		p.expect(fmt.Sprintf(`"id":%d`, i+1), tt.want)
		if took := short.Load() > before; took != tt.short {
			t.Errorf("%s took the shortcut: %v", tt.line, took)
		}
	}
}

// TestShortcutKeepsIDsApart answers a call whose id is under way neither twice nor with the other's
// answer.
func TestShortcutKeepsIDsApart(t *testing.T) {
	f := &fake{gate: make(chan struct{}), entered: make(chan struct{}, 9)}
	p := newPeer(t, f)
	p.send(storeLine(1, `{"content":"x"}`))
	<-f.entered
	p.send(storeLine(1, `{"content":"y"}`))
	p.expect(`"id":null`, "under way")
	close(f.gate)
	p.expect(`"id":1`, "Stored 1 memory")
	p.send(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	p.expect(`"id":1`, `"result":{}`)
}

// TestServeWaitsForCalls ends a session in the middle of a call, which is cancelled and waited for.
func TestServeWaitsForCalls(t *testing.T) {
	f := &fake{gate: make(chan struct{}), entered: make(chan struct{}, 9)}
	s := New(f, Options{Now: clock})
	t.Cleanup(func() { s.Close() })
	var under atomic.Int32
	answer := s.call
	s.call = func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
		under.Add(1)
		defer under.Add(-1)
		return answer(ctx, method, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p, served := peerUntil(t, ctx, s)
	p.send(storeLine(1, `{"content":"x"}`))
	<-f.entered
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Errorf("served: %v", err)
	}
	if n := under.Load(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}
