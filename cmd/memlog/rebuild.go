package main

import (
	"context"
	"fmt"

	"memlog/cmd/memlog/internal/memory"
)

func rebuildCommand() *command {
	return &command{
		name: "rebuild", group: "Look after",
		summary: "Make a new index from the log",
		about: `
The old index stays until the new one is whole. It works where the old index cannot be opened.`,
		examples: []string{`memlog rebuild`},
		exits:    []int{exitDamaged, exitNotFound, exitBusy},
		run: func(ctx context.Context, c *call) error {
			svc, err := c.reader(ctx)
			if err != nil {
				return err
			}
			res, err := svc.Rebuild(ctx, memory.RebuildRequest{Progress: c.bar.progress()})
			if err != nil {
				return err
			}
			return c.emitRebuild(res)
		},
	}
}

func (c *call) emitRebuild(res memory.RebuildResult) error {
	return c.emit(res, func(p *page) {
		p.field("records", fmt.Sprintf("%d in %.2f s", res.Records, res.Seconds))
		p.field("digest", res.Digest)
		p.field("state", res.State)
	})
}
