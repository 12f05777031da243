package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// tool is one tool: what the list says of it, and what it does.
type tool struct {
	name, title, doc string
	params           []param
	output           fields
	readOnly         bool
	destructive      bool // changes or hides what is there; all of it can be undone
	idempotent       bool
	run              func(context.Context, memory.Service, *call) (answer, error)
}

// tools are all tools, in the order of their files.
func tools() []tool {
	return []tool{
		storeTool(), searchTool(), listTool(), getTool(), updateTool(), deleteTool(), linkTool(),
		historyTool(), undoTool(), changesTool(), healthTool(),
		accessTool(), performanceTool(), systemHealthTool(), cleanupMetricsTool(),
	}
}

// call is one call of a tool.
type call struct {
	args
	now      time.Time     // the same for all time expressions of a call
	origin   memory.Origin // for tools that write
	session  string        // the caller's
	project  string        // the directory the caller works in
	budget   int           // bytes of each form of the answer
	reporter *reporter     // nil: nobody wants to know
}

// progress says how far a call has come, to a client that wants to know.
func (c *call) progress(format string, args ...any) { c.reporter.say(format, args...) }

// answer is what a tool answers, in both forms. refused marks a result that is an error as well.
type answer struct {
	text       string
	structured any
	refused    bool
}

// serve answers a call. All that can go wrong becomes a result the agent can read: a protocol
// error would not reach it.
func (s *Server) serve(
	ctx context.Context, t tool, req *mcp.CallToolRequest,
) (res *mcp.CallToolResult) {
	var c *call
	defer func() {
		if p := recover(); p != nil {
			s.o.Logger.Error("tool panicked", "tool", t.name, "panic", p, "stack",
				string(debug.Stack()))
			err := memory.Errorf(memory.CodeFailed, "memlog has a defect: %s panicked", t.name)
			res = failure(t, c, err)
		}
	}()
	a, err := decode(req.Params.Arguments, t.params)
	if err != nil {
		return failure(t, nil, err)
	}
	c = s.newCall(t, a, req)
	c.reporter = s.report(ctx, req)
	defer c.reporter.finish()
	var out answer
	if err = c.resolveHashes(ctx, s.svc); err == nil {
		out, err = t.run(ctx, s.svc, c)
	}
	if err != nil {
		s.o.Logger.Debug("tool refused", "tool", t.name, "error", err)
		return failure(t, c, err)
	}
	structured, err := marshal(out.structured)
	if err != nil {
		return failure(t, c, fmt.Errorf("encode the answer of %s: %w", t.name, err))
	}
	res = &mcp.CallToolResult{
		Content:           []mcp.Content{&mcp.TextContent{Text: out.text}},
		StructuredContent: json.RawMessage(structured),
		IsError:           out.refused,
	}
	if out.refused {
		res.Meta = mcp.Meta{metaCode: string(memory.CodeConflict)}
	}
	return res
}

func (s *Server) newCall(t tool, a args, req *mcp.CallToolRequest) *call {
	c := &call{args: a, now: s.o.Now(), session: provenance(s.sessionOf(req)),
		project: provenance(s.projectOf(req)),
		budget:  DefaultMaxTokens * bytesPerToken}
	if a.has("max_tokens") {
		c.budget = int(a.int("max_tokens")) * bytesPerToken
	}
	if t.readOnly {
		return c
	}
	c.origin = memory.Origin{
		RequestID: a.text("request_id"),
		Session:   c.session,
		Project:   c.project,
		User:      provenance(s.o.User),
		Host:      provenance(s.o.Host),
		Reason:    a.text("reason"),
	}
	if c.origin.RequestID == "" {
		c.origin.RequestID = event.NewID().String()
	}
	if client := req.ClientInfo(); client != nil {
		c.origin.Client = provenance(client.Name)
		c.origin.ClientVersion = provenance(client.Version)
	}
	return c
}

// provenance makes a text that the agent did not choose fit the log: it must not be the reason
// that every write of a session is refused.
func provenance(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= memory.MaxProvenance {
		return s
	}
	n := memory.MaxProvenance
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// failure turns an error into a result: what was wrong, and what to do next. c is nil where the
// arguments could not be read.
func failure(t tool, c *call, err error) *mcp.CallToolResult {
	text := clip(err.Error(), maxErrorText)
	if t.name != "" {
		text = t.name + ": " + text
	}
	text += "\nNext: " + advice(t, c, err)
	return &mcp.CallToolResult{
		Meta:    mcp.Meta{metaCode: string(memory.CodeOf(err))},
		Content: []mcp.Content{&mcp.TextContent{Text: text}},
		IsError: true,
	}
}

// metaCode is the member of a result's _meta that says the code of its error.
const metaCode = "memlog/code"

// maxErrorText bounds the message of an error result, in bytes.
const maxErrorText = 2000

// advice says what to do about an error: its own hint, or what its code calls for.
func advice(t tool, c *call, err error) string {
	var e *memory.Error
	unknownID := errors.As(err, &e) && e.Code == memory.CodeNotFound &&
		strings.HasPrefix(e.Arg, "id")
	if e != nil && e.Hint != "" && !unknownID { // of an id, the tools say more
		return clip(inTools(e.Hint), maxErrorText) + again(t, c, err)
	}
	if errors.Is(err, context.Canceled) {
		return "the call was cancelled." + again(t, c, err)
	}
	switch memory.CodeOf(err) {
	case memory.CodeInvalid:
		return "correct the argument and call again; nothing was changed."
	case memory.CodeNotFound:
		return "find the id with memory_search or memory_list; memory_list with include_deleted" +
			" shows deleted ones too."
	case memory.CodeConflict:
		return "look at it again with memory_get, then decide; nothing was overwritten."
	case memory.CodeDamaged:
		return "call memory_health for the details, and ask the user to run `memlog verify`."
	case memory.CodeBusy:
		return "wait a few seconds and call again." + again(t, c, err)
	}
	return "call memory_health, and tell the user what it says." + again(t, c, err)
}

// again says how to repeat a write whose outcome is not known without doing it twice.
func again(t tool, c *call, err error) string {
	code := memory.CodeOf(err)
	if t.readOnly || c == nil || (code != memory.CodeFailed && code != memory.CodeBusy) {
		return ""
	}
	return fmt.Sprintf(" Repeat the same call with request_id %q: it is never done twice.",
		clip(c.origin.RequestID, maxShown))
}
