package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// closeWait is how long [Client.Close] lets a child process end by itself before it is told to.
const closeWait = 15 * time.Second

// Client is a session with an MCP server that runs as a child process: what an agent does, for
// those who want to do it without one. Its methods may be called by several goroutines at once.
type Client struct {
	session *mcp.ClientSession
	server  *Server // in this process; nil: it is another one
}

// CallResult is what a tool answered.
type CallResult struct {
	Text       string          // the text for the agent; parts are joined by newlines
	Structured json.RawMessage // the structured content; nil where there is none
	IsError    bool            // the tool refused or failed, and Text says why
	Code       memory.Code     // of the error; empty where there is none
}

// Tool is a tool as the server lists it.
type Tool struct {
	Name, Title, Description string
}

// Dial starts cmd, whose stdin and stdout must be unset, and opens a session with it over them.
// name is what the client calls itself, and so what the log will say. ctx bounds the handshake
// only. Call [Client.Close] to end the child.
func Dial(ctx context.Context, cmd *exec.Cmd, name string) (*Client, error) {
	t := &mcp.CommandTransport{Command: cmd, TerminateDuration: closeWait}
	return connect(ctx, t, name, nil)
}

func connect(
	ctx context.Context, t mcp.Transport, name string, o *mcp.ClientSessionOptions,
) (*Client, error) {
	c := mcp.NewClient(&mcp.Implementation{Name: name, Version: "1"}, nil)
	s, err := c.Connect(ctx, t, o)
	if err != nil {
		return nil, fmt.Errorf("connect to the mcp server: %w", err)
	}
	return &Client{session: s}, nil
}

// Instructions returns what the server tells an agent about itself.
func (c *Client) Instructions() string { return c.session.InitializeResult().Instructions }

// Tools lists the server's tools, in its order.
func (c *Client) Tools(ctx context.Context) ([]Tool, error) {
	var all []Tool
	for t, err := range c.session.Tools(ctx, nil) {
		if err != nil {
			return nil, fmt.Errorf("list tools: %w", err)
		}
		all = append(all, Tool{Name: t.Name, Title: t.Title, Description: t.Description})
	}
	return all, nil
}

// Call calls a tool. A refusal by the tool is a result with IsError; an error means that there was
// no answer, or that there is no such tool.
func (c *Client) Call(ctx context.Context, tool string, args map[string]any) (CallResult, error) {
	if args == nil {
		args = map[string]any{}
	}
	return c.call(ctx, tool, args)
}

// CallRaw is Call with arguments as JSON; none are an empty object. A tool that is not there is an
// error with CodeInvalid.
func (c *Client) CallRaw(ctx context.Context, tool string, args json.RawMessage) (
	CallResult, error) {
	if len(args) == 0 || string(args) == "null" {
		args = json.RawMessage("{}")
	}
	return c.call(ctx, tool, args)
}

func (c *Client) call(ctx context.Context, tool string, args any) (CallResult, error) {
	res, err := c.session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	var refused *jsonrpc.Error
	if errors.As(err, &refused) && refused.Code == jsonrpc.CodeInvalidParams {
		return CallResult{}, memory.Invalid("tool", "%.200s", refused.Message).
			WithHint("memlog call --list lists the tools")
	}
	if err != nil {
		return CallResult{}, fmt.Errorf("call %s: %w", tool, err)
	}
	out, err := result(res)
	if err != nil {
		return CallResult{}, fmt.Errorf("call %s: %w", tool, err)
	}
	return out, nil
}

func result(res *mcp.CallToolResult) (CallResult, error) {
	out := CallResult{IsError: res.IsError}
	if code, ok := res.Meta[metaCode].(string); ok {
		out.Code = memory.Code(code)
	}
	if out.IsError && out.Code == "" {
		out.Code = memory.CodeFailed
	}
	var text []string
	for _, part := range res.Content {
		if t, ok := part.(*mcp.TextContent); ok {
			text = append(text, t.Text)
		}
	}
	out.Text = strings.Join(text, "\n")
	if res.StructuredContent != nil {
		var err error
		if out.Structured, err = marshal(res.StructuredContent); err != nil {
			return CallResult{}, fmt.Errorf("encode structured content: %w", err)
		}
	}
	return out, nil
}

// InProcess opens a session with a server of svc in this process. svc stays the caller's to close,
// after [Client.Close].
func InProcess(ctx context.Context, svc memory.Service, o Options, name string) (*Client, error) {
	s := New(svc, o)
	near, far := mcp.NewInMemoryTransports()
	if _, err := s.mcp.Connect(ctx, far, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("serve mcp: %w", err), s.Close())
	}
	c, err := connect(ctx, near, name, nil)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	c.server = s
	return c, nil
}

// Close ends the session and the child: its stdin is closed, and where it does not end by itself
// within closeWait it is terminated.
func (c *Client) Close() error {
	if err := c.session.Close(); err != nil {
		return fmt.Errorf("close mcp session: %w", err)
	}
	if c.server != nil {
		return c.server.Close()
	}
	return nil
}
