package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

func addCommand() *command {
	return &command{
		name: "add", group: "Write", args: "TEXT...|-", max: unlimited,
		summary: "Store a memory, or many at once",
		about: `
Several words make one text, joined by spaces; - reads it from standard input. What a live memory
says already is not stored twice: it is acknowledged with "created": false, and what is new about
it, its tags, time and metadata, is kept with the first one.

--batch reads one JSON object a line, with content and optionally id, tags, type, project,
metadata, created_at, updated_at and aliases. All of them are one record of the log: every line is
stored, or, where one cannot be, none.

--created-at is the time of the fact itself.

` + timeHelp,
		examples: []string{
			`memlog add "deploys go out from the release branch" --tag deploy --type decision`,
			`git log -1 --format=%B | memlog add - --tag commit`,
			`memlog add --batch memories.jsonl`,
			`memlog add -- "--force is never used on main"`,
		},
		flags: append([]cli.Flag{
			tagFlag("`TAG` of the memory; may be repeated"),
			&cli.StringFlag{Name: "type", Usage: "`TYPE` of the memory, such as decision"},
			&cli.StringFlag{Name: "project", Usage: "`PROJECT` it belongs to"},
			&cli.StringFlag{Name: "metadata", Usage: "any `JSON`, kept word for word"},
			&cli.StringFlag{Name: "created-at", Usage: "`TIME` of the fact (default: now)"},
			&cli.StringFlag{Name: "batch", Usage: "read memories from `FILE` of JSON lines; - is " +
				"standard input"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitBusy},
		run:   runAdd,
	}
}

type addResult struct {
	ID      memory.ID  `json:"id"`
	Seq     memory.Seq `json:"seq"`
	Created bool       `json:"created"`
	Repeats bool       `json:"repeats,omitempty"`
}

func runAdd(ctx context.Context, c *call) error {
	if c.isSet("batch") {
		return runBatch(ctx, c)
	}
	m, err := c.newMemory()
	if err != nil {
		return err
	}
	svc, err := c.writer(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Store(ctx, memory.StoreRequest{
		Memories: []memory.NewMemory{m}, Origin: c.origin(),
	})
	if err != nil {
		return err
	}
	if len(res.Stored) != 1 {
		return fmt.Errorf("store one memory: %d acknowledged", len(res.Stored))
	}
	out := addResult{res.Stored[0].ID, res.Seq, res.Stored[0].Created, res.Repeats}
	return c.emit(out, func(p *page) {
		switch {
		case out.Repeats:
			p.line("%s  stored before by this request (seq %d)", out.ID, out.Seq)
		case out.Created:
			p.line("%s  stored (seq %d)", out.ID, out.Seq)
		default:
			p.line("%s  was there already (seq %d)", out.ID, out.Seq)
		}
	})
}

// newMemory returns the memory that the arguments and flags describe.
func (c *call) newMemory() (memory.NewMemory, error) {
	m := memory.NewMemory{
		Tags: c.flags.StringSlice("tag"), Type: c.str("type"), Project: c.str("project"),
	}
	var err error
	if m.Content, err = c.text(c.args); err != nil {
		return m, err
	}
	if m.Metadata, err = c.metadata(); err != nil {
		return m, err
	}
	if m.CreatedAt, err = c.timeFlag("created-at", when.Start); err != nil {
		return m, err
	}
	if c.isSet("created-at") {
		c.tell("created at %s", exact(m.CreatedAt))
	}
	return m, nil
}

// text returns the text that the words of the line make, or, for - alone, standard input without
// its last newline.
func (c *call) text(words []string) (string, error) {
	if len(words) == 0 {
		return "", usage("%s needs a text", c.cmd.path()).
			WithHint("usage: %s", usageLine(c.cmd))
	}
	if len(words) > 1 || words[0] != "-" {
		return strings.Join(words, " "), nil
	}
	b, err := c.input(memory.MaxContent)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", memory.Invalid("content", "standard input is no UTF-8 text")
	}
	s := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(s, "\r"), nil
}

// input reads standard input, and refuses more than limit bytes without reading on.
func (c *call) input(limit int64) ([]byte, error) {
	if c.screen.stdin {
		c.tell("reading standard input; end it with Ctrl-D")
	}
	const lineEnd = 2
	b, err := io.ReadAll(io.LimitReader(c.stdin, limit+lineEnd+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	if int64(len(b)) > limit+lineEnd {
		return nil, memory.Invalid("content", "standard input holds more than %d bytes", limit)
	}
	return b, nil
}

// metadata returns the value of --metadata, which must be JSON.
func (c *call) metadata() (json.RawMessage, error) {
	if !c.isSet("metadata") {
		return nil, nil
	}
	raw := json.RawMessage(c.str("metadata"))
	if !json.Valid(raw) {
		return nil, memory.Invalid("--metadata", "not JSON: %s", cut(oneLine(string(raw)), usualWidth)).
			WithHint("%s", `write for example --metadata '{"source": "review"}'`)
	}
	return raw, nil
}
