package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

func undoCommand() *command {
	return &command{
		name: "undo", group: "Go back", args: "[SEQ]", max: 1,
		summary: "Take back what was done, an undo too",
		about: `
Without an argument: the newest command of the store that was not undone yet, whoever gave it; again
goes further back. SEQ names one command by its sequence number, as log shows it; so an undo is
undone. An import is taken back as one. What has changed since is left alone and listed (exit code
5), unless --force.

--since takes back all that was recorded at or after a time.

` + timeHelp,
		examples: []string{
			`memlog undo`, `memlog undo 118`, `memlog undo --last 3 --dry-run`,
			`memlog undo --since "an hour ago"`,
		},
		flags: append([]cli.Flag{
			&cli.IntFlag{Name: "last", Usage: "the newest `N` commands"},
			&cli.StringFlag{Name: "since", Usage: "all commands recorded at or after `TIME`"},
			&cli.StringFlag{Name: "session", Usage: "all commands of `SESSION`"},
			&cli.BoolFlag{Name: "force", Usage: "also what has changed since"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be taken back"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitConflict, exitBusy},
		run:   runUndo,
	}
}

func runUndo(ctx context.Context, c *call) error {
	req, err := c.undoRequest()
	if err != nil {
		return err
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Undo(ctx, req)
	if err != nil && len(res.Left) == 0 {
		return err
	}
	return c.emitWith(res, err, func(p *page) { p.undone(res) })
}

func (c *call) undoRequest() (memory.UndoRequest, error) {
	req := memory.UndoRequest{
		Force: c.yes("force"), DryRun: c.yes("dry-run"), Origin: c.origin(),
		AllOfSession: c.str("session"),
	}
	// A bare undo is about the newest command of the store: a session named here would narrow it.
	req.Origin.Session = ""
	selectors := len(c.args)
	for _, name := range []string{"last", "since", "session"} {
		if c.isSet(name) {
			selectors++
		}
	}
	if selectors > 1 {
		return req, usage("undo takes one of SEQ, --last, --since and --session")
	}
	if selectors > 0 {
		req.Origin.Session = clip(session(c.env))
	}
	if c.isSet("session") && req.AllOfSession == "" {
		return req, memory.Invalid("--session", "is empty")
	}
	var err error
	if len(c.args) == 1 {
		req.Seq, err = seqArg(c.args[0])
		return req, err
	}
	if req.Last, err = c.positive("last"); err != nil {
		return req, err
	}
	if req.Since, err = c.timeFlag("since", when.Start); err != nil {
		return req, err
	}
	if !req.Since.IsZero() {
		c.tell("recorded since %s", exact(req.Since))
	}
	return req, nil
}

// seqArg reads a sequence number: 118, seq:118 or #118.
func seqArg(s string) (memory.Seq, error) {
	if seq, ok, err := parseSeq("SEQ", s); ok || err != nil {
		return seq, err
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, memory.Invalid("SEQ", "not a sequence number: %q", s).
			WithHint("memlog log shows them")
	}
	return memory.Seq(n), nil
}

// undone writes what an undo took back and what it left.
func (p *page) undone(res memory.UndoResult) {
	for _, u := range res.Undone {
		text := u.Summary
		if text == "" {
			text = strings.Join(u.Kinds, ", ")
		}
		p.line("seq %-6d %s  %s", u.Seq, p.when(u.Time), oneLine(text))
	}
	for _, l := range res.Left {
		p.line("left alone: %s  %s", l.ID, oneLine(l.Reason))
	}
	text := plural(len(res.Undone), "command") + ", " + plural(len(res.Affected), "memory")
	switch {
	case res.DryRun:
		p.line("would undo %s", text)
	case res.Seq == 0:
		p.line("nothing undone")
	default:
		p.line("undid %s (seq %d)", text, res.Seq)
	}
}
