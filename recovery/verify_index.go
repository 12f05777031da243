package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// verifier checks what is derived from the log.
type verifier struct {
	o   VerifyOptions
	log *wal.Log // nil: it cannot be opened
	tmp string   // an empty directory outside of the store
	r   *Report
}

func (v *verifier) bad(format string, args ...any) {
	v.r.Index.OK = false
	v.r.Index.Detail = fmt.Sprintf(format, args...)
}

// fingerprint tells whether files changed: their names, sizes and times.
func fingerprint(dir string, names ...string) string {
	var b strings.Builder
	for _, n := range names {
		_ = filepath.WalkDir(filepath.Join(dir, n), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				fmt.Fprintln(&b, path, err)
				return nil
			}
			if info, err := d.Info(); err == nil && !d.IsDir() {
				fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}

// checkIndex checks a copy of the index, so that nothing in the store is touched and no owner is
// kept from it. A copy that is broken because the index was written to meanwhile proves nothing.
func (v *verifier) checkIndex(ctx context.Context, dir string) error {
	again := v.o.patience()
	for {
		before := fingerprint(dir)
		to, err := os.MkdirTemp(v.tmp, "copy-")
		if err != nil {
			return err
		}
		copyErr := copyTree(dir, to)
		if errors.Is(copyErr, os.ErrNotExist) && before == fingerprint(dir) {
			v.r.Index.OK = true
			v.r.note("there is no index; it is made at the next opening")
			return nil
		}
		v.r.Index = IndexReport{}
		if copyErr == nil {
			if err := v.checkCopy(ctx, dir, to); err != nil || v.r.Index.OK {
				return err
			}
		}
		if before == fingerprint(dir) {
			return copyErr
		}
		if err := robustio.RemoveAll(to); err != nil {
			return err
		}
		if !again() {
			v.r.Index = IndexReport{OK: true}
			v.r.note("the index changes faster than it can be read; it was not checked")
			return nil
		}
	}
}

func (v *verifier) checkCopy(ctx context.Context, dir, copied string) error {
	db, err := index.Open(copied, index.Options{ReadOnly: true})
	switch {
	case errors.Is(err, index.ErrNotFound):
		v.checkAbsent()
		return nil
	case errors.Is(err, index.ErrOutdated):
		v.r.Index.OK = true
		v.r.note("the index was made by another version; it is made anew at the next opening")
		return nil
	case err != nil:
		v.bad("cannot be opened: %v", err)
		return nil
	}
	return errors.Join(v.checkOpenIndex(ctx, dir, db), db.Close())
}

// checkAbsent judges a directory in which nothing is in use.
func (v *verifier) checkAbsent() {
	v.r.Index.OK = true
	v.r.note("there is no index; it is made at the next opening")
}

// checkOpenIndex checks an index against the log, and with Deep against a fresh replay.
func (v *verifier) checkOpenIndex(ctx context.Context, dir string, db *index.DB) error {
	v.r.Index.OK = true
	v.r.Index.Checkpoint = db.Checkpoint()
	if err := db.Check(); err != nil {
		v.bad("is damaged: %v", err)
		return nil
	}
	if isStale(dir) {
		v.r.note("the index lacks records that are damaged in the log")
	}
	comparable := v.compareCheckpoint(db.Checkpoint())
	if !v.o.Deep || v.log == nil {
		return nil
	}
	return v.replay(ctx, db, comparable && !isStale(dir))
}

// compareCheckpoint tells whether a replay up to the checkpoint should give the same index.
func (v *verifier) compareCheckpoint(cp index.Checkpoint) bool {
	if v.log == nil || cp.Seq == 0 {
		if v.log != nil && v.log.Head().Seq > 1 {
			v.r.note("the index has nothing on disk yet; the next opening makes it from the log")
		}
		return false
	}
	if v.log.ID() != [16]byte{} && cp.LogID != v.log.ID() {
		v.bad("belongs to another log (%x)", cp.LogID)
		return false
	}
	if wal.Seq(cp.Seq) > v.log.Head().Seq {
		v.r.note("the index has seen record %d and the log ends at %d: it holds what the log lost",
			cp.Seq, v.log.Head().Seq)
		return false
	}
	rec, err := v.log.Read(wal.Seq(cp.Seq))
	if isDamage(err) {
		v.r.note("the index rests on record %d, which is damaged in the log", cp.Seq)
		return false
	}
	if err != nil || rec.Hash != wal.Hash(cp.Hash) {
		v.bad("rests on a record %d that is not the log's", cp.Seq)
		return false
	}
	return true
}

// replay folds the log and compares. Where records are damaged in the log the index may hold more.
func (v *verifier) replay(ctx context.Context, db *index.DB, comparable bool) error {
	view, err := db.View()
	if err != nil {
		return err
	}
	defer view.Close()
	r := &v.r.Index
	if r.Digest, err = view.Digest(); err != nil {
		v.bad("is damaged: %v", err)
		return nil
	}
	if r.State, err = view.StateDigest(); err != nil {
		v.bad("is damaged: %v", err)
		return nil
	}
	until := wal.Seq(view.Seq())
	if !comparable {
		until = 0
	}
	o := Options{Progress: v.o.Progress}.withDefaults()
	g, rep, err := fold(ctx, v.log, until, filepath.Join(v.tmp, "replay"), o)
	if err != nil {
		return err
	}
	defer g.discard()
	if r.Replayed, _, err = digests(g.db); err != nil {
		return err
	}
	switch {
	case !comparable || len(rep.Damaged) > 0:
		v.r.note("the index was not compared with a replay: the log is damaged")
	case r.Replayed != r.Digest:
		v.bad("digest is %x and that of a replay %x", r.Digest, r.Replayed)
	}
	return v.anomalies(g.db)
}

// anomalies takes over what a replay could not apply as it was meant. A digest that the log notes
// and a replay does not give is damage, unless records are missing.
func (v *verifier) anomalies(db *index.DB) error {
	view, err := db.View()
	if err != nil {
		return err
	}
	defer view.Close()
	if v.r.Index.Anomalies, err = view.Anomalies(); err != nil {
		return err
	}
	n := v.r.Index.Anomalies.Counts[projection.AnomalyDigest]
	if n > 0 && v.r.Log.OK() && len(v.r.Log.Accepted) == 0 {
		v.bad("cannot be right: a replay does not reproduce %d digests that the log notes", n)
	}
	return nil
}

// checkSnapshots checks the snapshots' files, every byte of them with Deep. A whole snapshot that
// cannot be restored over this log is a note.
func (v *verifier) checkSnapshots(ctx context.Context, dir string) error {
	list, err := Snapshots(dir)
	if err != nil {
		return err
	}
	for i, s := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if v.o.Progress != nil {
			v.o.Progress(StageSnapshot, int64(i), int64(len(list)))
		}
		v.checkSnapshot(s)
	}
	return nil
}

func (v *verifier) checkSnapshot(s SnapshotInfo) {
	if s.OK && v.o.Deep {
		if _, err := index.VerifySnapshot(s.Path); err != nil {
			s.OK, s.Reason = false, err.Error()
		}
	}
	if !s.OK {
		v.r.Snapshots = append(v.r.Snapshots, SnapshotProblem{s.Name, s.Reason})
		return
	}
	if v.log == nil {
		return
	}
	rec, err := v.log.Read(s.Seq)
	if err != nil || s.cp.LogID != v.log.ID() || rec.Hash != wal.Hash(s.cp.Hash) {
		v.r.note("snapshot %s rests on a record %d that is not the log's; it cannot be restored",
			s.Name, s.Seq)
	}
}
