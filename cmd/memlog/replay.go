package main

import (
	"context"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func replayCommand() *command {
	return &command{
		name: "replay", group: "Go back",
		summary: "Build the store as it was at a moment",
		about: `
Counts the memories of that moment and gives their digest; --diff adds how the present differs
from it; --into makes a complete store of its own of it, which must not exist yet. Nothing is
changed here: revert brings a moment back. --list shows what there is to go back to.

--clock created cuts by the time of the facts instead, and only reports.

` + momentHelp,
		examples: []string{
			`memlog replay --list`,
			`memlog replay --until "2025-01-25" --diff`,
			`memlog replay --until seq:118 --into /tmp/then`,
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "until", Usage: "up to this `MOMENT`"},
			&cli.StringFlag{Name: "into", Usage: "make a store of it in `DIR`"},
			&cli.BoolFlag{Name: "diff", Usage: "compare with the present"},
			&cli.StringFlag{Name: "clock", Usage: "`CLOCK` to cut by: recorded or created " +
				"(default: recorded)"},
			&cli.BoolFlag{Name: "list", Usage: "list the days, snapshots and archives there are"},
		},
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runReplay,
	}
}

func runReplay(ctx context.Context, c *call) error {
	if c.yes("list") {
		for _, name := range []string{"until", "into", "diff", "clock"} {
			if c.isSet(name) {
				return memory.Invalid("--"+name, "does not go with --list")
			}
		}
		return listMoments(ctx, c)
	}
	if !c.isSet("until") {
		return memory.Invalid("--until", "is required").
			WithHint("memlog replay --list shows what there is to go back to")
	}
	req := memory.ReplayRequest{Diff: c.yes("diff"), Progress: c.bar.progress()}
	var err error
	if req.Until, err = c.momentFlag("until"); err != nil {
		return err
	}
	if req.Clock, err = c.clock(); err != nil {
		return err
	}
	if c.isSet("into") {
		if c.str("into") == "" {
			return memory.Invalid("--into", "is empty")
		}
		if req.Into, err = filepath.Abs(c.str("into")); err != nil {
			return err
		}
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Replay(ctx, req)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) { p.replay(res, req.Diff) })
}

func (p *page) replay(r memory.ReplayResult, diff bool) {
	if !r.Until.IsZero() {
		p.field("until", exact(r.Until))
	}
	p.field("last record", "seq "+plainSeq(r.UntilSeq)+"  "+p.when(r.Time))
	p.field("clock", r.Clock)
	p.field("records", r.Records)
	p.field("memories", r.Memories)
	p.field("digest", r.Digest)
	p.field("into", r.Into)
	for _, n := range r.Notes {
		p.field("note", n)
	}
	if !diff {
		return
	}
	p.line("since then: %d added, %d removed, %d changed",
		len(r.Added), len(r.Removed), len(r.Changed))
	width := 0
	if p.width > 0 {
		width = p.width - len("+ ") - len(memory.ID{}.String()) - len("  ")
	}
	show := func(sign string, items []memory.DiffItem) {
		for _, i := range items {
			p.line("%s %s  %s", sign, i.ID, cut(oneLine(i.Content), width))
		}
	}
	show("+", r.Added)
	show("-", r.Removed)
	show("~", r.Changed)
}

func listMoments(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Moments(ctx)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		p.line("%-10s  %-15s  %7s  %7s  %7s  %7s", "day", "records", "count", "stored", "updated",
			"deleted")
		for _, d := range res.Days {
			p.line("%-10s  %-15s  %7d  %7d  %7d  %7d", d.Date,
				plainSeq(d.FirstSeq)+"-"+plainSeq(d.LastSeq), d.Records, d.Stored, d.Updated, d.Deleted)
		}
		if len(res.Snapshots) > 0 {
			p.line("\nsnapshots")
			p.snapshots(res.Snapshots)
		}
		if len(res.Archives) > 0 {
			p.line("\narchives")
			p.segments(res.Archives)
		}
	})
}
