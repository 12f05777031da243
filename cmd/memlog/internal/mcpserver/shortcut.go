package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// methodCall calls a tool.
	methodCall = "tools/call"
	// maxWhole is how many digits every whole number has that a float64 keeps exactly.
	maxWhole = 15
)

// shortcut is a call of a tool that does not take the way through the SDK's queue: there a message
// is decoded four times, in buffers of 32 KiB each, and its answer encoded as often, which is most
// of what a window spends on a store. It goes through the same handlers, the SDK's own behind ours,
// and can be given up on like any other. Whatever is not the plain case is left to the SDK.
type shortcut struct {
	id  jsonrpc.ID
	raw []byte // the id as it was sent
	ctx context.Context
	end context.CancelFunc
	req *mcp.CallToolRequest
}

// take answers a line that calls a tool in a session that has shaken hands, and reports whether it
// does. The text is kept.
func (c *lineConn) take(text []byte) bool {
	session := c.session.Load()
	if session == nil || c.call == nil {
		return false
	}
	hello := session.InitializeParams()
	if hello == nil || hello.ProtocolVersion >= firstStateless || !json.Valid(text) {
		return false
	}
	id, raw, params, ok := readCall(text)
	if !ok {
		return false
	}
	s := &shortcut{raw: raw, req: &mcp.CallToolRequest{Session: session, Params: params}}
	if s.id, ok = makeID(id); !ok {
		return false
	}
	return c.begin(s)
}

// begin has a worker carry out a call. false: one of its id is under way.
func (c *lineConn) begin(s *shortcut) bool {
	s.ctx, s.end = context.WithCancel(c.base)
	c.mu.Lock()
	_, under := c.pending[s.id]
	if !under {
		c.pending[s.id] = s.end
	}
	c.mu.Unlock()
	if under {
		s.end()
		return false
	}
	c.starting.Lock()
	defer c.starting.Unlock()
	select {
	case c.waiting <- s:
	default:
		if c.base.Err() == nil { // else nobody is there to be answered
			c.workers.Go(func() { c.work(s) })
		}
	}
	return true
}

// work carries out calls until the connection is closed. It keeps what its stack has grown to.
func (c *lineConn) work(s *shortcut) {
	for {
		c.carryOut(s)
		select {
		case s = <-c.waiting:
		case <-c.closed:
			return
		}
	}
}

func (c *lineConn) carryOut(s *shortcut) {
	defer s.end()
	res, err := c.call(s.ctx, methodCall, s.req)
	b, err := appendAnswer(nil, s, res, err)
	if err == nil {
		err = c.writeLine(b, s.id)
	}
	if err != nil {
		c.log.Error("answer a call", "error", err)
		_ = c.Close() // the session ends where its answers do not arrive
	}
}

// readCall reads a call of a tool. false: it is none, or not as plain as they are.
func readCall(text []byte) (id any, raw []byte, params *mcp.CallToolParamsRaw, ok bool) {
	var version, method string
	var sent []byte
	seen := map[string]bool{}
	ok = members(text, func(name string, value []byte) bool {
		good := !seen[name]
		seen[name] = true
		switch name {
		case "jsonrpc":
			version, _ = plain(value)
		case "method":
			method, _ = plain(value)
		case "id":
			raw = value
			id, _ = readID(value)
		case "params":
			sent = value
		default:
			return false
		}
		return good
	})
	if !ok || version != "2.0" || method != methodCall || id == nil || sent == nil {
		return nil, nil, nil, false
	}
	params, ok = readParams(sent)
	return id, raw, params, ok
}

// readID reads the id of a call: a whole number or a string.
func readID(value []byte) (any, bool) {
	if text, ok := plain(value); ok {
		return text, true
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || len(value) > maxWhole {
		return nil, false
	}
	return float64(n), true
}

func makeID(v any) (jsonrpc.ID, bool) {
	id, err := jsonrpc.MakeID(v)
	return id, err == nil && id.IsValid()
}

// readParams reads what a call says. false: more than a name, arguments and what is said about
// progress, or of a revision that says itself which it is.
func readParams(text []byte) (*mcp.CallToolParamsRaw, bool) {
	p := &mcp.CallToolParamsRaw{}
	seen := map[string]bool{}
	ok := members(text, func(name string, value []byte) bool {
		good := !seen[name]
		seen[name] = true
		switch name {
		case "name":
			p.Name, _ = plain(value)
		case "arguments":
			p.Arguments = value
		case "_meta":
			return good && json.Unmarshal(value, &p.Meta) == nil &&
				p.Meta[mcp.MetaKeyProtocolVersion] == nil
		default:
			return false
		}
		return good
	})
	return p, ok && p.Name != ""
}

// appendAnswer appends the answer to a call as the SDK words it.
func appendAnswer(b []byte, s *shortcut, res mcp.Result, failed error) ([]byte, error) {
	tool, ok := res.(*mcp.CallToolResult)
	if failed != nil || !ok || !simple(tool) {
		r := &jsonrpc.Response{ID: s.id, Error: failed}
		if failed == nil {
			var err error
			if r.Result, err = marshal(res); err != nil {
				return nil, err
			}
		}
		return jsonrpc.EncodeMessage(r)
	}
	b = append(append(append(b, `{"jsonrpc":"2.0","id":`...), s.raw...), `,"result":{`...)
	if tool.Meta != nil {
		meta, err := marshal(tool.Meta)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, `"_meta":`...), meta...), ',')
	}
	b = append(b, `"content":[`...)
	for i, part := range tool.Content {
		if i > 0 {
			b = append(b, ',')
		}
		text, err := marshal(part.(*mcp.TextContent).Text)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, `{"type":"text","text":`...), text...), '}')
	}
	b = append(b, ']')
	if structured, _ := tool.StructuredContent.(json.RawMessage); structured != nil {
		b = append(append(b, `,"structuredContent":`...), structured...)
	}
	if tool.IsError {
		b = append(b, `,"isError":true`...)
	}
	return append(b, '}', '}'), nil
}

// simple reports whether a result is text and structured content of one line.
func simple(r *mcp.CallToolResult) bool {
	for _, part := range r.Content {
		text, ok := part.(*mcp.TextContent)
		if !ok || text.Meta != nil || text.Annotations != nil {
			return false
		}
	}
	structured, ok := r.StructuredContent.(json.RawMessage)
	return (ok || r.StructuredContent == nil) && !bytes.ContainsRune(structured, '\n') &&
		r.InputRequests == nil && r.RequestState == ""
}
