package recovery

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"memlog/index"
	"memlog/wal"
)

// RebuildReport is what Rebuild did.
type RebuildReport struct {
	Records uint64   // records that were replayed
	Digest  [32]byte // over all keys of the new index
	State   [32]byte // state digest
}

// Rebuild makes a new index from the log beside the old one and puts it in its place when it is
// whole; a failure or a kill at any point leaves the old one in use. Reads and appends go on
// meanwhile; no append is missed. Where the log has damage that was not accepted it refuses with
// ErrDamaged, since the old index may hold what the log has lost.
func (e *Engine) Rebuild(ctx context.Context, p Progress) (RebuildReport, error) {
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	if err := e.damage(); err != nil {
		return RebuildReport{}, fmt.Errorf("rebuild: %w", err)
	}
	if err := e.Log.Writable(); err != nil {
		return RebuildReport{}, fmt.Errorf("rebuild: %w", err)
	}
	r, err := e.rebuild(ctx, p, true)
	if err != nil {
		return RebuildReport{}, fmt.Errorf("rebuild: %w", wal.DiskFull(err))
	}
	return r, nil
}

// Heal makes the index anew if it broke while it was in use, from whatever the log holds, and does
// nothing otherwise. Where the store is read-only that is a copy outside of it, as before.
func (e *Engine) Heal(ctx context.Context) error {
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	g := e.current()
	broken := g.db.Broken()
	if broken == nil {
		return nil
	}
	if _, err := e.rebuild(ctx, e.o.Progress, false); err != nil {
		return fmt.Errorf("make the broken index anew: %w", err)
	}
	e.note("the index broke while it was in use (%v); it was made anew", broken)
	return nil
}

// rebuild folds, swaps and promotes. strict refuses to leave damaged records out.
func (e *Engine) rebuild(ctx context.Context, p Progress, strict bool) (RebuildReport, error) {
	o := e.o
	o.Progress = p
	next, rep, err := fold(ctx, e.Log, 0, e.indexDir, o)
	if err != nil {
		return RebuildReport{}, err
	}
	if strict && len(rep.Damaged) > 0 {
		return RebuildReport{}, errors.Join(damageError(rep.Damaged[0]), next.discard())
	}
	if err := e.noteGaps(rep); err != nil {
		return RebuildReport{}, errors.Join(err, next.discard())
	}
	before, passed, old := next.db.Checkpoint().Seq, e.passedOver(), e.current()
	if err := e.swap(ctx, next); err != nil {
		return RebuildReport{}, errors.Join(err, next.discard())
	}
	e.o.after(stepSwapped)
	var r RebuildReport
	var unread error
	var wg sync.WaitGroup
	wg.Go(func() {
		unread = e.readOnce(func(db *index.DB) (err error) {
			r.Records = rep.Applied + db.Checkpoint().Seq - before
			r.Digest, r.State, err = digests(db)
			return err
		})
	})
	err = e.replaceLive(old, next)
	wg.Wait()
	if err != nil {
		return RebuildReport{}, err
	}
	if len(rep.Damaged) == 0 && e.passedOver() == passed {
		if err := e.clearStale(); err != nil {
			return RebuildReport{}, err
		}
	}
	return r, unread
}

// replaceLive makes next, which is live, the generation in use. A kill before leaves the old one in
// use, a prefix of the same log.
func (e *Engine) replaceLive(old, next *generation) error {
	<-e.retire(old) // readers do not wait for us, so this ends
	if err := old.close(); err != nil {
		e.o.Logger.Warn("close old index", "error", err)
	}
	if err := next.promote(false); err != nil {
		return err
	}
	e.o.after(stepPromoted)
	return nil
}

// swap makes next live on the log's writer goroutine, between two batches, also where the last
// write failed: what is durable is in it when the next command looks at it. A store that is
// read-only has no writer to wait for.
func (e *Engine) swap(ctx context.Context, next *generation) error {
	if e.follower == nil {
		e.setLive(next)
		return nil
	}
	var failed error
	err := e.Log.BetweenBatches(ctx, func() {
		if failed = e.follower.replace(next.p); failed == nil {
			e.setLive(next)
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("put the new index in its place: %w", err)
	}
	return nil
}
