package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/mcpserver"
	"memlog/cmd/memlog/internal/memory"
)

// maxCallLine bounds a line of memlog call -, in bytes.
const maxCallLine = 64 << 20

func callCommand() *command {
	return &command{
		name: "call", group: "Processes", args: "TOOL [JSON|NAME=VALUE]...|-", max: unlimited,
		summary: "Call a tool of the MCP server once",
		about: `
What an agent gets from the tool: the text, or with --json the structured content. Arguments are one
JSON object, or NAME=VALUE each; a VALUE that begins with { or [ is JSON. With - a line of standard
input is a call, {"tool": "...", "arguments": {...}}, and a line of standard output its answer in
JSON: the structured content, or {"error": ...}; the exit code is that of the first that failed. No
owner is started, and none is left behind.`,
		examples: []string{
			`memlog call get_concurrent_access_stats`,
			`memlog call memory_search query="deploy key" limit=3 --json`,
			`echo '{"tool": "get_system_health"}' | memlog call -`,
			`memlog call --list`,
		},
		flags: []cli.Flag{&cli.BoolFlag{Name: "list", Usage: "list the tools"}},
		exits: []int{exitDamaged, exitNotFound, exitConflict, exitBusy},
		run:   runCallTool,
	}
}

func runCallTool(ctx context.Context, c *call) error {
	t := &toolCaller{call: c}
	defer t.close()
	switch {
	case c.yes("list"):
		if len(c.args) > 0 {
			return usage("--list takes no arguments")
		}
		return t.list(ctx)
	case len(c.args) == 0:
		return usage("no tool was named").WithHint("memlog call --list lists the tools")
	case c.args[0] == "-":
		if len(c.args) > 1 {
			return usage("- takes no arguments: they stand in the lines of standard input")
		}
		return t.lines(ctx)
	}
	args, err := toolArguments(c.args[1:])
	if err != nil {
		return err
	}
	res, err := t.do(ctx, toolCall{c.args[0], args})
	if err != nil {
		if len(res.Structured) > 0 {
			return c.emitWith(res.Structured, err, func(p *page) { p.line("%s", safeText(res.Text)) })
		}
		return err
	}
	return c.emit(res.Structured, func(p *page) { p.line("%s", safeText(res.Text)) })
}

// toolCall is a line of memlog call -.
type toolCall struct {
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
}

// toolArguments makes one JSON object of the words behind the tool's name.
func toolArguments(words []string) (json.RawMessage, error) {
	if len(words) == 1 && strings.HasPrefix(strings.TrimSpace(words[0]), "{") {
		raw := json.RawMessage(words[0])
		if !json.Valid(raw) {
			return nil, usage("the arguments are not valid JSON").
				WithHint(`write {"name": "value"}, or name=value`)
		}
		return raw, nil
	}
	args := map[string]json.RawMessage{}
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, usage("%.60q is neither NAME=VALUE nor one JSON object", w).
				WithHint(`as in memlog call memory_search query="deploy key"`)
		}
		if _, twice := args[name]; twice {
			return nil, memory.Invalid(name, "is given twice").WithHint(`a list is name='["a","b"]'`)
		}
		raw := json.RawMessage(value)
		if !strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "[") {
			text, err := json.Marshal(value)
			if err != nil {
				return nil, memory.Invalid(name, "%w", err)
			}
			raw = text // the tools understand numbers and true in quotes
		} else if !json.Valid(raw) {
			return nil, memory.Invalid(name, "is not valid JSON").
				WithHint("what begins with { or [ has to be")
		}
		args[name] = raw
	}
	return json.Marshal(args)
}

// makesStore are the tools for which a store is made where there is none.
var makesStore = []string{"memory_store", "store_memory"}

// toolCaller calls tools of a server in this process, which opens the store at the first call.
type toolCaller struct {
	*call
	client *mcpserver.Client
}

// connect opens the store and a session on it.
func (t *toolCaller) connect(ctx context.Context, svc memory.Service) error {
	name, host := caller()
	client, err := mcpserver.InProcess(ctx, svc, mcpserver.Options{
		Version: version(), Now: t.now, Session: clip(session(t.env)),
		ProjectDir: clip(t.env(envProject)), User: name, Host: host, Logger: t.log,
	}, t.holder)
	t.client = client
	return err
}

func (t *toolCaller) close() {
	if t.client == nil {
		return
	}
	if err := t.client.Close(); err != nil {
		t.log.Warn("end the session", "error", err)
	}
}

// do calls a tool. A refusal is an error, which may come together with a result.
func (t *toolCaller) do(ctx context.Context, q toolCall) (mcpserver.CallResult, error) {
	if t.client == nil {
		svc, err := t.service(ctx, slices.Contains(makesStore, q.Tool))
		if err == nil {
			err = t.connect(ctx, svc)
		}
		if err != nil {
			return mcpserver.CallResult{}, err
		}
	}
	res, err := t.client.CallRaw(ctx, q.Tool, q.Arguments)
	if err != nil || !res.IsError {
		return res, err
	}
	text, hint, _ := strings.Cut(res.Text, "\nNext: ")
	return res, &memory.Error{Code: res.Code, Msg: text, Hint: hint}
}

// list prints the tools; the store is not touched.
func (t *toolCaller) list(ctx context.Context) error {
	if err := t.connect(ctx, nil); err != nil {
		return err
	}
	tools, err := t.client.Tools(ctx)
	if err != nil {
		return err
	}
	type entry struct {
		Name        string `json:"name"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	var out struct {
		Tools []entry `json:"tools"`
	}
	for _, tool := range tools {
		out.Tools = append(out.Tools, entry{tool.Name, tool.Title, tool.Description})
	}
	return t.emit(out, func(p *page) {
		for _, tool := range out.Tools {
			p.line("%-28s %s", tool.Name, tool.Title)
		}
	})
}

// lines answers the calls of standard input, a line each, and returns the first error.
func (t *toolCaller) lines(ctx context.Context) error {
	t.streamed = true
	in := bufio.NewScanner(t.stdin)
	in.Buffer(nil, maxCallLine)
	var first error
	for in.Scan() && ctx.Err() == nil {
		line := strings.TrimSpace(in.Text())
		if line == "" {
			continue
		}
		doc, err := t.line(ctx, line)
		if err != nil && first == nil {
			first = err
		}
		if _, werr := t.stdout.Write(append(doc, '\n')); werr != nil {
			return unprinted{fmt.Errorf("print result: %w", werr)}
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return usage("a line of standard input has more than %d bytes", maxCallLine)
	case err != nil:
		return fmt.Errorf("read standard input: %w", err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return first
}

// line answers one line of standard input.
func (t *toolCaller) line(ctx context.Context, text string) ([]byte, error) {
	var q toolCall
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&q)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something behind the object")
		}
	}
	var res mcpserver.CallResult
	switch {
	case err != nil:
		err = usage("line is not a call: %w", err).
			WithHint(`write {"tool": "get_system_health", "arguments": {}}`)
	case q.Tool == "":
		err = memory.Invalid("tool", "is missing").WithHint("memlog call --list lists the tools")
	default:
		res, err = t.do(ctx, q)
	}
	var doc []byte
	var jerr error
	switch {
	case err == nil:
		doc = escapeC1(res.Structured)
	case len(res.Structured) > 0:
		doc, jerr = withError(res.Structured, err)
	default:
		doc, jerr = marshal(errorDocument{Error: describe(err)})
	}
	return doc, errors.Join(err, jerr)
}
