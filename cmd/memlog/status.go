package main

import (
	"context"
	"fmt"

	"memlog/cmd/memlog/internal/daemon"
)

func statusCommand() *command {
	return &command{
		name: "status", group: "Processes",
		summary: "Say whether the store has an owner, and who uses it",
		exits:   []int{exitBusy},
		run: func(ctx context.Context, c *call) error {
			st, err := daemon.Status(ctx, ownerOptions(c.settings, c.log, false))
			return c.emitWith(st, err, func(p *page) { p.status(st) })
		},
	}
}

func (p *page) status(st daemon.StatusInfo) {
	p.field("store", st.Store)
	if !st.Running {
		p.line("no owner: the next command opens the store itself, memlog mcp starts one")
		return
	}
	p.field("owner", fmt.Sprintf("process %d, memlog %s", st.PID, st.Version))
	p.field("since", p.when(st.Since))
	p.field("calls", st.Calls)
	p.field("last record", "seq "+plainSeq(st.LastSeq))
	p.field("watermark", "seq "+plainSeq(st.Watermark))
	for _, c := range st.Clients {
		p.field("client", fmt.Sprintf("%s %s, process %d, since %s", c.Name, c.Version, c.PID,
			p.when(c.Since)))
	}
}
