package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// RestoreReport is what RestoreSnapshot did.
type RestoreReport struct {
	Snapshot SnapshotInfo
	Replayed uint64   // records of the log's tail that were applied on top
	Digest   [32]byte // over all keys of the index
	State    [32]byte // state digest
}

// RestoreSnapshot makes the index anew from a snapshot and the tail of the log. The snapshot must
// be whole in every byte (index.ErrSnapshot names the file that is not), rest on a record of this
// log, and be no older than a repair that gave up records it holds; the tail must be undamaged
// (ErrDamaged). Reads and appends go on meanwhile. A kill at any point leaves the old index or
// the snapshot's in use; an opening brings either up to date.
func (e *Engine) RestoreSnapshot(ctx context.Context, name string, p Progress) (
	RestoreReport, error) {
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	r, err := e.restore(ctx, name, p)
	if err != nil {
		return RestoreReport{}, fmt.Errorf("restore snapshot %s: %w", name, err)
	}
	return r, nil
}

func (e *Engine) restore(ctx context.Context, name string, p Progress) (RestoreReport, error) {
	var r RestoreReport
	if e.readOnly {
		return r, e.Log.Writable()
	}
	list, err := Snapshots(e.dir)
	if err != nil {
		return r, err
	}
	for _, s := range list {
		if s.Name == name {
			r.Snapshot = s
		}
	}
	if r.Snapshot.Name == "" {
		return r, ErrNoSnapshot
	}
	m, err := index.VerifySnapshot(r.Snapshot.Path)
	if err != nil {
		return r, err
	}
	if err := e.fits(m.Checkpoint); err != nil {
		return r, err
	}
	if err := e.replaceBySnapshot(ctx, r.Snapshot, p); err != nil {
		return r, err
	}
	err = e.readOnce(func(db *index.DB) (err error) {
		r.Replayed = db.Checkpoint().Seq - uint64(r.Snapshot.Seq)
		r.Digest, r.State, err = digests(db)
		return err
	})
	return r, err
}

// fits tells whether a snapshot and the tail of the log make a whole.
func (e *Engine) fits(cp index.Checkpoint) error {
	if cp.LogID != e.Log.ID() {
		return fmt.Errorf("%w: it belongs to another log (%x)", ErrForeign, cp.LogID)
	}
	rec, err := e.Log.Read(wal.Seq(cp.Seq))
	switch {
	case isDamage(err):
		return fmt.Errorf("%w; run `memlog repair`: %w", ErrDamaged, err)
	case err != nil:
		return fmt.Errorf("it rests on record %d: %w", cp.Seq, err)
	case rec.Hash != wal.Hash(cp.Hash):
		return fmt.Errorf("%w: it rests on a record %d that is not the log's", ErrForeign, cp.Seq)
	}
	src := &source{log: e.Log, seen: wal.Seq(cp.Seq)}
	for _, err := range src.Records(wal.Seq(cp.Seq)+1, 0) {
		switch {
		case src.loss != nil:
			return fmt.Errorf("%w: it holds records %d to %d, which a repair gave up; "+
				"use `memlog rebuild`", ErrForeign, src.loss.From, src.loss.To)
		case isDamage(err):
			return fmt.Errorf("%w; run `memlog repair`: %w", ErrDamaged, err)
		case err != nil:
			return err
		}
	}
	return nil
}

// replaceBySnapshot goes by way of a second copy: one is served while nothing is open in the index
// directory, where the other is installed.
func (e *Engine) replaceBySnapshot(ctx context.Context, s SnapshotInfo, p Progress) error {
	tmp, err := os.MkdirTemp(e.snapshots(), tempSnapshot)
	if err != nil {
		return err
	}
	passed := e.passedOver()
	old := e.current()
	bridge, err := e.fromSnapshot(ctx, s, filepath.Join(tmp, indexName), p)
	if err == nil {
		if err = e.swap(ctx, bridge); err != nil {
			err = errors.Join(err, bridge.close())
		}
	}
	if err != nil {
		return errors.Join(err, robustio.RemoveAll(tmp))
	}
	e.o.after(stepBridged)
	<-e.retire(old) // readers do not wait for us, so this ends
	if err := old.close(); err != nil {
		e.o.Logger.Warn("close old index", "error", err)
	}
	next, err := e.fromSnapshot(ctx, s, e.indexDir, p)
	if err == nil {
		if err = e.swap(ctx, next); err != nil {
			err = errors.Join(err, next.close())
		}
	}
	if err != nil {
		e.temp = tmp // it is served until Close
		return err
	}
	e.o.after(stepInstalled)
	<-e.retire(bridge)
	if err := bridge.close(); err != nil {
		e.o.Logger.Warn("close old index", "error", err)
	}
	if e.passedOver() != passed {
		return robustio.RemoveAll(tmp) // the log was damaged meanwhile, and the index lacks that
	}
	// A snapshot is never made of an index that lacks records.
	return errors.Join(e.clearStale(), robustio.RemoveAll(tmp))
}

// fromSnapshot installs a snapshot in indexDir, where nothing may be open, and catches up.
func (e *Engine) fromSnapshot(ctx context.Context, s SnapshotInfo, indexDir string, p Progress) (
	*generation, error) {
	if _, err := index.InstallSnapshot(s.Path, indexDir); err != nil {
		return nil, err
	}
	db, err := index.Open(indexDir, e.o.index())
	if err != nil {
		return nil, err
	}
	g := &generation{db: db}
	g.p, err = projection.New(db, projection.Options{Logger: e.o.Logger})
	if err == nil {
		_, err = g.p.Catchup(ctx, e.Log, e.Log.Head().Seq, p.records())
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}
