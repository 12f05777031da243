package main

import (
	"context"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func duplicatesCommand() *command {
	return &command{
		name: "duplicates", group: "Write",
		summary: "List memories that say nearly the same, and merge them if asked",
		about: `
Without --merge nothing is changed. A merge keeps the oldest memory of each set, with the tags of
all, and deletes the others as one command that undo takes back.`,
		examples: []string{`memlog duplicates`, `memlog duplicates --merge --dry-run`},
		flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "merge", Usage: "keep one of each set"},
			&cli.BoolFlag{Name: "dry-run", Usage: "with --merge: only say what would be done"},
			&cli.Float64Flag{Name: "threshold", Usage: "`SHARE` of words in common from which " +
				"memories count as duplicates, up to 1 (default: 0.8)"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runDuplicates,
	}
}

func runDuplicates(ctx context.Context, c *call) error {
	req := memory.DuplicatesRequest{
		Merge: c.yes("merge"), DryRun: c.yes("dry-run"), Threshold: c.flags.Float64("threshold"),
		Origin: c.origin(),
	}
	switch {
	case c.isSet("threshold") && !(req.Threshold > 0 && req.Threshold <= 1):
		return memory.Invalid("--threshold", "must be above 0 and at most 1: %v", req.Threshold)
	case req.DryRun && !req.Merge:
		return memory.Invalid("--dry-run", "goes with --merge; without it nothing is changed")
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Duplicates(ctx, req)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		for _, s := range res.Sets {
			p.content(s.Content, "", shownLines)
			p.line("  %s  keep", s.Keep)
			for _, id := range s.Same {
				p.line("  %s", id)
			}
			p.dim("similarity %.2f or more", s.Score)
		}
		p.line("%s of memories that say nearly the same", plural(len(res.Sets), "set"))
		if req.Merge {
			p.line("%s", changeText("merged",
				memory.Change{Seq: res.Seq, Affected: res.Affected, DryRun: res.DryRun}))
		}
	})
}
