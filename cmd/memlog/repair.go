package main

import (
	"context"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func repairCommand() *command {
	return &command{
		name: "repair", group: "Look after",
		summary: "Make a damaged store whole; discard nothing",
		about: `
Heals what another copy can heal, and sets aside in the store's quarantine what it cuts off.
Acknowledged records that are beyond help are given up only with --accept-loss, which puts that
down in the log; without it repair reports them and exits with code 3.`,
		examples: []string{`memlog repair --dry-run`, `memlog repair`, `memlog repair --accept-loss`},
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be done"},
			&cli.BoolFlag{Name: "accept-loss", Usage: "give up records that are beyond help"},
		},
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runRepair,
	}
}

func runRepair(ctx context.Context, c *call) error {
	k := c.keeper()
	req := memory.RepairRequest{
		DryRun: c.yes("dry-run"), AcceptLoss: c.yes("accept-loss"), Progress: c.bar.progress(),
	}
	res, err := k.Repair(ctx, req)
	if err != nil && res.Kept == 0 && len(res.Lost) == 0 {
		return err
	}
	if err == nil && len(res.Lost) > 0 && !req.AcceptLoss {
		err = memory.Errorf(memory.CodeDamaged, "%s beyond help", plural(len(res.Lost), "stretch")).
			WithHint("memlog repair --accept-loss gives them up and keeps the rest")
	}
	return c.emitWith(res, err, func(p *page) {
		p.field("kept", plural(res.Kept, "record"))
		p.field("healed", plural(res.Healed, "record"))
		for _, l := range res.Lost {
			p.field("lost", rangeText(l))
		}
		for _, q := range res.Quarantine {
			p.field("set aside", filepath.Join(c.store, q))
		}
		for _, n := range res.Notes {
			p.field("note", n)
		}
		if res.DryRun {
			p.line("nothing was changed")
		}
	})
}
