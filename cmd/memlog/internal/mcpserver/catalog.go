package mcpserver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// catalog has all tools that are answered.
type catalog struct {
	listed []*mcp.Tool // by name
	named  map[string]tool
	gone   map[string]string // what to do instead of tools that memlog does not have
}

// theCatalog is made when the first tool is asked for: the handshake does not wait for it.
var theCatalog = sync.OnceValue(func() *catalog {
	c := &catalog{named: map[string]tool{}, gone: map[string]string{}}
	for _, t := range tools() {
		c.listed = append(c.listed, t.definition())
		c.named[t.name] = t
	}
	slices.SortFunc(c.listed, func(a, b *mcp.Tool) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range oldTools() {
		c.named[t.name] = t
	}
	for instead, names := range gone {
		for _, name := range names {
			c.gone[name] = instead
		}
	}
	return c
})

// definition is what the list says of a tool.
func (t tool) definition() *mcp.Tool {
	return &mcp.Tool{
		Name:         t.name,
		Title:        t.title,
		Description:  t.doc,
		InputSchema:  inputSchema(t.params),
		OutputSchema: t.output,
		Annotations: &mcp.ToolAnnotations{
			Title:           t.title,
			ReadOnlyHint:    t.readOnly,
			DestructiveHint: new(t.destructive),
			IdempotentHint:  t.idempotent,
			OpenWorldHint:   new(false),
		},
	}
}

// offer lists and answers the tools of the catalog. They are not registered with the SDK, which
// encodes and decodes the schemas of each several times when it is told of one, which took a
// fifth of all the time until a handshake was answered. What is no tool of the catalog is left to
// the SDK.
func (s *Server) offer(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		switch r := req.(type) {
		case *mcp.ListToolsRequest:
			res, err := next(ctx, method, req)
			if list, ok := res.(*mcp.ListToolsResult); ok && err == nil && r.Params.Cursor == "" {
				list.Tools = append(slices.Clone(theCatalog().listed), list.Tools...)
			}
			return res, err
		case *mcp.CallToolRequest:
			if r.Params != nil {
				if res := s.answer(ctx, r); res != nil {
					return res, nil
				}
			}
		}
		return next(ctx, method, req)
	}
}

// answer answers a call of a tool of the catalog; nil: it has none of the name.
func (s *Server) answer(ctx context.Context, req *mcp.CallToolRequest) *mcp.CallToolResult {
	c, name := theCatalog(), req.Params.Name
	if instead, ok := c.gone[name]; ok {
		err := memory.Errorf(memory.CodeInvalid, "memlog has no such tool").WithHint("%s", instead)
		return final(req, failure(tool{name: name, readOnly: true}, nil, err))
	}
	as := name
	if saysTheirs(name, req.Params.Arguments) {
		as = theirs[name].as
	}
	t, ok := c.named[as]
	if !ok {
		return nil
	}
	return final(req, s.serve(ctx, named(t, name), req))
}

// finalResult is a result that says that it is complete. Outside of the SDK only decoding makes one
// say so.
var finalResult = sync.OnceValue(func() *mcp.CallToolResult {
	var res mcp.CallToolResult
	if err := json.Unmarshal([]byte(`{"content":[],"resultType":"complete"}`), &res); err != nil {
		panic(err) // constant text: cannot fail once the tests have run
	}
	return &res
})

// final has a result say that it is complete to those who must be told, from revision
// 2026-07-28 on, as the SDK does with results of the tools that it knows.
func final(req *mcp.CallToolRequest, res *mcp.CallToolResult) *mcp.CallToolResult {
	hello := req.Session.InitializeParams()
	if hello != nil && hello.ProtocolVersion < firstStateless {
		return res
	}
	out := *finalResult()
	out.Meta, out.Content = res.Meta, res.Content
	out.StructuredContent, out.IsError = res.StructuredContent, res.IsError
	return &out
}
