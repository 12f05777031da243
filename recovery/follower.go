package recovery

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"memlog/projection"
	"memlog/wal"
)

// follower stands between the log and the live projector, so that Rebuild can put another one in
// its place in the middle of a batch, and so that a projector that failed once is brought up to
// date before it is asked again.
type follower struct {
	log      *wal.Log
	onDamage func(error) error             // before a record behind damage is applied
	onGaps   func(projection.Report) error // after records were passed over

	mu     sync.Mutex
	p      *projection.Projector // mu guards
	staged []wal.Record          // mu guards: of the batch that is being written
	behind bool                  // mu guards: p failed; it may lack records that are durable
	passed int                   // mu guards: damaged places that were passed over
}

// ready returns the projector, with everything durable and everything staged in it.
func (f *follower) ready() *projection.Projector {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.mend() // a view of it says what is wrong
	return f.p
}

// mend brings a projector that failed up to date.
func (f *follower) mend() error {
	if !f.behind {
		return nil
	}
	if err := f.fill(f.p); err != nil {
		return fmt.Errorf("bring the index up to date: %w", err)
	}
	f.behind = false
	return nil
}

// fill applies to p what is durable and stages what is staged.
func (f *follower) fill(p *projection.Projector) error {
	if err := f.catchUpNow(p); err != nil {
		return err
	}
	for _, rec := range f.staged {
		if uint64(rec.Seq) <= p.Checkpoint().Seq {
			continue
		}
		if err := p.Stage(rec); err != nil {
			return fmt.Errorf("stage record %d: %w", rec.Seq, err)
		}
	}
	return nil
}

// catchUpNow applies what the log holds and p has not seen, and says what is damaged there. It is
// short work, on the writer's goroutine, where no context applies.
func (f *follower) catchUpNow(p *projection.Projector) error {
	src := &source{log: f.log, onDamage: f.onDamage}
	rep, err := p.Catchup(context.Background(), src, f.log.Head().Seq, nil)
	if len(rep.Damaged) == 0 {
		return err
	}
	f.passed += len(rep.Damaged)
	return errors.Join(err, f.onGaps(rep))
}

// passedOver counts the damaged places that were passed over since the store was opened.
func (e *Engine) passedOver() int {
	if e.follower == nil {
		return 0
	}
	e.follower.mu.Lock()
	defer e.follower.mu.Unlock()
	return e.follower.passed
}

// Stage implements wal.Follower.
func (f *follower) Stage(rec wal.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.mend(); err != nil {
		return err
	}
	if err := f.p.Stage(rec); err != nil {
		f.behind = true
		return err
	}
	f.staged = append(f.staged, rec)
	return nil
}

// Commit implements wal.Follower.
func (f *follower) Commit() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.staged = nil // durable: the log has them
	if f.behind {
		return f.mend()
	}
	if err := f.p.Commit(); err != nil {
		f.behind = true
		return err
	}
	return nil
}

// Abort implements wal.Follower.
func (f *follower) Abort() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.staged = nil
	f.p.Abort()
}

// replace makes p the projector; it misses nothing, whatever is being written.
func (f *follower) replace(p *projection.Projector) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fill(p); err != nil {
		p.Abort()
		return err
	}
	f.p.Abort()
	f.p, f.behind = p, false
	return nil
}
