package main

import (
	"context"
	"fmt"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
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
	p.owner(st.PID, st.Version, st.Since)
	if st.Version == "" {
		return
	}
	p.field("calls", st.Calls)
	p.field("last record", "seq "+plainSeq(st.LastSeq))
	p.field("watermark", "seq "+plainSeq(st.Watermark))
	if w := st.Window; w != nil {
		p.field("last hour", fmt.Sprintf("%d calls, %d failed; %d stores, 99 of 100 within %.1f ms",
			w.Calls, w.Errors, w.Stores, w.StoreP99*1000))
	}
	if st.Models != nil {
		p.models(*st.Models)
	}
	for _, c := range st.Clients {
		p.client(c)
	}
}

// owner writes which process has the store; one without a version does not answer.
func (p *page) owner(pid int, version string, since time.Time) {
	switch {
	case pid == 0:
		p.field("owner", "does not answer")
	case version == "":
		p.field("owner", fmt.Sprintf("process %d, which does not answer", pid))
	default:
		p.field("owner", fmt.Sprintf("process %d, memlog %s, since %s", pid, version, p.when(since)))
	}
}

// client writes who is connected.
func (p *page) client(c memory.ClientInfo) {
	text := fmt.Sprintf("%s %s, process %d, since %s", c.Name, c.Version, c.PID, p.when(c.Since))
	if c.Session != "" {
		text += ", session " + c.Session
	}
	if c.Project != "" {
		text += ", in " + c.Project
	}
	p.field("client", text)
}
