package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/torture"
)

// The defaults of memlog torture.
const (
	tortureClients   = 8
	tortureOps       = 200
	tortureKills     = 20
	tortureKillEvery = 500 * time.Millisecond
	tortureFor       = 10 * time.Minute
)

func tortureCommand() *command {
	return &command{
		name: "torture", group: "Prove",
		summary: "Kill the owner again and again under clients that write, and count",
		about: `
Starts memlog mcp processes, as agents do, that store memories and raise a counter under its
version. Meanwhile the owner of the store is killed (kill -9), again and again. Then the log is
verified and held against every acknowledgement: what was lost, what was done twice, what errors a
client was shown. Exit code 0 means: none.

The store is thrown away. --store names a directory of your own, to try the disk it is on: one that
is not there yet, or that such a run has left; a store of memories is refused. MEMLOG_STORE does not
count here.`,
		examples: []string{`memlog torture`,
			`memlog torture --clients 16 --ops 1000 --kill-every 200ms --store /mnt/disk/torture`},
		flags: []cli.Flag{
			&cli.IntFlag{Name: "clients", Usage: "`N` clients at a time (default: 8)"},
			&cli.IntFlag{Name: "ops", Usage: "`N` operations of each client (default: 200)"},
			&cli.StringFlag{Name: "kill-every", Usage: "`DURATION` between two kills, on average " +
				"(default: 500ms)"},
			&cli.IntFlag{Name: "kills", Usage: "go on until `N` owners were killed (default: 20)"},
			&cli.StringFlag{Name: "for", Usage: "begin nothing after this `DURATION` (default: 10m)"},
		},
		run: runTorture,
	}
}

func runTorture(ctx context.Context, c *call) (err error) {
	o, err := c.tortureOptions()
	if err != nil {
		return err
	}
	s := c.settings
	if !c.isSet("store") {
		if s.store, err = os.MkdirTemp("", "memlog-torture-"); err != nil {
			return fmt.Errorf("make a throw-away store: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.store)) }()
	}
	o.Owner = c.owner(s, c.log, true)
	defer func() {
		stop := daemon.Stop
		if err != nil { // the windows ended in the middle of something
			stop = daemon.StopLate
		}
		err = errors.Join(err, stop(context.WithoutCancel(ctx), o.Owner))
	}()
	o.Verify = func(ctx context.Context) (memory.VerifyResult, error) {
		return c.offline(s, c.log).Verify(ctx, memory.VerifyRequest{Deep: true})
	}
	res, err := torture.Run(ctx, o)
	if err != nil {
		return err
	}
	if c.isSet("store") {
		res.Store = s.store
	}
	if err := c.emit(res, func(p *page) { p.torture(res) }); err != nil || res.OK {
		return err
	}
	return reported{fmt.Errorf("%d lost, %d doubled, %d errors", res.Lost, res.Doubled, res.Errors)}
}

// tortureOptions are those that flags say, or their defaults.
func (c *call) tortureOptions() (torture.Options, error) {
	o := torture.Options{Clients: tortureClients, Ops: tortureOps, Kills: tortureKills,
		KillEvery: tortureKillEvery, For: tortureFor, Stderr: c.stderr, Progress: c.bar.progress(),
		ChildArgs: []string{"--timeout", c.timeout.String()}}
	for name, n := range map[string]*int{"clients": &o.Clients, "ops": &o.Ops, "kills": &o.Kills} {
		if err := c.count(name, n); err != nil {
			return o, err
		}
	}
	for name, d := range map[string]*time.Duration{"kill-every": &o.KillEvery, "for": &o.For} {
		if !c.isSet(name) {
			continue
		}
		var err error
		if *d, err = parseTimeout("--"+name, c.str(name)); err != nil {
			return o, err
		}
	}
	var err error
	if o.Exe, err = os.Executable(); err != nil {
		return o, fmt.Errorf("find this binary: %w", err)
	}
	return o, nil
}

func (p *page) torture(r torture.Result) {
	verdict := "nothing was lost, doubled or wrong"
	if !r.OK {
		verdict = "NOT RIGHT"
	}
	p.strong(verdict)
	for _, row := range []struct {
		name string
		n    int
	}{
		{"clients", r.Clients}, {"owners killed", r.Kills}, {"acknowledged", r.Acknowledged},
		{"lost", r.Lost}, {"doubled", r.Doubled}, {"errors", r.Errors}, {"stores", r.Stores},
		{"raises", r.Raises}, {"conflicts", r.Conflicts}, {"records", r.Records},
	} {
		p.line("%-14s %10d", row.name, row.n)
	}
	verified := "yes"
	if !r.Verified {
		verified = "NO"
	}
	p.line("%-14s %10s", "verified", verified)
	p.line("%-14s %10.1f ms", "median write", r.P50)
	p.line("%-14s %10.1f ms", "99 of 100 in", r.P99)
	p.line("%-14s %10.1f ms", "slowest", r.Max)
	p.line("%-14s %10.1f s", "took", r.Seconds)
	for _, f := range r.Findings {
		p.dim("%s", oneLine(f))
	}
	if r.Store != "" {
		p.field("store", r.Store)
	}
}
