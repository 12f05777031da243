package main

import (
	"context"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func linkCommand() *command {
	return &command{
		name: "link", group: "Write", args: "FROM TO", min: 2, max: 2,
		summary: "Link one memory to another, or take the link away",
		about: `
A link leads from the first memory to the second and has a type, which says how.`,
		examples: []string{
			`memlog link ID1 ID2 --type explains`,
			`memlog link ID1 ID2 --type explains --remove`,
		},
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "type", Usage: "`TYPE` of the link, such as explains; required"},
			&cli.BoolFlag{Name: "remove", Usage: "take the link away"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runLink,
	}
}

func runLink(ctx context.Context, c *call) error {
	req := memory.LinkRequest{
		From: c.args[0], To: c.args[1], Type: c.str("type"), Remove: c.yes("remove"),
		Origin: c.origin(),
	}
	if req.Type == "" {
		return memory.Invalid("--type", "is required").WithHint("usage: %s", usageLine(c.cmd))
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Link(ctx, req)
	if err != nil {
		return err
	}
	verb := "linked"
	if req.Remove {
		verb = "unlinked"
	}
	return c.emitChange(verb, res)
}
