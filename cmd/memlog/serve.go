package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

func serveCommand() *command {
	return &command{
		name: "serve", group: "Processes",
		summary: "Own the store and serve it to every other process",
		about: `
memlog mcp starts it when it is needed, and it leaves when nobody has used the store for a while:
there is seldom a reason to run it by hand. Where the store has an owner already it ends at once.
What it does is noted in serve.log in the store.

With --http it serves MCP over streamable HTTP at http://ADDR/mcp, beside /healthz and /metrics,
until it is stopped. It uses the store like every other process, through its owner. Clients send
the token of the token file as "Authorization: Bearer TOKEN"; the log says of their changes what
they send as Memlog-Session and Memlog-Project.`,
		examples: []string{`memlog serve`, `memlog serve --idle 8h`,
			`memlog serve --http 127.0.0.1:7433`},
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "idle", Usage: "leave after `DURATION` without use (default: 10m)"},
		}, httpFlags()...),
		exits: []int{exitDamaged, exitBusy},
		run:   runServe,
	}
}

func runServe(ctx context.Context, c *call) error {
	if c.isSet("http") {
		return runHTTP(ctx, c)
	}
	for _, f := range httpFlags() {
		if name := f.Names()[0]; c.isSet(name) {
			return memory.Invalid("--"+name, "goes with --http only")
		}
	}
	if c.json {
		return memory.Invalid("--json", "goes with serve --http only: else it has no result")
	}
	hurry()
	spare()
	logs := daemon.LogFile(c.store)
	defer logs.Close()
	level := &slog.HandlerOptions{Level: min(c.level, slog.LevelInfo)}
	log := slog.New(slog.NewTextHandler(logs, level))
	o := c.owner(c.settings, log, true)
	if v := c.flags.String("idle"); v != "" {
		idle, err := parseTimeout("--idle", v)
		if err != nil {
			return err
		}
		o.Idle = max(idle, time.Second)
	}
	o.Open = drained(o.Open, c.store, log)
	return daemon.Own(ctx, o)
}
