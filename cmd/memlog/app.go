package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// app is what a run of the command line reads from, writes to and calls. Tests replace parts.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    func(string) string
	now    func() time.Time
	screen screen

	// open opens the store of s; without create it must exist.
	open func(ctx context.Context, s settings, log *slog.Logger, create bool) (memory.Service, error)
	// offline returns what looks after a store that need not be fit to be opened.
	offline func(s settings, log *slog.Logger) offlineKeeper
	// front returns the store for a process that lives long; it opens nothing before the first call.
	front func(s settings, log *slog.Logger) (memory.Service, error)
	// owner returns how the owner of a store is found, and how it opens the store.
	owner func(s settings, log *slog.Logger, create bool) daemon.Options
}

// offlineKeeper looks after a store that need not be fit to be opened.
type offlineKeeper interface {
	Verify(context.Context, memory.VerifyRequest) (memory.VerifyResult, error)
	Repair(context.Context, memory.RepairRequest) (memory.RepairResult, error)
}

// newApp returns the app of this process.
func newApp() *app {
	return &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		env: os.Getenv, now: time.Now, screen: thisScreen(os.Getenv),
		open: openStore, offline: openOffline, front: openFront, owner: ownerOptions,
	}
}

// run runs one command line and returns its exit code.
func (a *app) run(ctx context.Context, words []string) int {
	table, globals := commands(), globalFlags()
	l, err := arrange(table, globals, words)
	switch {
	case l.cmd != nil && l.cmd.neverFails && !l.help:
		return a.runUnfailing(ctx, l, err)
	case err != nil:
		return a.fail(err, wantsJSON(words))
	case l.help && l.cmd == nil:
		return a.help(overview(table, globals))
	case l.help:
		return a.help(commandHelp(l.cmd, globals))
	case l.cmd == nil:
		return a.fail(usage("no command was given").
			WithHint("memlog help lists the commands; memlog try shows them at work"),
			wantsJSON(words))
	}
	c := &call{app: a, cmd: l.cmd}
	if err = c.do(ctx, l); err != nil {
		return a.fail(err, c.asJSON(words))
	}
	return exitDone
}

// runUnfailing runs a command whose caller would take an exit code for an order. err is of taking
// the line apart.
func (a *app) runUnfailing(ctx context.Context, l line, err error) int {
	if err == nil {
		err = (&call{app: a, cmd: l.cmd}).do(ctx, l)
	}
	if err != nil {
		a.fail(err, false)
		if l.cmd.failed != nil {
			if _, err := a.stdout.Write(l.cmd.failed(err)); err != nil {
				fmt.Fprintln(a.stderr, "error:", err)
			}
		}
	}
	return exitDone
}

// do runs the command of a line.
func (c *call) do(ctx context.Context, l line) error {
	err := tree(c, commands(), globalFlags()).RunContext(ctx, l.words())
	return c.finish(err)
}

// tree builds what urfave/cli parses with. The action of each command fills in c and runs it.
func tree(c *call, table []*command, globals []cli.Flag) *cli.App {
	return &cli.App{
		Name: "memlog", Flags: globals, Commands: branches(c, table),
		HideHelp: true, HideHelpCommand: true, HideVersion: true,
		DisableSliceFlagSeparator: true,
		Writer:                    io.Discard, ErrWriter: io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return badFlag(err) },
	}
}

func branches(c *call, table []*command) []*cli.Command {
	var out []*cli.Command
	for _, cmd := range table {
		out = append(out, &cli.Command{
			Name: cmd.name, Flags: cmd.flags, Subcommands: branches(c, cmd.subs),
			HideHelp: true, HideHelpCommand: true,
			OnUsageError: func(_ *cli.Context, err error, _ bool) error { return badFlag(err) },
			Action: func(flags *cli.Context) error {
				if err := c.begin(flags); err != nil {
					return err
				}
				return c.cmd.run(flags.Context, c)
			},
		})
	}
	return out
}

// badFlag words what urfave/cli says about a value it cannot read.
func badFlag(err error) error { return usage("%w", err) }

// help prints help, which is not an error.
func (a *app) help(text string) int {
	fmt.Fprint(a.stdout, text)
	return exitDone
}

// fail prints err on stderr, with asJSON also as the document on stdout, and returns its exit code.
func (a *app) fail(err error, asJSON bool) int {
	code := exitCode(err)
	body := describe(err)
	if errors.Is(err, context.Canceled) {
		body.Message = "interrupted"
	}
	var done reported
	var mute unprinted
	if asJSON && !errors.As(err, &done) && !errors.As(err, &mute) {
		if werr := writeJSON(a.stdout, errorDocument{Error: body}); werr != nil {
			fmt.Fprintln(a.stderr, "error:", werr)
		}
	}
	text := body.Message
	if body.Argument != "" {
		text = body.Argument + ": " + text
	}
	fmt.Fprintln(a.stderr, "error:", safeText(text))
	if body.Hint != "" {
		fmt.Fprintln(a.stderr, "hint:", safeText(body.Hint))
	}
	return code
}

// wantsJSON reports whether a line that could not be taken apart asks for JSON.
func wantsJSON(words []string) bool {
	for _, w := range words {
		switch w {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}
