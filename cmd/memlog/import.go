package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// shownRejected is how many rejected lines are named on stderr.
const shownRejected = 20

func importCommand() *command {
	return &command{
		name: "import", group: "Move", args: "FILE...|-", min: 1, max: unlimited,
		summary: "Read memories or records that export wrote, or plain JSON lines",
		about: `
The same input twice imports nothing the second time. Lines that cannot be taken are reported, each
with its reason, and the others are imported; exit code 1 means that none could. All files are one
group, which undo takes back as one. The times of the input become those of the facts; the log's
own time is that of the import.`,
		examples: []string{
			`memlog import memories.jsonl`,
			`memlog export --store old | memlog import -`,
			`memlog import *.jsonl --dry-run`,
		},
		flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be imported"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runImport,
	}
}

func runImport(ctx context.Context, c *call) error {
	if c.isSet("request-id") && len(c.args) > 1 {
		return memory.Invalid("--request-id", "goes with one file")
	}
	svc, err := c.writer(ctx)
	if err != nil {
		return err
	}
	total := memory.ImportResult{DryRun: c.yes("dry-run")}
	noun := "record"
	for _, name := range c.args {
		res, records, err := c.importFile(ctx, svc, name, total.Group)
		if !records {
			noun = "memory"
		}
		addImport(&total, res)
		if err != nil {
			return c.importFailed(total, noun, name, err)
		}
	}
	return c.emitImport(total, noun)
}

func (c *call) importFile(
	ctx context.Context, svc memory.Service, name, group string,
) (res memory.ImportResult, records bool, err error) {
	file, err := c.source(name)
	if err != nil {
		return res, false, err
	}
	defer file.Close()
	src := bufio.NewReader(file)
	records = isRecords(src)
	res, err = svc.Import(ctx, src, memory.ImportRequest{
		Name: name, Group: group, DryRun: c.yes("dry-run"), Origin: c.origin(),
		Progress: c.bar.progress(),
	})
	if len(c.args) > 1 {
		for i := range res.Rejected {
			if res.Rejected[i].Source == "" {
				res.Rejected[i].Source = name
			}
		}
	}
	return res, records, err
}

// isRecords reports whether a file begins as export --events writes it.
func isRecords(src *bufio.Reader) bool {
	const mark = `{"log_id"`
	head, err := src.Peek(len(mark))
	return err == nil && string(head) == mark
}

func addImport(total *memory.ImportResult, res memory.ImportResult) {
	total.Imported += res.Imported
	total.Present += res.Present
	total.Changed += res.Changed
	total.Repeated += res.Repeated
	total.Rejected = append(total.Rejected, res.Rejected...)
	total.Notes = append(total.Notes, res.Notes...)
	total.Seq = max(total.Seq, res.Seq)
	if res.Group != "" {
		total.Group = res.Group
	}
}

// importFailed reports an import that ended early: what came before it stays.
func (c *call) importFailed(total memory.ImportResult, noun, name string, err error) error {
	if total.Seq == 0 {
		return err
	}
	c.note("what was imported before %s stays; memlog undo %d takes it back", name, total.Seq)
	return c.emitWith(total, err, func(p *page) { p.imported(total, noun) })
}

func (c *call) emitImport(total memory.ImportResult, noun string) error {
	for i, r := range total.Rejected {
		if i == shownRejected {
			c.note("%d more lines were rejected; --json lists them all", len(total.Rejected)-i)
			break
		}
		source := r.Source
		if source == "" {
			source = c.args[0]
		}
		c.tell("rejected: %s line %d: %s", source, r.Line, oneLine(r.Reason))
	}
	if err := c.emit(total, func(p *page) { p.imported(total, noun) }); err != nil {
		return err
	}
	if len(total.Rejected) > 0 && total.Imported+total.Present+total.Changed == 0 {
		return reported{fmt.Errorf("every line was rejected")}
	}
	return nil
}

func (p *page) imported(r memory.ImportResult, noun string) {
	verb := "imported"
	if r.DryRun {
		verb = "would import"
	}
	p.line("%s %s, %d there already, %d changed, %d rejected", verb,
		plural(r.Imported, noun), r.Present, r.Changed, len(r.Rejected))
	for _, n := range r.Notes {
		p.field("note", n)
	}
	if r.Seq != 0 {
		p.line("memlog undo %d takes it back", r.Seq)
	}
}
