package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// DefaultIdle is how long a [Shared] keeps its store open with nothing to do.
const DefaultIdle = 300 * time.Millisecond

// followEvery is how often a followed log is looked at, between which others may write.
const followEvery = 250 * time.Millisecond

// Shared is a [memory.Service] for processes that share a store by taking turns: it opens the store
// when it is called and lets it go when it has been idle. It never opens anything before the first
// call.
type Shared struct {
	dir  string
	o    Options
	idle time.Duration

	mu    sync.Mutex
	open  *Store      // mu guards; nil while the store is let go
	calls int         // mu guards: under way
	timer *time.Timer // mu guards: lets the store go
	ended bool        // mu guards
}

var _ memory.Service = (*Shared)(nil)

// NewShared returns a service for the store in dir. Idle 0 means [DefaultIdle].
func NewShared(dir string, o Options, idle time.Duration) *Shared {
	if idle == 0 {
		idle = DefaultIdle
	}
	return &Shared{dir: dir, o: o, idle: idle}
}

// take opens the store where it is not open, and counts a call.
func (s *Shared) take(ctx context.Context) (*Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, errClosed
	}
	if s.open == nil {
		st, err := Open(ctx, s.dir, s.o)
		if err != nil {
			return nil, err
		}
		s.open = st
	}
	s.calls++
	if s.timer != nil {
		s.timer.Stop()
	}
	return s.open, nil
}

// give ends a call.
func (s *Shared) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.calls == 0 && !s.ended {
		s.timer = time.AfterFunc(s.idle, s.letGo)
	}
}

// letGo closes the store where nobody calls.
func (s *Shared) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls > 0 || s.open == nil {
		return
	}
	if err := s.open.Close(); err != nil {
		s.open.o.Logger.Error("close idle store", "err", err)
	}
	s.open = nil
}

// Close lets the store go for good, after the calls under way.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.open == nil {
		return nil
	}
	err := s.open.Close()
	s.open = nil
	return err
}

// on runs one call on the store.
func on[R any](ctx context.Context, s *Shared, f func(*Store) (R, error)) (R, error) {
	st, err := s.take(ctx)
	if err != nil {
		var zero R
		return zero, err
	}
	defer s.give()
	return f(st)
}

// Search is [Store.Search].
func (s *Shared) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	return on(ctx, s, func(st *Store) (memory.SearchResult, error) { return st.Search(ctx, r) })
}

// List is [Store.List].
func (s *Shared) List(ctx context.Context, r memory.ListRequest) (memory.ListResult, error) {
	return on(ctx, s, func(st *Store) (memory.ListResult, error) { return st.List(ctx, r) })
}

// Get is [Store.Get].
func (s *Shared) Get(ctx context.Context, r memory.GetRequest) (memory.Memory, error) {
	return on(ctx, s, func(st *Store) (memory.Memory, error) { return st.Get(ctx, r) })
}

// History is [Store.History].
func (s *Shared) History(ctx context.Context, r string) (memory.History, error) {
	return on(ctx, s, func(st *Store) (memory.History, error) { return st.History(ctx, r) })
}

// Tags is [Store.Tags].
func (s *Shared) Tags(ctx context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	return on(ctx, s, func(st *Store) (memory.TagsResult, error) { return st.Tags(ctx, r) })
}

// Stats is [Store.Stats].
func (s *Shared) Stats(ctx context.Context) (memory.StatsResult, error) {
	return on(ctx, s, func(st *Store) (memory.StatsResult, error) { return st.Stats(ctx) })
}

// Health is [Store.Health].
func (s *Shared) Health(ctx context.Context) (memory.HealthResult, error) {
	return on(ctx, s, func(st *Store) (memory.HealthResult, error) { return st.Health(ctx) })
}

// Store is [Store.Store].
func (s *Shared) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	return on(ctx, s, func(st *Store) (memory.StoreResult, error) { return st.Store(ctx, r) })
}

// Update is [Store.Update].
func (s *Shared) Update(ctx context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return on(ctx, s, func(st *Store) (memory.Change, error) { return st.Update(ctx, r) })
}

// Delete is [Store.Delete].
func (s *Shared) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return on(ctx, s, func(st *Store) (memory.Change, error) { return st.Delete(ctx, r) })
}

// Restore is [Store.Restore].
func (s *Shared) Restore(ctx context.Context, r memory.RestoreRequest) (memory.Change, error) {
	return on(ctx, s, func(st *Store) (memory.Change, error) { return st.Restore(ctx, r) })
}

// Link is [Store.Link].
func (s *Shared) Link(ctx context.Context, r memory.LinkRequest) (memory.Change, error) {
	return on(ctx, s, func(st *Store) (memory.Change, error) { return st.Link(ctx, r) })
}

// Duplicates is [Store.Duplicates].
func (s *Shared) Duplicates(
	ctx context.Context,
	r memory.DuplicatesRequest,
) (memory.DuplicatesResult, error) {
	return on(
		ctx,
		s,
		func(st *Store) (memory.DuplicatesResult, error) { return st.Duplicates(ctx, r) },
	)
}

// Undo is [Store.Undo].
func (s *Shared) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return on(ctx, s, func(st *Store) (memory.UndoResult, error) { return st.Undo(ctx, r) })
}

// Revert is [Store.Revert].
func (s *Shared) Revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return on(ctx, s, func(st *Store) (memory.RevertResult, error) { return st.Revert(ctx, r) })
}

// Replay is [Store.Replay].
func (s *Shared) Replay(ctx context.Context, r memory.ReplayRequest) (memory.ReplayResult, error) {
	return on(ctx, s, func(st *Store) (memory.ReplayResult, error) { return st.Replay(ctx, r) })
}

// Moments is [Store.Moments].
func (s *Shared) Moments(ctx context.Context) (memory.Moments, error) {
	return on(ctx, s, func(st *Store) (memory.Moments, error) { return st.Moments(ctx) })
}

// Rebuild is [Store.Rebuild].
func (s *Shared) Rebuild(
	ctx context.Context,
	r memory.RebuildRequest,
) (memory.RebuildResult, error) {
	return on(ctx, s, func(st *Store) (memory.RebuildResult, error) { return st.Rebuild(ctx, r) })
}

// SnapshotCreate is [Store.SnapshotCreate].
func (s *Shared) SnapshotCreate(ctx context.Context) (memory.SnapshotInfo, error) {
	return on(ctx, s, func(st *Store) (memory.SnapshotInfo, error) { return st.SnapshotCreate(ctx) })
}

// SnapshotList is [Store.SnapshotList].
func (s *Shared) SnapshotList(ctx context.Context) ([]memory.SnapshotInfo, error) {
	return on(ctx, s, func(st *Store) ([]memory.SnapshotInfo, error) { return st.SnapshotList(ctx) })
}

// SnapshotPrune is [Store.SnapshotPrune].
func (s *Shared) SnapshotPrune(
	ctx context.Context,
	r memory.PruneRequest,
) (memory.PruneResult, error) {
	return on(ctx, s, func(st *Store) (memory.PruneResult, error) { return st.SnapshotPrune(ctx, r) })
}

// SnapshotRestore is [Store.SnapshotRestore].
func (s *Shared) SnapshotRestore(ctx context.Context, r string) (memory.RebuildResult, error) {
	return on(
		ctx,
		s,
		func(st *Store) (memory.RebuildResult, error) { return st.SnapshotRestore(ctx, r) },
	)
}

// Archive is [Store.Archive].
func (s *Shared) Archive(
	ctx context.Context,
	r memory.ArchiveRequest,
) (memory.ArchiveResult, error) {
	return on(ctx, s, func(st *Store) (memory.ArchiveResult, error) { return st.Archive(ctx, r) })
}

// ArchiveList is [Store.ArchiveList].
func (s *Shared) ArchiveList(ctx context.Context) (memory.ArchiveResult, error) {
	return on(ctx, s, func(st *Store) (memory.ArchiveResult, error) { return st.ArchiveList(ctx) })
}

// ArchiveVerify is [Store.ArchiveVerify].
func (s *Shared) ArchiveVerify(ctx context.Context) (memory.ArchiveResult, error) {
	return on(ctx, s, func(st *Store) (memory.ArchiveResult, error) { return st.ArchiveVerify(ctx) })
}

// ArchiveRestore is [Store.ArchiveRestore].
func (s *Shared) ArchiveRestore(ctx context.Context) (memory.ArchiveResult, error) {
	return on(ctx, s, func(st *Store) (memory.ArchiveResult, error) { return st.ArchiveRestore(ctx) })
}

// Export is [Store.Export].
func (s *Shared) Export(ctx context.Context, w io.Writer, r memory.ExportRequest) (
	memory.ExportResult, error) {
	return on(ctx, s, func(st *Store) (memory.ExportResult, error) { return st.Export(ctx, w, r) })
}

// Import is [Store.Import].
func (s *Shared) Import(ctx context.Context, src io.Reader, r memory.ImportRequest) (
	memory.ImportResult, error) {
	return on(ctx, s, func(st *Store) (memory.ImportResult, error) { return st.Import(ctx, src, r) })
}

// Verify is [Store.Verify] while the store is open here, whose index is ahead of the one on disk;
// else the package's own check of the directory, which needs no open store.
func (s *Shared) Verify(ctx context.Context, r memory.VerifyRequest) (memory.VerifyResult, error) {
	s.mu.Lock()
	st := s.open
	if st != nil {
		s.calls++ // it stays open for that long
	}
	s.mu.Unlock()
	if st == nil {
		return Verify(ctx, s.dir, s.o, r)
	}
	defer s.give()
	return st.Verify(ctx, r)
}

// Repair is the package's own repair of the directory, which needs no open store.
func (s *Shared) Repair(ctx context.Context, r memory.RepairRequest) (memory.RepairResult, error) {
	s.letGo()
	return repair(ctx, s.dir, s.o.withDefaults(), r)
}

// Log is [Store.Log]; while it follows, it lets the store go between looks, so that others write.
func (s *Shared) Log(ctx context.Context, r memory.LogRequest) iter.Seq2[memory.LogRecord, error] {
	return func(yield func(memory.LogRecord, error) bool) {
		follow := r.Follow
		r.Follow = false
		for {
			goOn, err := s.logOnce(ctx, &r, yield)
			if err != nil && memory.CodeOf(err) != memory.CodeBusy {
				yield(memory.LogRecord{}, err)
				return
			}
			if !goOn || !follow {
				if err != nil {
					yield(memory.LogRecord{}, err)
				}
				return
			}
			s.letGo()
			select {
			case <-ctx.Done():
				return
			case <-time.After(followEvery):
			}
		}
	}
}

// logOnce yields the records from r.From to the head and moves r.From behind them.
func (s *Shared) logOnce(ctx context.Context, r *memory.LogRequest,
	yield func(memory.LogRecord, error) bool) (bool, error) {
	st, err := s.take(ctx)
	if err != nil {
		return true, err
	}
	defer s.give()
	e, done, err := st.hold()
	if err != nil {
		return false, err
	}
	head := memory.Seq(e.Log.Head().Seq)
	done()
	if r.From > head {
		return r.To == 0 || r.To > head, nil
	}
	for rec, err := range st.Log(ctx, *r) {
		if !yield(rec, err) {
			return false, nil
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return false, nil
	}
	r.From = head + 1
	return r.To == 0 || r.To > head, nil
}
