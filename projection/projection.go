package projection

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"slices"

	"memlog/index"
	"memlog/wal"
)

// Version of the projection: what Apply makes of a record. A change of it raises
// index.FoldVersion, which is part of the index's schema, so that the index is rebuilt.
const Version = index.FoldVersion

// ErrBehind: a record was staged that does not follow what the index has; Catchup first.
var ErrBehind = errors.New("index is behind the log")

// Options of New.
type Options struct {
	Logger *slog.Logger // nil: discard
}

// Projector folds records into batches of one index. It is wal.Follower. Its methods are for one
// goroutine: the log's writer, or whoever catches up before there is one.
type Projector struct {
	db    *index.DB
	log   *slog.Logger
	batch *index.Batch       // nil: nothing staged
	texts []index.TextReader // one for each goroutine that prepares events
	err   error              // why nothing can be staged until Catchup
}

// New returns a projector into db. It does not take db over.
func New(db *index.DB, o Options) (*Projector, error) {
	if err := db.Broken(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Projector{db: db, log: o.Logger,
		texts: make([]index.TextReader, min(runtime.GOMAXPROCS(0), maxPreparers))}, nil
}

// begin opens a batch where there is none.
func (p *Projector) begin() error {
	if p.batch != nil {
		return nil
	}
	b, err := p.db.NewBatch()
	if err != nil {
		return fmt.Errorf("begin index batch: %w", err)
	}
	p.batch = b
	return nil
}

// Checkpoint returns the last record applied, staged ones included.
func (p *Projector) Checkpoint() index.Checkpoint {
	if p.batch != nil {
		return p.batch.Checkpoint()
	}
	return p.db.Checkpoint()
}

// Stage applies the record that follows the last one. After an error of it, or of Commit, nothing
// more is staged until Catchup, since a record would be left out.
func (p *Projector) Stage(rec wal.Record) error {
	if p.err != nil {
		return p.err
	}
	if at := p.Checkpoint().Seq; uint64(rec.Seq) != at+1 {
		return fmt.Errorf("stage record %d, index is at %d: %w", rec.Seq, at, ErrBehind)
	}
	return p.Apply(rec)
}

// Apply applies a record to the open batch. Records must come in order; one that is already in
// the index is passed over, and numbers may be missing (damage). No content of a record makes it
// fail: errors are those of the index, and leave nothing to be committed.
func (p *Projector) Apply(rec wal.Record) error {
	return p.apply(&rec, func(yield func(prepared) bool) {
		for events := range slices.Chunk(rec.Events, prepareEvents) {
			for _, e := range p.prepare(events) {
				if !yield(e) {
					return
				}
			}
		}
	})
}

// apply is Apply with the record's events prepared.
func (p *Projector) apply(rec *wal.Record, events iter.Seq[prepared]) error {
	if err := p.begin(); err != nil {
		return p.fail(err)
	}
	if uint64(rec.Seq) <= p.batch.Checkpoint().Seq {
		return nil
	}
	f := fold{b: p.batch, v: p.batch.View(), seq: uint64(rec.Seq), rec: rec}
	if err := f.record(events); err != nil {
		return p.fail(fmt.Errorf("apply record %d: %w", rec.Seq, err))
	}
	return nil
}

// fail drops the batch: half a record in it must never be committed.
func (p *Projector) fail(err error) error {
	p.Abort()
	p.err = err
	return err
}

// Commit makes what was staged visible, data and checkpoint in one batch.
func (p *Projector) Commit() error {
	if p.err != nil {
		return p.err
	}
	if p.batch == nil {
		return nil
	}
	b := p.batch
	p.batch = nil
	if err := b.Commit(); err != nil {
		p.err = err
		return err
	}
	return nil
}

// Abort drops what was staged.
func (p *Projector) Abort() {
	if p.batch == nil {
		return
	}
	if err := p.batch.Close(); err != nil {
		p.log.Warn("drop index batch", "error", err)
	}
	p.batch = nil
}

// View reads the index with everything staged: what a command must decide on. It is valid until
// the next Commit or Abort, and only on the writer's goroutine. Where nothing can be staged, every
// read of it says why.
func (p *Projector) View() *index.View {
	if p.err != nil {
		return p.db.FailedView(p.err)
	}
	if err := p.begin(); err != nil {
		return p.db.FailedView(err)
	}
	return p.batch.View()
}
