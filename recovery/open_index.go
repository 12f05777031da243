package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// openGeneration opens the generation in use. One that is known to be ahead of the log is opened
// read-only: it is evidence. While this process has the store's lock, only a verify or a read-only
// opening elsewhere can have the index open, and those end.
func (e *Engine) openGeneration(ctx context.Context) (*index.DB, error) {
	o := e.o.index()
	cp, err := index.Peek(e.indexDir)
	if err == nil && wal.Seq(cp.Seq) > e.Log.Head().Seq && cp.LogID == e.Log.ID() {
		o.ReadOnly = true
	}
	return openWaiting(ctx, e.indexDir, o, InUseWait)
}

// openWaiting opens an index, waiting for another process to let go of it.
func openWaiting(ctx context.Context, dir string, o index.Options, wait time.Duration) (
	*index.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		db, err := index.Open(dir, o)
		if !errors.Is(err, index.ErrInUse) {
			return db, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(InUsePoll):
		}
	}
}

// serveEvidence serves an index that has seen more than the log has, read-only and untouched. The
// log must refuse writes: a record appended now would take the number of one that was lost.
func (e *Engine) serveEvidence(ctx context.Context, db *index.DB, why string) error {
	cp := db.Checkpoint()
	if err := db.Close(); err != nil {
		return err
	}
	if !e.readOnly {
		if err := e.reopenLog(ctx, cp); err != nil {
			return err
		}
	}
	o := e.o.index()
	o.ReadOnly = true
	db, err := openWaiting(ctx, e.indexDir, o, InUseWait)
	if err != nil {
		return fmt.Errorf("open the index that is ahead of the log: %w", err)
	}
	g := &generation{db: db}
	if p, err := projection.New(db, projection.Options{Logger: e.o.Logger}); err == nil {
		g.p = p
	}
	e.setLive(g)
	e.note("the index %s: acknowledged records are missing in the log; the index is kept as it "+
		"is and served read-only; run `memlog repair`", why)
	return nil
}

// reopenLog opens the log again with a checkpoint that could not be read before it was opened.
func (e *Engine) reopenLog(ctx context.Context, cp index.Checkpoint) error {
	if err := e.Log.Close(); err != nil {
		return err
	}
	ws := append(of(witnesses(e.dir), cp.LogID),
		wal.Witness{Name: "index checkpoint", Position: position(cp)})
	l, err := wal.Open(ctx, e.dir, e.o.wal(ws))
	if err != nil {
		return err
	}
	e.setLog(l)
	if !e.readOnly {
		return fmt.Errorf("%w: it ends at %d and the index has seen %d, yet it takes writes",
			ErrDamaged, l.Head().Seq, cp.Seq)
	}
	return e.useCopy()
}

// useCopy makes the engine serve a copy of the index outside of the store, which is brought up to
// date there, or made anew, as Open would do in place. Nothing in the store is touched, not even
// pebble's lock file, so a reader never stands in the way of an owner. A copy that is torn because
// an owner wrote meanwhile is found broken, and made anew.
func (e *Engine) useCopy() error {
	tmp, err := os.MkdirTemp("", "memlog-index-")
	if err != nil {
		return err
	}
	from := e.indexDir
	e.temp, e.indexDir = tmp, filepath.Join(tmp, indexName)
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		err = copyTree(from, e.indexDir)
	}
	if err != nil {
		return robustio.RemoveAll(e.indexDir) // it is gone, or went while it was copied
	}
	return nil
}
