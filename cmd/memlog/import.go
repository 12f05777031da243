package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/foreign"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// shownRejected is how many rejected lines are named on stderr.
const shownRejected = 20

func importCommand() *command {
	return &command{
		name: "import", group: "Move", args: "PATH...|-", max: unlimited,
		summary: "Bring memories in: exports of memlog, and what other tools keep",
		about: `
Reads lines and records that export wrote, plain JSON lines with a content, mcp-memory-service's
SQLite database, ChromaDB directory and JSON exports, server-memory's memory.jsonl, and the notes
and CLAUDE.md of Claude Code. What a file is, its content tells; --from overrides. The source is
only read. The same input twice imports nothing the second time; of a newer one, what is new is
added, and what changed becomes a new version. What cannot be taken is reported with its line or
row and the reason, and everything else is imported; exit code 1 means that nothing could be. An
import that was cut off goes on when it is given again. All files of one command are one group,
which undo takes back as one, also where it took several attempts; of standard input, each attempt
is a group of its own. The times of the source become those of the facts; the log's own is that of
the import. --discover looks where the tools keep their memories, lists what is there, and
imports nothing.`,
		examples: []string{
			`memlog import --discover`,
			`memlog import ~/.local/share/mcp-memory/sqlite_vec.db --dry-run`,
			`memlog import ~/.claude/projects/-home-me-work/memory memory.jsonl`,
			`memlog export --store old | memlog import -`,
		},
		flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "discover", Usage: "list what there is to import on this machine"},
			&cli.StringFlag{Name: "from", Usage: "what the files are, `FORMAT`: " + formatList()},
			&cli.BoolFlag{Name: "transcripts", Usage: "of a directory of Claude Code, also the sessions"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be imported"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runImport,
	}
}

func formatList() string {
	var all []string
	for _, f := range foreign.Formats {
		all = append(all, string(f))
	}
	return strings.Join(all, ", ")
}

// importReport is the report of an import as people and scripts get it.
type importReport struct {
	memory.ImportResult
	Sources []importSource `json:"sources,omitempty"` // in other formats than memlog's
}

// importSource is what a source in another format holds.
type importSource struct {
	Path string `json:"path"`
	foreign.Summary
}

// importRun is an import under way.
type importRun struct {
	*call
	svc     memory.Service
	o       foreign.Options
	group   string // of all files; "": none has been made yet
	total   importReport
	noun    string
	several bool
}

func runImport(ctx context.Context, c *call) error {
	o, err := c.importOptions()
	if err != nil {
		return err
	}
	if c.yes("discover") {
		return c.discover(ctx, o)
	}
	var paths []string
	for _, arg := range c.args {
		files, err := foreign.Files(arg, o)
		if err != nil {
			return err
		}
		paths = append(paths, files...)
	}
	if c.isSet("request-id") && len(paths) > 1 {
		return memory.Invalid("--request-id", "goes with one file, not %d", len(paths))
	}
	svc, done, err := c.importInto(ctx)
	if err != nil {
		return err
	}
	defer done()
	r := &importRun{call: c, svc: svc, o: o, noun: "record", several: len(paths) > 1}
	r.total.DryRun = c.yes("dry-run")
	if !r.total.DryRun {
		if r.group, err = foreign.Group(ctx, paths); err != nil {
			return err
		}
	}
	for _, path := range paths {
		if err := r.file(ctx, path); err != nil {
			return r.failed(path, err)
		}
	}
	return r.emit()
}

// importInto returns the store that is imported into, and what is to be done with it in the end. A
// dry run makes none: where there is none, and could be one, the lines are held against an empty
// store, which is thrown away, if need be by the next import.
func (c *call) importInto(ctx context.Context) (memory.Service, func(), error) {
	foreign.RemoveLeftovers()
	kept := func() {}
	if !c.yes("dry-run") {
		svc, err := c.writer(ctx)
		return svc, kept, err
	}
	svc, err := c.reader(ctx)
	if memory.CodeOf(err) != memory.CodeNotFound {
		return svc, kept, err
	}
	if err := store.CheckPlace(c.settings.store); err != nil {
		return nil, kept, err
	}
	dir, err := foreign.MakePrivate()
	if err != nil {
		return nil, kept, fmt.Errorf("make an empty store for a dry run: %w", err)
	}
	empty, err := store.Open(
		ctx, filepath.Join(dir.Path, "store"), storeOptions(c.settings, c.log, true))
	if err != nil {
		return nil, kept, errors.Join(err, dir.Close())
	}
	return empty, func() {
		if err := errors.Join(empty.Close(), dir.Close()); err != nil {
			c.log.Warn("remove the empty store of a dry run", "error", err)
		}
	}, nil
}

func (c *call) importOptions() (foreign.Options, error) {
	o := foreign.Options{Transcripts: c.yes("transcripts"), Stdin: c.stdin}
	switch {
	case c.yes("discover") && len(c.args) > 0:
		return o, memory.Invalid("--discover", "looks in the usual places, and takes no path")
	case !c.yes("discover") && len(c.args) == 0:
		return o, usage("import needs PATH...|-").WithHint("memlog import --discover lists what there is")
	case !c.isSet("from"):
		return o, nil
	}
	var err error
	o.From, err = foreign.ParseFormat("--from", c.str("from"))
	return o, err
}

// file brings one file in, and adds what came of it to the report.
func (r *importRun) file(ctx context.Context, path string) error {
	if path == "-" && r.screen.stdin {
		r.tell("reading standard input; end it with Ctrl-D")
	}
	in, err := foreign.Open(ctx, path, r.o)
	if err != nil {
		return err
	}
	defer in.Close()
	if in.Summary().Format != foreign.Memlog || !in.Records() {
		r.noun = "memory"
	}
	res, err := r.svc.Import(ctx, in, memory.ImportRequest{
		Name: path, Group: r.group, DryRun: r.total.DryRun, Origin: r.origin(),
		Progress: r.bar.progress(),
	})
	r.add(in, res)
	return err
}

// add adds what a file came to. Rejected lines of a file in another format are led back to the rows
// they were made of.
func (r *importRun) add(in *foreign.Input, res memory.ImportResult) {
	t := &r.total
	t.Imported += res.Imported
	t.Present += res.Present
	t.Changed += res.Changed
	t.Repeated += res.Repeated
	t.More += res.More
	t.Seq = max(t.Seq, res.Seq)
	if res.Group != "" {
		t.Group, r.group = res.Group, res.Group
	}
	unread, more := in.Rejected()
	t.More += more
	for _, one := range unread {
		r.reject(in.Path, one)
	}
	for _, one := range res.Rejected {
		r.reject(in.Path, in.Place(one))
	}
	s := in.Summary()
	if s.Format != foreign.Memlog {
		t.Sources = append(t.Sources, importSource{in.Path, s})
	}
	if s.Format != foreign.Memlog && s.Entries == 0 && len(unread) == 0 && len(s.Notes) == 0 {
		s.Notes = append(s.Notes, "nothing in it is a memory of "+string(s.Format))
	}
	for _, n := range append(s.Notes, res.Notes...) {
		if r.several {
			n = in.Path + ": " + n
		}
		t.Notes = append(t.Notes, n)
	}
}

func (r *importRun) reject(path string, one memory.Rejected) {
	if one.Source == "" && r.several {
		one.Source = path
	}
	r.total.Reject(one)
}

// failed reports an import that ended early: what came before it stays.
func (r *importRun) failed(path string, err error) error {
	if r.total.Seq == 0 {
		return err
	}
	r.note("what was imported of %s before that stays; giving the command again goes on, and memlog "+
		"undo %d takes it back", path, r.total.Seq)
	return r.emitWith(r.total, err, func(p *page) { p.imported(r.total, r.noun) })
}

func (r *importRun) emit() error {
	t := r.total
	for i, one := range t.Rejected {
		if i == shownRejected {
			r.note("%d more were rejected; --json lists them", len(t.Rejected)+t.More-i)
			break
		}
		source := one.Source
		if source == "" {
			source = r.args[0]
		}
		r.tell("rejected: %s: %s", strings.TrimSpace(source+" "+placeText(one)), oneLine(one.Reason))
	}
	if err := r.call.emit(t, func(p *page) { p.imported(t, r.noun) }); err != nil {
		return err
	}
	if len(t.Rejected) > 0 && t.Imported+t.Present+t.Changed == 0 {
		return reported{errors.New("everything was rejected")}
	}
	return nil
}

// placeText names the line or row of something rejected.
func placeText(r memory.Rejected) string {
	unit := r.Unit
	if unit == "" {
		unit = "line"
	}
	if r.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d", unit, r.Line)
}

func (p *page) imported(r importReport, noun string) {
	for _, s := range r.Sources {
		p.line("%s: %s", s.Path, s.text())
	}
	verb := "imported"
	if r.DryRun {
		verb = "would import"
	}
	p.line("%s %s, %d there already, %d changed, %d rejected", verb,
		plural(r.Imported, noun), r.Present, r.Changed, len(r.Rejected)+r.More)
	for _, n := range r.Notes {
		p.field("note", n)
	}
	if r.Seq != 0 {
		p.line("memlog undo %d takes it back", r.Seq)
	}
}

// text is a source in one line.
func (s importSource) text() string {
	out := fmt.Sprintf("%s, %s", s.Format, plural(s.Entries, "memory"))
	for _, part := range []struct {
		n    int
		what string
	}{{s.Deleted, "deleted"}, {s.Superseded, "superseded"}, {s.Rated, "rated"}, {s.Links, "links"}} {
		if part.n > 0 {
			out += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return out
}
