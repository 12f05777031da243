package main

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

func tagsCommand() *command {
	return &command{
		name: "tags", group: "Read",
		summary:  "List the tags in use, the most used first",
		about:    momentHelp,
		examples: []string{`memlog tags --project memlog`},
		flags:    append(filterFlags(), asOfFlag()),
		exits:    []int{exitDamaged, exitNotFound, exitBusy},
		run:      runTags,
	}
}

func runTags(ctx context.Context, c *call) error {
	var req memory.TagsRequest
	var err error
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
	res, err := svc.Tags(ctx, req)
	if err != nil {
		return err
	}
	c.tellAsOf(req.AsOf, res.AsOf)
	return c.emit(res, func(p *page) {
		for _, t := range res.Tags {
			p.line("%6d  %s", t.Count, oneLine(t.Tag))
		}
		if len(res.Tags) == 0 {
			p.line("no tags")
		}
	})
}
