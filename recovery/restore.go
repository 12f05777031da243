package recovery

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"memlog/index"
	"memlog/wal"
)

// RestoreReport is what RestoreSnapshot did.
type RestoreReport struct {
	Snapshot SnapshotInfo
	Replayed uint64   // records of the log's tail that were applied on top
	Digest   [32]byte // over all keys of the index
	State    [32]byte // state digest
}

// RestoreSnapshot makes the index of the store in dir anew from a snapshot and the tail of the
// log. No other process may hold the store. The snapshot must be whole in every byte
// (index.ErrSnapshot names the file that is not), rest on a record of this log, and be of no
// earlier date than a repair that gave records up; the tail must be undamaged (ErrDamaged). Up to
// the moment the copy is whole, the old index stays in use.
func RestoreSnapshot(ctx context.Context, dir, name string, o Options) (RestoreReport, error) {
	r, err := restore(ctx, dir, name, o)
	if err != nil {
		return RestoreReport{}, fmt.Errorf("restore snapshot %s: %w", name, err)
	}
	return r, nil
}

func restore(ctx context.Context, dir, name string, o Options) (RestoreReport, error) {
	if o.ReadOnly {
		return RestoreReport{}, wal.ErrReadOnly
	}
	o.MustExist = true
	list, err := Snapshots(dir)
	if err != nil {
		return RestoreReport{}, err
	}
	var r RestoreReport
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
	e := &Engine{dir: dir, indexDir: filepath.Join(dir, indexName), o: o.withDefaults()}
	if err := e.openLog(ctx); err != nil {
		return r, err
	}
	if err := errors.Join(e.install(r.Snapshot, m), e.Log.Close()); err != nil {
		return r, err
	}
	return r, e.serveRestored(ctx, &r)
}

// install checks the snapshot against the log and makes it the generation in use.
func (e *Engine) install(s SnapshotInfo, m index.Manifest) error {
	if err := e.fits(m.Checkpoint); err != nil {
		return err
	}
	if cp, err := index.Peek(e.indexDir); err == nil && cp.LogID == e.Log.ID() &&
		wal.Seq(cp.Seq) > e.Log.Head().Seq {
		return fmt.Errorf("%w: the index has seen record %d and the log ends at %d",
			ErrDamaged, cp.Seq, e.Log.Head().Seq)
	}
	if _, err := index.InstallSnapshot(s.Path, e.indexDir); err != nil {
		return err
	}
	return e.clearStale() // a snapshot is never made of an index that lacks records
}

// fits tells whether a checkpoint and the tail of the log make a whole.
func (e *Engine) fits(cp index.Checkpoint) error {
	if h := e.Log.Health(); h.ReadOnly != "" {
		return fmt.Errorf("%w: %s", ErrDamaged, h.ReadOnly)
	}
	if cp.LogID != e.Log.ID() {
		return fmt.Errorf("it belongs to another log (%x)", cp.LogID)
	}
	rec, err := e.Log.Read(wal.Seq(cp.Seq))
	switch {
	case err != nil:
		return fmt.Errorf("it rests on record %d: %w", cp.Seq, err)
	case rec.Hash != wal.Hash(cp.Hash):
		return fmt.Errorf("it rests on a record %d that is not the log's", cp.Seq)
	}
	src := &source{log: e.Log, seen: wal.Seq(cp.Seq)}
	for _, err := range src.Records(wal.Seq(cp.Seq)+1, 0) {
		switch {
		case src.loss != nil:
			return fmt.Errorf("it holds records %d to %d, which a repair gave up; "+
				"use `memlog rebuild`", src.loss.From, src.loss.To)
		case isDamage(err):
			return fmt.Errorf("%w; run `memlog repair`: %w", ErrDamaged, err)
		case err != nil:
			return err
		}
	}
	return nil
}

// serveRestored opens the store, which applies the tail, and takes the digests.
func (e *Engine) serveRestored(ctx context.Context, r *RestoreReport) error {
	opened, err := Open(ctx, e.dir, e.o)
	if err != nil {
		return err
	}
	err = opened.readOnce(func(db *index.DB) (err error) {
		r.Replayed = db.Checkpoint().Seq - uint64(r.Snapshot.Seq)
		r.Digest, r.State, err = digests(db)
		return err
	})
	return errors.Join(err, opened.Close())
}
