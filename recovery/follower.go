package recovery

import (
	"fmt"
	"sync"

	"memlog/projection"
	"memlog/wal"
)

// follower stands between the log and the live projector, so that Rebuild can put another one in
// its place in the middle of a batch, and so that a projector that failed once is brought up to
// date before it is asked again.
type follower struct {
	log *wal.Log

	mu     sync.Mutex
	p      *projection.Projector // mu guards
	staged []wal.Record          // mu guards: of the batch that is being written
	behind bool                  // mu guards: p failed; it may lack records that are durable
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
	if err := catchUpNow(p, f.log); err != nil {
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
