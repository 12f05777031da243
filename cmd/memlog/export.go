package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

func exportCommand() *command {
	return &command{
		name: "export", group: "Move",
		summary: "Write memories, or the log itself, to a file or to standard output",
		about: `
jsonl keeps everything and comes back with import; mcp-memory-service writes what that tool's own
importer takes. --events writes the records of the log instead
of the memories. --until exports a moment of the past; the other bounds select by the time of the
facts. A file appears whole or not at all, and none is overwritten without --force.

` + momentHelp,
		examples: []string{
			`memlog export -o memories.jsonl`,
			`memlog export --format markdown --tag decision > decisions.md`,
			`memlog export --events --until "2025-01-25" -o log.jsonl`,
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`; - is " +
				"standard output (default)"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite the file"},
			&cli.StringFlag{Name: "format", Usage: "`FORMAT`: jsonl, json, markdown or " +
				"mcp-memory-service (default: jsonl)"},
			&cli.BoolFlag{Name: "events", Usage: "the records of the log"},
			&cli.StringFlag{Name: "until", Usage: "the store as of this `MOMENT`"},
			tagFlag("only with this `TAG`; may be repeated"),
			&cli.StringFlag{Name: "match", Usage: "`any` of the tags, or all of them (default: any)"},
			&cli.StringFlag{Name: "type", Usage: "only of this `TYPE`"},
			&cli.StringFlag{Name: "project", Usage: "only of this `PROJECT`"},
			&cli.StringFlag{Name: "since", Usage: "only created at or after `TIME`"},
			clockFlag("`CLOCK` of --since: created or recorded"),
		},
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runExport,
	}
}

func runExport(ctx context.Context, c *call) error {
	req, err := c.exportRequest()
	if err != nil {
		return err
	}
	name := c.str("output")
	if name == "" || name == "-" {
		if c.isSet("output") && name == "" {
			return memory.Invalid("--output", "is empty")
		}
		return c.export(ctx, req, streamWriter{c}, nil)
	}
	switch old, err := os.Lstat(name); {
	case err != nil:
	case !old.Mode().IsRegular():
		return memory.Invalid("--output", "%s exists and is no regular file", name)
	case !c.yes("force"):
		return memory.Errorf(memory.CodeConflict, "%s exists", name).
			WithHint("--force overwrites it")
	}
	return c.exportFile(ctx, req, name)
}

func (c *call) exportRequest() (memory.ExportRequest, error) {
	req := memory.ExportRequest{Events: c.yes("events"), Progress: c.bar.progress()}
	var err error
	req.Format, err = c.oneOf("format", "jsonl", "json", "markdown", "mcp-memory-service")
	if err != nil {
		return req, err
	}
	if req.Until, err = c.momentFlag("until"); err != nil {
		return req, err
	}
	if req.Filter, err = c.filterButTimes(); err != nil {
		return req, err
	}
	if req.Filter.Since, err = c.timeFlag("since", when.Start); err != nil {
		return req, err
	}
	switch {
	case req.Events && !req.Filter.IsZero():
		return req, memory.Invalid("--events", "exports every record; filters do not go with it")
	case req.Events && (req.Format == "markdown" || req.Format == "mcp-memory-service"):
		return req, memory.Invalid("--events", "does not go with --format %s", req.Format)
	case !req.Filter.Since.IsZero():
		c.tell("since %s", exact(req.Filter.Since))
	}
	return req, nil
}

// export writes an export to w and reports it with done, or, where that is nil, on stderr.
func (c *call) export(
	ctx context.Context, req memory.ExportRequest, w io.Writer,
	done func(memory.ExportResult) error,
) error {
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(w)
	res, err := svc.Export(ctx, buf, req)
	if err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	c.tellAsOf(req.Until, &res.Until)
	for _, n := range res.Notes {
		c.note("%s", n)
	}
	if done != nil {
		return done(res)
	}
	c.tell("exported %s", exportedText(res))
	return nil
}

// streamWriter is standard output for an export. From its first byte on no document may follow.
// On a terminal what it might obey is escaped; a character that two writes share shows as bytes.
type streamWriter struct{ c *call }

func (s streamWriter) Write(b []byte) (int, error) {
	s.c.streamed = true
	if !s.c.screen.stdout {
		return s.c.stdout.Write(b)
	}
	if _, err := io.WriteString(s.c.stdout, safeText(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// exportFile writes an export to a file that appears only when it is whole.
func (c *call) exportFile(
	ctx context.Context, req memory.ExportRequest, name string,
) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("create export: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tmp.Close() // it may be closed already; err says what went wrong
			err = errors.Join(err, ignoreGone(os.Remove(tmp.Name())))
		}
	}()
	return c.export(ctx, req, tmp, func(res memory.ExportResult) error {
		// The rename must not reach the disk before the bytes do.
		if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := robustio.Rename(tmp.Name(), name); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return c.emit(res, func(p *page) { p.line("%s: %s", name, exportedText(res)) })
	})
}

func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func exportedText(r memory.ExportResult) string {
	if r.Records > 0 && r.Memories == 0 {
		return plural(r.Records, "record") + " until seq " + plainSeq(r.Until.Seq)
	}
	text := plural(r.Memories, "memory") + " as of seq " + plainSeq(r.Until.Seq)
	if r.Digest != "" {
		text += ", digest " + r.Digest
	}
	return text
}
