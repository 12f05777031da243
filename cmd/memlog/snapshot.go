package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// defaultKeep is how many snapshots a prune leaves.
const defaultKeep = 3

func snapshotCommand() *command {
	exits := []int{exitDamaged, exitNotFound, exitBusy}
	return &command{
		name: "snapshot", group: "Look after",
		summary: "Copies of the index, which bound how long a replay takes",
		exits:   exits,
		subs: []*command{
			{name: "create", summary: "Copy the index as it is", exits: exits, run: snapshotCreate},
			{name: "list", summary: "List the snapshots there are", exits: exits, run: snapshotList},
			{
				name: "prune", summary: "Remove all but the newest snapshots", exits: exits,
				flags: []cli.Flag{
					&cli.IntFlag{Name: "keep", Usage: "how many stay, `N` (default: 3)"},
					&cli.BoolFlag{Name: "dry-run", Usage: "only say which would be removed"},
				},
				run: snapshotPrune,
			},
			{
				name: "restore", args: "NAME", min: 1, max: 1, exits: exits, run: snapshotRestore,
				summary: "Make the index from a snapshot and the log after it",
			},
		},
	}
}

func snapshotCreate(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.SnapshotCreate(ctx)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) { p.snapshots([]memory.SnapshotInfo{res}) })
}

type snapshotListResult struct {
	Snapshots []memory.SnapshotInfo `json:"snapshots"`
}

func snapshotList(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	list, err := svc.SnapshotList(ctx)
	if err != nil {
		return err
	}
	return c.emit(snapshotListResult{list}, func(p *page) {
		if len(list) == 0 {
			p.line("no snapshots")
		}
		p.snapshots(list)
	})
}

func snapshotPrune(ctx context.Context, c *call) error {
	req := memory.PruneRequest{Keep: defaultKeep, DryRun: c.yes("dry-run")}
	if c.isSet("keep") {
		if req.Keep = c.flags.Int("keep"); req.Keep < 0 {
			return memory.Invalid("--keep", "must be 0 or more: %d", req.Keep)
		}
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.SnapshotPrune(ctx, req)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		for _, name := range res.Removed {
			p.line("%s", name)
		}
		if req.DryRun {
			p.line("would remove %s", plural(len(res.Removed), "snapshot"))
			return
		}
		p.line("removed %s", plural(len(res.Removed), "snapshot"))
	})
}

func snapshotRestore(ctx context.Context, c *call) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.SnapshotRestore(ctx, c.args[0])
	if err != nil {
		return err
	}
	return c.emitRebuild(res)
}

func (p *page) snapshots(list []memory.SnapshotInfo) {
	for _, s := range list {
		state := ""
		if !s.OK {
			state = "  damaged"
		}
		p.line("%-20s seq %-8d %10s  made %s%s", s.Name, s.Seq, bytesText(s.Bytes), p.when(s.Made),
			state)
	}
}

var errAge = errors.New("write for example 30d, 12h or 2w")

// parseAge reads an age: a duration of Go, or a number of days or weeks.
func parseAge(s string) (time.Duration, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	var n int
	var unit string
	if _, err := fmt.Sscanf(s, "%d%s", &n, &unit); err != nil || n < 0 || n > maxAgeDays {
		return 0, errAge
	}
	const day = 24 * time.Hour
	switch unit {
	case "d":
		return time.Duration(n) * day, nil
	case "w":
		return time.Duration(n) * 7 * day, nil
	}
	return 0, errAge
}

// maxAgeDays keeps an age in days or weeks within a time.Duration.
const maxAgeDays = 10_000
