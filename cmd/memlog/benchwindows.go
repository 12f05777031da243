package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/bench"
)

// The defaults of memlog bench windows.
const (
	benchMemories = 100_000
	benchRuns     = 9
)

func benchWindowsCommand() *command {
	return &command{
		name:    "windows",
		summary: "What a window of an agent costs: time, memory, and stores a second",
		about: `
Starts memlog mcp processes, as an agent does, on an empty store and on a large one: how soon the
handshake is answered, and the first search, with and without an owner, beside a process that only
says its version; the memory of a window and of the owner; and how many durable stores a second
1, 4, 8 and 16 windows do together, beside one writer that appends to a plain file and syncs it.`,
		examples: []string{`memlog bench windows`, `memlog bench windows --memories 1000 --runs 3`},
		flags: []cli.Flag{
			&cli.IntFlag{Name: "memories", Usage: "`N` memories in the large store (default: 100000)"},
			&cli.IntFlag{Name: "runs", Usage: "`N` starts of a process that are timed (default: 9)"},
		},
		run: runBenchWindows,
	}
}

func runBenchWindows(ctx context.Context, c *call) (err error) {
	o := bench.WindowsOptions{Memories: benchMemories, Runs: benchRuns, Logger: c.log,
		Progress: c.bar.progress()}
	for name, n := range map[string]*int{"memories": &o.Memories, "runs": &o.Runs} {
		if err := c.count(name, n); err != nil {
			return err
		}
	}
	if o.Exe, err = os.Executable(); err != nil {
		return fmt.Errorf("find this binary: %w", err)
	}
	if o.Dir, err = os.MkdirTemp("", "memlog-bench-"); err != nil {
		return fmt.Errorf("make a throw-away store: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	res, err := bench.Windows(ctx, o)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) { p.benchWindows(res) })
}

func (p *page) benchWindows(r bench.WindowsResult) {
	p.line("%-36s %10s %10s", fmt.Sprintf("milliseconds, %d runs", r.Runs), "median", "slowest")
	for _, s := range r.Start {
		for _, row := range []struct {
			name string
			took bench.Spread
		}{
			{"a process that does nothing", s.Process}, {"initialize answered", s.Initialize},
			{"first search, no owner", s.ColdSearch},
			{"first search, with an owner", s.WarmSearch},
		} {
			p.line("%-36s %10.1f %10.1f", fmt.Sprintf("%s, %d memories", row.name, s.Memories),
				row.took.P50, row.took.P99)
		}
	}
	for _, m := range r.Resident {
		p.line("%-36s %10.1f MB", fmt.Sprintf("one more window takes, %d memories", m.Memories), m.Window)
		p.line("%-36s %10.1f MB", "its resident set, with shared pages", m.WindowSet)
		p.line("%-36s %10.1f MB", fmt.Sprintf("resident set of the owner, %d", m.Memories), m.Owner)
		p.line("%-36s %10.1f MB", fmt.Sprintf("together, with %d windows", m.Windows), m.Together)
	}
	p.line("%-36s %10s %10s %10s %10s", "durable stores", "a second", "median ms", "p99 ms",
		"raw sync/s")
	for _, s := range r.Stores {
		p.line("%-36s %10.0f %10.1f %10.1f %10.0f",
			fmt.Sprintf("%d windows, %d memories", s.Windows, s.Memories),
			s.PerSecond, s.Took.P50, s.Took.P99, s.Raw)
	}
}
