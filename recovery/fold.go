package recovery

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// ErrDamaged: the work would rest on a log that has damage which no repair has accepted.
var ErrDamaged = errors.New("log is damaged")

// ErrForeign: a snapshot does not belong to the log as it is.
var ErrForeign = errors.New("snapshot is not of this log")

// source is a log as replay reads it. It stops before a LossAccepted mark that gives up records
// which the index has applied already: such an index holds what the log no longer does.
type source struct {
	log  *wal.Log
	seen wal.Seq           // what the index had applied at first
	loss *wal.LossAccepted // the mark that stopped it

	// onDamage, where given, is called before the first record behind damage is handed out; its
	// error ends the replay.
	onDamage func(error) error
}

var errPredates = errors.New("index predates a repair of the log")

// Records implements projection.Records.
func (s *source) Records(from, to wal.Seq) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for rec, err := range s.log.Records(from, to) {
			if err == nil && rec.Mark != nil && rec.Mark.LossAccepted != nil &&
				rec.Mark.LossAccepted.From <= s.seen {
				s.loss = rec.Mark.LossAccepted
				yield(wal.Record{}, errPredates)
				return
			}
			if isDamage(err) && s.onDamage != nil {
				if err := s.onDamage(err); err != nil {
					yield(wal.Record{}, err)
					return
				}
				s.onDamage = nil
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// Fold replays the log up to a record (0: the head at the time of the call) into a throw-away
// index in tmpdir, which must be empty or absent. The caller closes the index and removes tmpdir.
// Damaged stretches of the log are passed over.
func Fold(ctx context.Context, l *wal.Log, until wal.Seq, tmpdir string, p Progress) (
	*index.DB, error) {
	g, _, err := fold(ctx, l, until, tmpdir, Options{Progress: p}.withDefaults())
	if err != nil {
		return nil, err
	}
	return g.db, nil
}

// fold makes a new generation in indexDir from the log.
func fold(ctx context.Context, l *wal.Log, until wal.Seq, indexDir string, o Options) (
	*generation, projection.Report, error) {
	if until == 0 {
		until = l.Head().Seq
	}
	db, err := index.NewGeneration(indexDir, o.index())
	if err != nil {
		return nil, projection.Report{}, fmt.Errorf("replay: %w", err)
	}
	g := &generation{db: db}
	var rep projection.Report
	if g.p, err = projection.New(db, projection.Options{Logger: o.Logger}); err == nil {
		rep, err = g.p.Catchup(ctx, l, until, o.Progress.records())
	}
	if err != nil {
		return nil, rep, errors.Join(fmt.Errorf("replay: %w", err), g.discard())
	}
	o.after(stepFolded)
	return g, rep, nil
}

func (g *generation) discard() error {
	if g.p != nil {
		g.p.Abort()
	}
	return g.db.Discard()
}

// digests returns the digest over all keys and the state digest of the index as it stands.
func digests(db *index.DB) (all, state [32]byte, err error) {
	v, err := db.View()
	if err != nil {
		return all, state, err
	}
	if all, err = v.Digest(); err == nil {
		state, err = v.StateDigest()
	}
	return all, state, errors.Join(err, v.Close())
}
