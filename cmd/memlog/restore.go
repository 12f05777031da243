package main

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

func restoreCommand() *command {
	return &command{
		name: "restore", group: "Write", args: "ID...", min: 1, max: unlimited,
		summary:  "Bring deleted memories back as they were",
		examples: []string{`memlog restore 0198c0de-7a5c-7d1e-9b1f-3f6f0a1b2c3d`},
		flags:    originFlags(),
		exits:    []int{exitDamaged, exitNotFound, exitBusy},
		run: func(ctx context.Context, c *call) error {
			svc, err := c.reader(ctx)
			if err != nil {
				return err
			}
			res, err := svc.Restore(ctx, memory.RestoreRequest{IDs: c.args, Origin: c.origin()})
			if err != nil {
				return err
			}
			return c.emitChange("restored", res)
		},
	}
}
