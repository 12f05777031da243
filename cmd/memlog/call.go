package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// call is one run of a command: its flags and arguments, and the ways to the store and to the
// reader.
type call struct {
	*app
	settings
	cmd   *command
	flags *cli.Context
	args  []string
	log   *slog.Logger
	svc   memory.Service
	bar   *progressLine
	// streamed: stdout carries something else than a JSON document, to which none may be added.
	streamed bool
	begun    bool
}

// begin fills c from parsed flags.
func (c *call) begin(flags *cli.Context) error {
	c.flags, c.args = flags, flags.Args().Slice()
	var err error
	if c.settings, err = readSettings(flags, c.env); err != nil {
		c.settings.json = flags.Bool("json")
		return err
	}
	c.settings.holder = "memlog " + c.cmd.path()
	c.begun = true
	c.log = slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: c.level}))
	c.bar = newProgress(c.stderr, c.screen.stderr, c.screen.width)
	if !flags.IsSet("log-level") {
		c.warnLevel()
	}
	return nil
}

// warnLevel says that LOG_LEVEL is not understood. It is shared with other programs: a word of
// theirs is no reason to refuse.
func (c *call) warnLevel() {
	v := c.env(envLogLevel)
	if _, err := parseLevel(v); v != "" && err != nil {
		c.note("%s: unknown level %q, warn is taken; write debug, info, warn or error", envLogLevel, v)
	}
}

// finish lets the store go and returns the error of the command, or of letting go.
func (c *call) finish(err error) error {
	c.bar.clear()
	if c.svc == nil {
		return err
	}
	cerr := c.svc.Close()
	c.svc = nil
	if err == nil && cerr != nil {
		c.log.Warn("close the store", "error", cerr)
	}
	return err
}

// asJSON reports whether an error belongs on stdout as well.
func (c *call) asJSON(words []string) bool {
	if c.streamed {
		return false
	}
	if !c.begun {
		return wantsJSON(words)
	}
	return c.json
}

// reader returns the store, which must exist. It is closed by finish.
func (c *call) reader(ctx context.Context) (memory.Service, error) { return c.service(ctx, false) }

// writer returns the store, made where there is none. It is closed by finish.
func (c *call) writer(ctx context.Context) (memory.Service, error) { return c.service(ctx, true) }

func (c *call) service(ctx context.Context, create bool) (memory.Service, error) {
	if c.svc != nil {
		return c.svc, nil
	}
	svc, err := c.open(ctx, c.settings, c.log, create)
	if err != nil {
		return nil, err
	}
	c.svc = svc
	c.warn(ctx)
	return svc, nil
}

// keeper returns what looks after a store that need not be fit to be opened.
func (c *call) keeper() offlineKeeper { return c.offline(c.settings, c.log) }

// warn says on stderr what is wrong with the store, at every look.
func (c *call) warn(ctx context.Context) {
	h, err := c.svc.Health(ctx)
	if err != nil || h.OK {
		return
	}
	if h.ReadOnly != "" {
		c.note("the store is read-only: %s", h.ReadOnly)
	}
	if n := len(h.Problems); n > 0 {
		c.note("the store is damaged (%s); see memlog verify", plural(n, "problem"))
	}
}

// note says something beside the result, on stderr.
func (c *call) note(format string, args ...any) {
	c.bar.clear()
	fmt.Fprintln(c.stderr, "note:", safeText(fmt.Sprintf(format, args...)))
}

// emit prints the result of the command: v as the JSON document, or what people writes.
func (c *call) emit(v any, people func(*page)) error {
	c.bar.clear()
	w := bufio.NewWriter(c.stdout)
	if c.json {
		if err := writeJSON(w, v); err != nil {
			return unprinted{fmt.Errorf("print result: %w", err)}
		}
	} else {
		people(&page{w: w, now: c.now(), width: c.screen.pageWidth(), color: c.screen.color})
	}
	if err := w.Flush(); err != nil {
		return unprinted{fmt.Errorf("print result: %w", err)}
	}
	return nil
}

// livePage returns a page for what people watch as it happens; with --json nobody does.
func (c *call) livePage() *page {
	w := c.stdout
	if c.json {
		w = io.Discard
	}
	return &page{w: bufio.NewWriter(w), now: c.now(), width: c.screen.pageWidth(),
		color: c.screen.color}
}

// emitWith prints a result that comes together with an error. The document then holds both.
func (c *call) emitWith(v any, err error, people func(*page)) error {
	if err == nil {
		return c.emit(v, people)
	}
	doc, jerr := withError(v, err)
	if jerr != nil {
		return jerr
	}
	if perr := c.emit(doc, people); perr != nil {
		return errors.Join(err, perr)
	}
	return reported{err}
}

// str returns the value of a string flag, "" where it is not set.
func (c *call) str(name string) string { return c.flags.String(name) }

// isSet reports whether the flag stands on the line.
func (c *call) isSet(name string) bool { return c.flags.IsSet(name) }

// yes reports whether a flag without value is set.
func (c *call) yes(name string) bool { return c.flags.Bool(name) }

// positive returns the value of a whole-number flag, 0 where it is not set.
func (c *call) positive(name string) (int, error) {
	n := c.flags.Int(name)
	if c.isSet(name) && n <= 0 {
		return 0, memory.Invalid("--"+name, "must be 1 or more: %d", n)
	}
	return n, nil
}

// count puts the value of a whole-number flag into n, where it is set.
func (c *call) count(name string, n *int) error {
	given, err := c.positive(name)
	if given > 0 {
		*n = given
	}
	return err
}
