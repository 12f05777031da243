package main

import (
	"context"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func revertCommand() *command {
	return &command{
		name: "revert", group: "Go back",
		summary: "Bring the state of a moment back",
		about: `
Appends the opposite of all that came since, as one command: nothing is lost, and undo takes the
revert back. --dry-run shows what would change.

` + momentHelp,
		examples: []string{`memlog revert --until yesterday --dry-run`, `memlog revert --until seq:118`},
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "until", Usage: "the `MOMENT` to bring back; required"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would change"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runRevert,
	}
}

func runRevert(ctx context.Context, c *call) error {
	if !c.isSet("until") {
		return memory.Invalid("--until", "is required").
			WithHint("memlog replay --list shows what there is to go back to")
	}
	req := memory.RevertRequest{DryRun: c.yes("dry-run"), Origin: c.origin()}
	var err error
	if req.Until, err = c.momentFlag("until"); err != nil {
		return err
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Revert(ctx, req)
	if err != nil {
		return err
	}
	c.tellAsOf(req.Until, &res.Until)
	return c.emit(res, func(p *page) {
		for _, id := range res.Affected {
			p.line("%s", id)
		}
		text := changeText("changed",
			memory.Change{Seq: res.Seq, Affected: res.Affected, DryRun: res.DryRun})
		if res.Seq != 0 {
			text += " (seq " + plainSeq(res.Seq) + ")"
		}
		p.line("%s", text)
		p.field("digest", res.Digest)
	})
}
