package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/mcpserver"
)

func tryCommand() *command {
	return &command{
		name: "try", group: "Prove", args: "[DIR]", max: 1,
		summary: "Show everything at work, in a store that is thrown away",
		about: `
Starts this binary as memlog mcp, as an agent would, and speaks to it over MCP: stores the
documents below DIR (default: the working directory; where it has none, memlog's own help), finds
things in them, changes, deletes, undoes, goes back in time, and verifies the log. Each step is
checked and shown as it happens; exit code 0 means that every one was right. Your own store is not
touched.`,
		examples: []string{`memlog try`, `memlog try ~/notes --keep`},
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "keep", Usage: "keep the store, and say where it is"},
		},
		run: runTry,
	}
}

// tryResult is the report of a trial.
type tryResult struct {
	OK       bool      `json:"ok"`
	Memories int       `json:"memories"`
	Records  uint64    `json:"records"`
	Steps    []tryStep `json:"steps"`
	Store    string    `json:"store,omitempty"` // where it was kept
	Seconds  float64   `json:"seconds"`
}

// tryStep is one step of a trial and how it went.
type tryStep struct {
	Name   string  `json:"name"`
	OK     bool    `json:"ok"`
	Detail string  `json:"detail"`
	Millis float64 `json:"millis"`
}

// trial is a run of memlog try.
type trial struct {
	c       *call
	exe     string
	dir     string // of the throw-away store
	out     *page
	client  *mcpserver.Client
	pieces  []piece
	report  tryResult
	updated tryMemory // as it was before the update
	deleted tryMemory
	before  uint64 // last record before the update
	total   int    // memories then
}

func runTry(ctx context.Context, c *call) (err error) {
	began := time.Now()
	t := &trial{c: c, out: c.livePage()}
	if t.exe, err = os.Executable(); err != nil {
		return fmt.Errorf("find this binary: %w", err)
	}
	root := "."
	if len(c.args) == 1 {
		root = c.args[0]
	}
	if t.pieces, err = collect(ctx, root); err != nil {
		return err
	}
	if len(t.pieces) < minPieces {
		t.pieces = ownHelp()
	}
	if t.dir, err = os.MkdirTemp("", "memlog-try-"); err != nil {
		return fmt.Errorf("make a throw-away store: %w", err)
	}
	if c.yes("keep") {
		t.report.Store = t.dir
	} else {
		defer func() { err = errors.Join(err, t.clear(ctx)) }()
	}
	t.play(ctx)
	t.report.Seconds = time.Since(began).Seconds()
	return t.finish(ctx)
}

// play goes through the steps until one fails.
func (t *trial) play(ctx context.Context) {
	t.report.OK = true
	steps := []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"start memlog mcp and shake hands", t.start},
		{"store documents", t.store},
		{"ask three questions", t.ask},
		{"correct a memory", t.update},
		{"delete another", t.remove},
		{"take the deletion back", t.undo},
		{"look at the history", t.history},
		{"go back to before the correction", t.goBack},
		{"ask for its health", t.health},
		{"end the session", t.end},
		{"verify the log and replay it", t.verify},
		{"rebuild the past from the log", t.replay},
	}
	for _, s := range steps {
		began := time.Now()
		detail, err := s.run(ctx)
		step := tryStep{Name: s.name, OK: err == nil, Detail: detail,
			Millis: float64(time.Since(began).Microseconds()) / 1000}
		if err != nil {
			step.Detail, t.report.OK = err.Error(), false
		}
		t.report.Steps = append(t.report.Steps, step)
		t.show(step)
		if err != nil {
			break
		}
	}
	if t.client != nil { // a step failed before the session ended
		if err := t.client.Close(); err != nil {
			t.c.log.Debug("close the session", "error", err)
		}
	}
}

func (t *trial) show(s tryStep) {
	mark := "ok  "
	if !s.OK {
		mark = "FAIL"
	}
	t.out.line("%s  %-34s %s (%.0f ms)", mark, s.Name, oneLine(s.Detail), s.Millis)
	t.out.flush()
}

// tell shows a detail of the step under way.
func (t *trial) tell(format string, args ...any) {
	width := 0
	if t.out.width > 0 {
		width = t.out.width - 6
	}
	t.out.line("      %s", cut(oneLine(fmt.Sprintf(format, args...)), width))
	t.out.flush()
}

func (t *trial) finish(ctx context.Context) error {
	if t.c.json {
		if err := t.c.emit(t.report, nil); err != nil {
			return err
		}
	} else {
		t.out.line("")
		t.out.line("%d steps, %s in %s, %.1f s", len(t.report.Steps),
			plural(t.report.Memories, "memory"), plural(t.report.Records, "record"), t.report.Seconds)
		if t.report.Store != "" {
			t.out.line("the store is kept: memlog list --store %s", t.report.Store)
		}
		t.out.flush()
	}
	if err := ctx.Err(); err != nil {
		return reported{err}
	}
	if !t.report.OK {
		last := t.report.Steps[len(t.report.Steps)-1]
		return reported{fmt.Errorf("%s: %s", last.Name, last.Detail)}
	}
	return nil
}

// start starts the server and lists its tools.
func (t *trial) start(ctx context.Context) (string, error) {
	cmd := exec.Command(t.exe, "mcp", "--store", t.dir)
	cmd.Stderr = t.c.stderr
	client, err := mcpserver.Dial(ctx, cmd, "memlog try")
	if err != nil {
		return "", err
	}
	t.client = client
	tools, err := client.Tools(ctx)
	if err != nil {
		return "", err
	}
	if len(tools) == 0 {
		return "", errors.New("the server has no tools")
	}
	return plural(len(tools), "tool"), nil
}

// end closes the session: the server must end by itself.
func (t *trial) end(context.Context) (string, error) {
	client := t.client
	t.client = nil
	if err := client.Close(); err != nil {
		return "", err
	}
	return "the server ended with it", nil
}

// clear has the owner of the throw-away store leave, and removes the store.
func (t *trial) clear(ctx context.Context) error {
	s := t.c.settings
	s.store = t.dir
	err := daemon.Stop(context.WithoutCancel(ctx), ownerOptions(s, t.c.log, false))
	return errors.Join(err, os.RemoveAll(t.dir))
}
