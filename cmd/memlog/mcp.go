package main

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/mcpserver"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

func mcpCommand() *command {
	return &command{
		name: "mcp", group: "Processes",
		summary: "Serve the store to an agent over MCP on standard input and output",
		about: `
Claude Code starts it, see memlog install claude-code. It ends when standard input closes. It
does not open the store: behind the answer to the handshake it connects to the store's owner, and
starts memlog serve where there is none; a store that is not there is made by the first call.
Standard output belongs to the protocol; logs go to standard error.`,
		examples: []string{`memlog mcp --store ~/notes`},
		exits:    []int{},
		run:      runMCP,
	}
}

// named is who the owner of the store is told that its client is: the one of MCP, where it says so.
func (c *call) named(who mcpserver.Caller) rpc.ClientOptions {
	if who.Client == "" {
		who.Client, who.Version = c.holder, version()
	}
	return rpc.ClientOptions{Name: who.Client, Version: who.Version, Session: who.Session,
		Project: who.Project}
}

func runMCP(ctx context.Context, c *call) error {
	if c.json {
		return memory.Invalid("--json", "does not go with mcp: standard output is the protocol's")
	}
	c.streamed = true
	name, host := caller()
	var err error
	if c.svc, err = c.front(c.settings, c.log); err != nil {
		return err
	}
	err = mcpserver.Run(ctx, c.svc, mcpserver.Options{
		Version: version(), Now: c.now, Session: clip(session(c.env)),
		ProjectDir: clip(c.env(envProject)), User: name, Host: host, Logger: c.log,
		Ready: func(who mcpserver.Caller) {
			lean()
			daemon.Warm(c.svc, c.named(who))
		},
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// leanGC is how much garbage a process may have at first that holds little, in percent of that;
// Go's own default is 100.
const leanGC = 400

// lean makes little of this process: a window mostly waits, and does one thing at a time. Threads
// that look for more to do cost more than they find, eight windows at a time. Nor does it spread
// over more memory than it needs once it has begun: a page that is new costs more than one that is
// swept. The handshake comes first: to set this stops all threads and starts them again.
func lean() {
	runtime.GOMAXPROCS(1)
	hurry()
}

// full takes back what lean did.
func full() { runtime.SetDefaultGOMAXPROCS() }

// hurryTime is how long a process that starts leaves its garbage alone: somebody waits for it.
const hurryTime = 500 * time.Millisecond

// hurry has this process collect less garbage at first.
func hurry() {
	usual := debug.SetGCPercent(leanGC)
	time.AfterFunc(hurryTime, func() {
		debug.SetGCPercent(usual)
		tidy()
	})
}

// spare has the scheduler of an owner take one processor more than there are: one waits for a sync
// nearly always, and to take it away from there and give it back costs as much as the sync.
func spare() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) }
