package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/wal"
)

// quarantineName is where package wal sets damaged files aside, and Repair the old index.
const quarantineName = "quarantine"

// asideSuffix ends the names of generations that package index has set aside.
const asideSuffix = ".aside"

// RepairOptions of Repair. The zero value heals what can be healed without loss.
type RepairOptions struct {
	AcceptLoss bool // give up what cannot be healed
	DryRun     bool // report, change nothing
	LockWait   time.Duration
	Holder     string
	Logger     *slog.Logger
	Now        func() time.Time
	Progress   Progress
	Text       func(payload []byte) string // for Survivor.Text; nil: projection.Text

	after func(step)
}

// RepairReport is what Repair did, or would do.
type RepairReport struct {
	wal.RepairReport
	Rebuilt  bool       // the index was made anew
	Survived []Survivor // documents that only the old index still holds, see MaxSurvivors
	Evidence string     // where the old index is kept, relative to the store; empty: nowhere
}

// Survivor is a document whose state at the end rests on a record that was given up, and which the
// index of before the repair still holds: what it said can be stored again by hand.
type Survivor struct {
	ID      [16]byte
	From    wal.Seq // the record that made this state
	Deleted bool    // that state is a tombstone: the document comes back with the repair
	Text    string
}

// Repair makes a damaged store open for writing again: the log first, with the index and the
// snapshots as witnesses of its end, then the index. No other process may hold the store. Without
// AcceptLoss it gives nothing up (wal.ErrLossNotAccepted, with a report of what would go). An index
// that holds what the log does not is kept in quarantine/ once the new one is in use. Killed at any
// point, it can be run again, and an opening completes what it began.
func Repair(ctx context.Context, dir string, o RepairOptions) (RepairReport, error) {
	r := RepairReport{}
	log, err := wal.Verify(ctx, dir, wal.VerifyOptions{Progress: o.Progress.bytes(StageVerify)})
	if err != nil {
		return r, fmt.Errorf("repair: %w", orGone(dir, err, witnesses(dir)))
	}
	r.RepairReport, err = wal.Repair(ctx, dir, wal.RepairOptions{
		AcceptLoss: o.AcceptLoss, DryRun: o.DryRun, Witnesses: of(witnesses(dir), log.LogID),
		Progress: o.Progress.bytes(StageRepair), LockWait: o.LockWait, Holder: o.Holder,
		Logger: o.Logger, Now: o.Now,
	})
	refused := errors.Is(err, wal.ErrLossNotAccepted)
	if err != nil && !refused {
		return r, fmt.Errorf("repair: %w", err)
	}
	if err := r.salvage(ctx, dir, o); err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the old index was not searched for what was lost: %v",
			err))
	}
	if refused {
		return r, fmt.Errorf("repair: %w", err)
	}
	if o.DryRun {
		return r, nil
	}
	if o.after != nil {
		o.after(stepMended)
	}
	if err := r.repairIndex(ctx, dir, o); err != nil {
		return r, fmt.Errorf("repair index: %w", err)
	}
	return r, nil
}

// repairIndex opens the store, which makes the index anew where it does not fit the log any more.
func (r *RepairReport) repairIndex(ctx context.Context, dir string, o RepairOptions) error {
	e, err := Open(ctx, dir, Options{
		LockWait: o.LockWait, Holder: o.Holder, Logger: o.Logger, Now: o.Now, MustExist: true,
		Progress: o.Progress, Text: o.Text, after: o.after,
	})
	if err != nil {
		return err
	}
	r.Rebuilt = e.remade
	r.Notes = append(r.Notes, e.Notes()...)
	err = r.quarantine(dir, e.o.Now())
	e.o.after(stepEvidence)
	return errors.Join(err, e.Close())
}

// quarantine moves the indexes that were set aside.
func (r *RepairReport) quarantine(dir string, now time.Time) error {
	aside, err := filepath.Glob(filepath.Join(dir, indexName, "g*"+asideSuffix))
	if err != nil || len(aside) == 0 {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, quarantineName), dirPerm); err != nil {
		return err
	}
	for _, path := range aside {
		name := strings.TrimSuffix(filepath.Base(path), asideSuffix)
		to := filepath.Join(quarantineName,
			fmt.Sprintf("index-%s-%s", name, now.UTC().Format(snapshotTime)))
		if err := robustio.Rename(path, filepath.Join(dir, to)); err != nil {
			return fmt.Errorf("set the old index aside: %w", err)
		}
		if r.Evidence != "" {
			r.Quarantine = append(r.Quarantine, r.Evidence) // of an earlier day
		}
		r.Evidence = filepath.ToSlash(to)
	}
	return errors.Join(syncDir(filepath.Join(dir, indexName)),
		syncDir(filepath.Join(dir, quarantineName)))
}

// salvage looks in a copy of the old index for what the records that are given up had made.
func (r *RepairReport) salvage(ctx context.Context, dir string, o RepairOptions) error {
	from := filepath.Join(dir, indexName)
	cp, err := index.Peek(from)
	switch {
	case len(r.Lost) == 0, errors.Is(err, index.ErrNotFound):
		return nil
	case err == nil && wal.Seq(cp.Seq) < r.Lost[0].From:
		return nil // it has seen none of them
	}
	tmp, err := os.MkdirTemp("", "memlog-salvage-")
	if err != nil {
		return err
	}
	defer robustio.RemoveAll(tmp)
	if err := copyTree(from, filepath.Join(tmp, indexName)); err != nil {
		return err
	}
	db, err := index.Open(filepath.Join(tmp, indexName), index.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	if err = db.Check(); err == nil {
		err = trusted(ctx, dir, db.Checkpoint())
	}
	if err == nil {
		err = r.survivors(ctx, db, Options{Text: o.Text}.withDefaults().Text)
	}
	return errors.Join(err, db.Close())
}

// trusted tells whether an index was one of this log: by log id, and by the chain hash of its
// checkpoint unless that record is itself lost.
func trusted(ctx context.Context, dir string, cp index.Checkpoint) error {
	l, err := wal.Open(ctx, dir, wal.Options{ReadOnly: true, MustExist: true})
	if err != nil {
		return err
	}
	if l.ID() != [16]byte{} && cp.LogID != l.ID() {
		err = fmt.Errorf("it belongs to another log (%x)", cp.LogID)
	} else if rec, e := l.Read(wal.Seq(cp.Seq)); e == nil && !rec.Lost && rec.Hash != cp.Hash {
		err = fmt.Errorf("it rests on a record %d that is not the log's", cp.Seq)
	}
	return errors.Join(err, l.Close())
}

// survivors lists the documents whose state in db was made by a record that was given up.
func (r *RepairReport) survivors(ctx context.Context, db *index.DB,
	text func([]byte) string) error {
	v, err := db.View()
	if err != nil {
		return err
	}
	defer v.Close()
	for doc, err := range v.Docs() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if !r.gaveUp(wal.Seq(doc.From)) {
			continue
		}
		if len(r.Survived) == MaxSurvivors {
			r.Notes = append(r.Notes, fmt.Sprintf(
				"the old index holds more than the %d memories listed", MaxSurvivors))
			return nil
		}
		r.Survived = append(r.Survived, Survivor{ID: doc.ID, From: wal.Seq(doc.From),
			Deleted: doc.Deleted, Text: text(doc.Payload)})
	}
	if n := len(r.Survived); n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d memories rest on records that were given up and "+
			"are still in the old index", n))
	}
	return nil
}

func (r *RepairReport) gaveUp(seq wal.Seq) bool {
	for _, l := range r.Lost {
		if l.From <= seq && seq <= l.To {
			return true
		}
	}
	return false
}
