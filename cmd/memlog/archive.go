package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func archiveCommand() *command {
	exits := []int{exitDamaged, exitNotFound, exitBusy}
	return &command{
		name: "archive", group: "Look after",
		summary: "Compress old parts of the log, and move them if asked",
		about: `
Sealed segments of the log are compressed, checksummed and moved to the archive. They stay part of
the one log: replay, verify and rebuild read them there.`,
		examples: []string{
			`memlog archive --older-than 30d`,
			`memlog archive --to /backup/memlog`,
			`memlog archive verify`,
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "older-than", Usage: "only segments whose last record is older " +
				"than `AGE`: 30d, 12h, 2w (default: all that are sealed)"},
			&cli.StringFlag{Name: "to", Usage: "directory of the archive, `DIR` (default: within " +
				"the store)"},
		},
		exits: exits,
		run:   runArchive,
		subs: []*command{
			{
				name: "list", summary: "List the segments in the archive", exits: exits,
				run: func(ctx context.Context, c *call) error {
					return c.archived(ctx, memory.Keeper.ArchiveList)
				},
			},
			{
				name: "verify", summary: "Check the archive", exits: exits,
				run: func(ctx context.Context, c *call) error {
					return c.archived(ctx, memory.Keeper.ArchiveVerify)
				},
			},
			{
				name: "restore", summary: "Bring archived segments back into the log", exits: exits,
				run: func(ctx context.Context, c *call) error {
					return c.archived(ctx, memory.Keeper.ArchiveRestore)
				},
			},
		},
	}
}

func runArchive(ctx context.Context, c *call) error {
	req := memory.ArchiveRequest{Progress: c.bar.progress()}
	var err error
	if c.isSet("older-than") {
		if req.OlderThan, err = parseAge(c.str("older-than")); err != nil {
			return memory.Invalid("--older-than", "not an age: %q", c.str("older-than")).
				WithHint("%s", err)
		}
	}
	if to := c.str("to"); strings.Contains(to, "://") {
		return memory.Invalid("--to", "only directories can be archives, not %s", to)
	} else if c.isSet("to") {
		if to == "" {
			return memory.Invalid("--to", "is empty")
		}
		if req.To, err = filepath.Abs(to); err != nil {
			return err
		}
	}
	return c.archived(ctx, func(k memory.Keeper, ctx context.Context) (memory.ArchiveResult, error) {
		return k.Archive(ctx, req)
	})
}

// archived runs one command of the archive and prints what the archive holds or got.
func (c *call) archived(
	ctx context.Context, do func(memory.Keeper, context.Context) (memory.ArchiveResult, error),
) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := do(svc, ctx)
	if err != nil {
		return err
	}
	if n := len(res.Problems); n > 0 {
		err = memory.Errorf(memory.CodeDamaged, "found %s in the archive", plural(n, "problem")).
			WithHint("memlog verify checks everything")
	}
	return c.emitWith(res, err, func(p *page) {
		p.segments(res.Segments)
		for _, x := range res.Problems {
			p.problem(x)
		}
		p.line("%s, %s before, %s after", plural(len(res.Segments), "segment"),
			bytesText(res.BytesBefore), bytesText(res.BytesAfter))
	})
}

// archivedState is the state of a segment that was moved to the archive.
const archivedState = "archived"

func (p *page) segments(list []memory.SegmentInfo) {
	for _, s := range list {
		p.line("%-24s %-8s %-20s %10s  %s", s.Name, s.State,
			rangeText(memory.SeqRange{From: s.FirstSeq, To: s.LastSeq}), bytesText(s.Bytes),
			p.when(s.LastTime))
		if s.State == archivedState && s.Path != "" {
			p.field("", s.Path)
		}
	}
}
