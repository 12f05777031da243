package main

import (
	"context"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func listCommand() *command {
	return &command{
		name: "list", group: "Read",
		summary: "List memories, the newest first",
		about: `
One page at a time: next_cursor of one page, given as --cursor, brings the next.

` + momentHelp,
		examples: []string{
			`memlog list --tag deploy --tag staging --match all`,
			`memlog list --during "last week" --limit 50`,
			`memlog list --as-of "2025-01-25" --json`,
		},
		flags: append(append([]cli.Flag{
			limitFlag(),
			&cli.StringFlag{Name: "cursor", Usage: "go on at `CURSOR`, from the page before"},
			&cli.BoolFlag{Name: "deleted", Usage: "deleted memories too"},
		}, filterFlags()...), asOfFlag()),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runList,
	}
}

func runList(ctx context.Context, c *call) error {
	req := memory.ListRequest{Cursor: c.str("cursor"), IncludeDeleted: c.yes("deleted")}
	var err error
	if req.Limit, err = c.positive("limit"); err != nil {
		return err
	}
	if req.AsOf, err = c.momentFlag("as-of"); err != nil {
		return err
	}
	if req.Filter, err = c.filter(); err != nil {
		return err
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.List(ctx, req)
	if err != nil {
		return err
	}
	c.tellAsOf(req.AsOf, res.AsOf)
	return c.emit(res, func(p *page) {
		for _, m := range res.Memories {
			p.entry("", m)
		}
		p.line("%d of %s", len(res.Memories), plural(res.Total, "memory"))
		if res.NextCursor != "" {
			p.line("more with --cursor %s", res.NextCursor)
		}
	})
}
