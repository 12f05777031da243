package recovery

import (
	"fmt"
	"sync"

	"memlog/projection"
	"memlog/wal"
)

// follower stands between the log and the live projector so that Rebuild can put another one in
// its place in the middle of a batch.
type follower struct {
	log *wal.Log

	mu     sync.Mutex
	p      *projection.Projector // mu guards
	staged []wal.Record          // mu guards: of the batch that is being written
	behind bool                  // mu guards: a commit failed, durable records are not in the index
}

// Stage implements wal.Follower. After a failed commit it first applies what the index missed, so
// that no record is ever applied over a gap.
func (f *follower) Stage(rec wal.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.behind {
		if err := catchUpNow(f.p, f.log); err != nil {
			return fmt.Errorf("bring the index up to date: %w", err)
		}
		f.behind = false
	}
	if err := f.p.Stage(rec); err != nil {
		return err
	}
	f.staged = append(f.staged, rec)
	return nil
}

// Commit implements wal.Follower.
func (f *follower) Commit() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.staged = nil
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

// replace makes p the projector. It brings p up to the log's head first, and then to what is
// staged and not yet durable, so p misses nothing whatever is being written.
func (f *follower) replace(p *projection.Projector) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := catchUpNow(p, f.log); err != nil {
		return err
	}
	for _, rec := range f.staged {
		if err := p.Stage(rec); err != nil {
			p.Abort()
			return fmt.Errorf("stage record %d: %w", rec.Seq, err)
		}
	}
	f.p.Abort()
	f.p, f.behind = p, false
	return nil
}
