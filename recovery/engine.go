package recovery

import (
	"context"
	"errors"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// Engine is an open store: the log, and the index that follows it.
type Engine struct {
	Log *wal.Log
}

// Open opens the store in dir, or makes it. Opening is recovery: there is no other way in.
func Open(ctx context.Context, dir string, o Options) (*Engine, error) {
	return nil, errors.ErrUnsupported
}

// Index returns the live index and a release that must be called once, after every view of it was
// closed. Rebuild and RestoreSnapshot put another in its place, and close it after its release.
// Any goroutine may call it.
func (e *Engine) Index() (db *index.DB, release func()) { return nil, func() {} }

// Projector returns the live projector. Only a build function of Log.Append may call it, and it
// must not keep it.
func (e *Engine) Projector() *projection.Projector { return nil }

// Notes says what was found and done on opening, in sentences.
func (e *Engine) Notes() []string { return nil }

// Dir is the store's directory.
func (e *Engine) Dir() string { return "" }

// Close ends the log, then the index.
func (e *Engine) Close() error { return nil }

// RebuildReport is what Rebuild did.
type RebuildReport struct {
	Records uint64   // records that were replayed
	Digest  [32]byte // over all keys of the new index
	State   [32]byte // state digest
}

// Rebuild makes a new index from the log beside the old one and puts it in its place when it is
// whole. Appends go on meanwhile. It refuses while the log has damage that was not accepted.
func (e *Engine) Rebuild(ctx context.Context, p Progress) (RebuildReport, error) {
	return RebuildReport{}, errors.ErrUnsupported
}
