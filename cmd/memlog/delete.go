package main

import (
	"context"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func deleteCommand() *command {
	return &command{
		name: "delete", group: "Write", args: "[ID...]", max: unlimited,
		summary: "Delete memories, by id or by filter",
		about: `
Either ids (or aliases) or filters, never both: filters delete all that they select, as one
command. --dry-run shows which. Nothing is lost: restore brings one back, undo all of them.

` + timeHelp,
		examples: []string{
			`memlog delete 0198c0de-7a5c-7d1e-9b1f-3f6f0a1b2c3d`,
			`memlog delete --tag scratch --until "last month" --dry-run`,
		},
		flags: append(append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be deleted"},
			&cli.IntFlag{Name: "if-version", Usage: "only if the present version is `N`; with one ID"},
		}, filterFlags()...), originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitConflict, exitBusy},
		run:   runDelete,
	}
}

func runDelete(ctx context.Context, c *call) error {
	req := memory.DeleteRequest{IDs: c.args, DryRun: c.yes("dry-run"), Origin: c.origin()}
	var err error
	if req.Filter, err = c.filter(); err != nil {
		return err
	}
	if req.IfVersion, err = c.ifVersion(); err != nil {
		return err
	}
	byFilter := !req.Filter.IsZero()
	switch {
	case byFilter && len(req.IDs) > 0:
		return usage("delete takes ids or filters, not both")
	case !byFilter && len(req.IDs) == 0:
		return usage("delete needs an id or a filter").
			WithHint("for example memlog delete --tag scratch --dry-run")
	case req.IfVersion != 0 && len(req.IDs) != 1:
		return memory.Invalid("--if-version", "goes with one id")
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Delete(ctx, req)
	if err != nil {
		return err
	}
	return c.emitChange("deleted", res)
}
