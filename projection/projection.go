// Package projection folds records of the log into batches of the index. It is the one apply path.
package projection

import (
	"context"
	"errors"
	"iter"
	"log/slog"

	"memlog/index"
	"memlog/wal"
)

// Version of the projection: a change of what Apply does to a record raises it.
const Version = 1

// StateDigestVersion is the version of the state digest's definition.
const StateDigestVersion = 1

// Options of New.
type Options struct {
	Logger *slog.Logger
}

// Projector folds records.
type Projector struct{}

// Records is the part of *wal.Log that Catchup reads.
type Records interface {
	Records(from, to wal.Seq) iter.Seq2[wal.Record, error]
}

// Report says what Catchup did.
type Report struct {
	Applied uint64
	Lost    uint64
	Damaged []*wal.CorruptionError
}

func New(db *index.DB, o Options) (*Projector, error) { return nil, errors.ErrUnsupported }
func (p *Projector) Apply(rec wal.Record) error       { return errors.ErrUnsupported }
func (p *Projector) Stage(rec wal.Record) error       { return errors.ErrUnsupported }
func (p *Projector) Commit() error                    { return errors.ErrUnsupported }
func (p *Projector) Abort()                           {}
func (p *Projector) View() *index.View                { return nil }
func (p *Projector) Catchup(ctx context.Context, log Records, to wal.Seq,
	progress func(done, total uint64)) (Report, error) {
	return Report{}, errors.ErrUnsupported
}
func StateDigest(v *index.View) ([32]byte, error) { return [32]byte{}, errors.ErrUnsupported }
func Text(payload []byte) string                  { return "" }
