package main

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

func historyCommand() *command {
	return &command{
		name: "history", group: "Read", args: "ID", min: 1, max: 1,
		summary: "Show every version of a memory",
		about: `
The oldest comes first. ID is the id of the memory or one of its aliases.`,
		examples: []string{`memlog history 0198c0de-7a5c-7d1e-9b1f-3f6f0a1b2c3d`},
		exits:    []int{exitDamaged, exitNotFound, exitBusy},
		run:      runHistory,
	}
}

func runHistory(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	h, err := svc.History(ctx, c.args[0])
	if err != nil {
		return err
	}
	return c.emit(h, func(p *page) {
		p.line("%s  %s", h.ID, plural(len(h.Versions), "entry"))
		for _, v := range h.Versions {
			p.version(v)
		}
	})
}

func (p *page) version(v memory.Version) {
	head := fmt.Sprintf("seq %-6d %-10s version %-3d %s", v.Seq, v.Event, v.Version, p.when(v.Time))
	if v.Client != "" {
		head += "  by " + v.Client
	}
	p.strong(head)
	p.content(v.Content, "  ", shownLines)
	var more []string
	if v.Type != "" {
		more = append(more, v.Type)
	}
	for _, t := range v.Tags {
		more = append(more, "#"+t)
	}
	if len(v.Metadata) > 0 {
		more = append(more, string(v.Metadata))
	}
	if len(more) > 0 {
		p.dim("%s", strings.Join(more, "  "))
	}
	if v.Reason != "" {
		p.dim("reason: %s", v.Reason)
	}
}
