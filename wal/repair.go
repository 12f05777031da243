package wal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RepairOptions of Repair. The zero value heals what can be healed without loss.
type RepairOptions struct {
	AcceptLoss bool // give up what cannot be healed
	DryRun     bool // report, change nothing
	Witnesses  []Witness
	Progress   func(done, total int64)
	LockWait   time.Duration
	Holder     string
	Logger     *slog.Logger
	Now        func() time.Time

	disk *disk
}

// RepairReport is what Repair did, or would do.
type RepairReport struct {
	Kept       uint64   // records that are whole
	Healed     uint64   // records of damaged files that another copy brought back
	Lost       []Range  // numbers that are given up, or would be
	Quarantine []string // files that were set aside, relative to the store
	Notes      []string
}

// Repair makes a damaged store whole again. What a second copy holds is healed from it;
// every record outside the damage is kept byte for byte; files that are replaced are kept
// in quarantine/. Where records are beyond help it returns ErrLossNotAccepted, having
// healed the rest, unless AcceptLoss is set: then each gets a Lost frame in its place, and
// a LossAccepted mark for each stretch is appended. It may be killed at any point and run
// again.
func Repair(ctx context.Context, dir string, o RepairOptions) (RepairReport, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return RepairReport{}, fmt.Errorf("repair log: %w", err)
	}
	if isFresh(dir) {
		return RepairReport{}, fmt.Errorf("repair log: %w in %s", ErrNoStore, dir)
	}
	open := Options{LockWait: o.LockWait, Holder: o.Holder, Logger: o.Logger, Now: o.Now,
		Witnesses: o.Witnesses, disk: o.disk}.withDefaults()
	r := &repair{dir: dir, o: o, open: open, disk: open.disk}
	if !o.DryRun {
		lock, err := lockStore(ctx, dir, o.Holder, o.LockWait)
		if err != nil {
			return RepairReport{}, err
		}
		defer func() { _ = lock.release() }()
	}
	if err := r.run(ctx); err != nil {
		return r.report, fmt.Errorf("repair log: %w", err)
	}
	return r.report, nil
}

// repair is one run.
type repair struct {
	dir    string
	o      RepairOptions
	open   Options
	disk   *disk
	c      *catalog
	report RepairReport
}

func (r *repair) load(ctx context.Context, progress func(done, total int64)) error {
	if f, err := readFormat(r.dir); err == nil && f.writes > Format {
		return fmt.Errorf("%w: %d", ErrNewerFormat, f.writes)
	}
	c, err := loadCatalog(ctx, r.dir, catalogOptions{full: true, witnesses: r.o.Witnesses,
		progress: progress})
	r.c = c
	return err
}

func (r *repair) run(ctx context.Context) error {
	if err := r.load(ctx, r.o.Progress); err != nil {
		return err
	}
	r.report.Notes = slices.Clone(r.c.notes)
	r.report.Kept = r.c.report().Records
	p := r.c.plan(r.o.AcceptLoss)
	r.report.Healed = p.healed
	r.report.Lost = append(p.lost, r.c.unaccepted()...)
	refused := len(r.report.Lost) > 0 && !r.o.AcceptLoss
	if !r.o.DryRun {
		if err := r.carryOut(ctx, p); err != nil {
			return err
		}
	}
	if refused {
		return fmt.Errorf("%w: records %s; to give them up, run: memlog repair --accept-loss",
			ErrLossNotAccepted, joinRanges(r.report.Lost))
	}
	if r.c.conflict != "" && !r.o.AcceptLoss {
		return fmt.Errorf("%w: %s; to go on from what the log has, run: "+
			"memlog repair --accept-loss", ErrLossNotAccepted, r.c.conflict)
	}
	if r.o.DryRun {
		return nil
	}
	return r.finish(ctx)
}

func joinRanges(all []Range) string {
	var s []string
	for _, r := range all {
		if r.From == r.To {
			s = append(s, fmt.Sprint(r.From))
			continue
		}
		s = append(s, fmt.Sprintf("%d to %d", r.From, r.To))
	}
	return strings.Join(s, ", ")
}

// carryOut replaces damaged files. At every moment each record that there is lies in
// log/ or in the archive under a name that is looked at.
func (r *repair) carryOut(ctx context.Context, p *plan) error {
	if err := r.clearAway(p); err != nil {
		return err
	}
	var made []string
	for _, rg := range p.rewrite {
		if err := ctx.Err(); err != nil {
			return err
		}
		names, err := r.writeRange(rg)
		if err != nil {
			return fmt.Errorf("write records %d to %d again: %w", rg.From, rg.To, err)
		}
		made = append(made, names...)
	}
	for _, f := range p.replace {
		if err := r.keepCopy(f); err != nil {
			return fmt.Errorf("keep %s: %w", f.name, err)
		}
	}
	// From here the new files take over; each rename is atomic, and an old file that is
	// still there is a duplicate.
	for _, name := range made {
		if err := r.disk.rename(name+tmpSuffix, name); err != nil {
			return err
		}
	}
	if err := r.disk.syncDir(filepath.Join(r.dir, logDir)); err != nil {
		return err
	}
	return r.removeReplaced(p, made)
}

// clearAway sets aside what is no part of the log.
func (r *repair) clearAway(p *plan) error {
	prep := &preparation{dir: r.dir, o: r.open, disk: r.disk}
	if err := mkdirSync(r.disk, filepath.Join(r.dir, logDir)); err != nil {
		return err
	}
	for _, path := range append(leftovers(r.dir), p.strays...) {
		if err := prep.setAside(path); err != nil {
			return err
		}
	}
	if err := prep.cutTorn(r.c); err != nil {
		return err
	}
	r.report.Quarantine = append(r.report.Quarantine, prep.kept...)
	r.report.Notes = append(r.report.Notes, prep.notes...)
	return nil
}

// keepCopy puts a file that will be replaced into quarantine/, by a second name for it
// where the file system can.
func (r *repair) keepCopy(f *segFile) error {
	if !exists(f.path) {
		return nil
	}
	to, err := quarantineName(r.disk, r.dir, r.open.Now(), filepath.Base(f.path))
	if err != nil {
		return err
	}
	if r.disk.link(f.path, to) != nil {
		file, err := os.Open(f.path)
		if err != nil {
			return err
		}
		defer file.Close()
		size, err := fileSize(file)
		if err != nil {
			return err
		}
		if err := r.disk.copyOut(to, file, 0, size); err != nil {
			return err
		}
	}
	r.report.Quarantine = append(r.report.Quarantine, rel(r.dir, to))
	return r.disk.syncDir(filepath.Dir(to))
}

func (r *repair) removeReplaced(p *plan, made []string) error {
	archived := false
	for _, f := range p.replace {
		archived = archived || f.archived
		if slices.Contains(made, f.path) || !exists(f.path) {
			continue
		}
		if err := r.disk.remove(f.path); err != nil {
			return err
		}
	}
	if err := r.disk.syncDir(filepath.Join(r.dir, logDir)); err != nil {
		return err
	}
	if archived || r.c.badManifest {
		keep := slices.DeleteFunc(slices.Clone(r.c.archive), func(f *segFile) bool {
			return slices.Contains(p.replace, f)
		})
		return writeManifest(r.disk, r.dir, keep)
	}
	return nil
}

// finish opens the log and appends what accepts the losses, then looks again.
func (r *repair) finish(ctx context.Context) error {
	if r.c.conflict != "" {
		if err := r.disk.remove(filepath.Join(r.dir, headName)); err != nil {
			return err
		}
	}
	if err := r.load(ctx, nil); err != nil {
		return err
	}
	if err := r.dropStaleLines(); err != nil {
		return err
	}
	l, err := openLocked(ctx, r.dir, r.open, nil)
	if err != nil {
		return err
	}
	for _, rg := range r.c.unaccepted() {
		mark := &Mark{LossAccepted: &LossAccepted{From: rg.From, To: rg.To,
			After: r.c.namedBefore(rg.To + 1)}}
		_, err := l.Append(ctx, func() (Entry, error) {
			return Entry{Mark: mark, Provenance: Provenance{Client: "memlog repair"}}, nil
		})
		if err != nil {
			return joinClose(fmt.Errorf("accept loss: %w", err), l)
		}
	}
	if err := l.Close(); err != nil {
		return err
	}
	if err := r.load(ctx, nil); err != nil {
		return err
	}
	var left []error
	for i := range r.c.problems {
		left = append(left, &r.c.problems[i])
	}
	return errors.Join(left...)
}

// namedBefore is the previous hash that a record names, if its chain breaks there.
func (c *catalog) namedBefore(seq Seq) Hash {
	for i, p := range c.pieces {
		if p.from == seq && p.first == seq && i > 0 && p.prev != c.pieces[i-1].hash {
			return p.prev
		}
	}
	return Hash{}
}

// dropStaleLines takes the lines of files that are no more out of sealed.jsonl.
func (r *repair) dropStaleLines() error {
	name := filepath.Join(r.dir, logDir, sealedName)
	old, bad, err := readLines[sealedLine](name)
	if err != nil {
		return err
	}
	lines := slices.DeleteFunc(slices.Clone(old), func(l sealedLine) bool {
		f := r.c.at(l.First)
		return f == nil || !f.walked || f.sum != l.SHA256
	})
	if len(lines) == len(old) && bad == 0 {
		return nil
	}
	return writeLines(r.disk, name, lines)
}
