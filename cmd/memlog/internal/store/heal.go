package store

import (
	"context"
	"errors"
	"io"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
)

// healed runs f, which reads the index. Where that turns out to be broken it is made anew from the
// log, and f runs once more: for it, the log is the truth. f must not hold the index when it ends,
// and what it has brought into the log by then must do no harm twice. It counts as a call of name.
func healed[R any](ctx context.Context, s *Store, name string, f func() (R, error)) (
	r R, err error) {
	defer s.counted(name, time.Now(), &err)
	r, err = f()
	if !errors.Is(err, index.ErrBroken) {
		return r, err
	}
	if herr := s.heal(ctx); herr != nil {
		return r, errors.Join(err, herr)
	}
	return f()
}

func (s *Store) heal(ctx context.Context) error {
	e, done, err := s.hold()
	if err != nil {
		return err
	}
	defer done()
	return e.Heal(ctx)
}

// Search finds memories by their words.
func (s *Store) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	return healed(ctx, s, "search", func() (memory.SearchResult, error) {
		return s.search(ctx, r, nil)
	})
}

// SearchWeighted is Search with other weights than the default ones, for those who measure them.
// They count in [memory.ModeHybrid] only.
func (s *Store) SearchWeighted(ctx context.Context, r memory.SearchRequest, w index.Weights) (
	memory.SearchResult, error) {
	return healed(ctx, s, "search", func() (memory.SearchResult, error) {
		return s.search(ctx, r, &w)
	})
}

// List returns memories, newest created first.
func (s *Store) List(ctx context.Context, r memory.ListRequest) (memory.ListResult, error) {
	return healed(ctx, s, "list", func() (memory.ListResult, error) { return s.list(ctx, r) })
}

// Get returns one memory.
func (s *Store) Get(ctx context.Context, r memory.GetRequest) (memory.Memory, error) {
	return healed(ctx, s, "get", func() (memory.Memory, error) { return s.get(ctx, r) })
}

// History returns every version of a memory, also of one that was taken back.
func (s *Store) History(ctx context.Context, name string) (memory.History, error) {
	return healed(ctx, s, "history", func() (memory.History, error) { return s.history(ctx, name) })
}

// Tags returns the tags in use.
func (s *Store) Tags(ctx context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	return healed(ctx, s, "tags", func() (memory.TagsResult, error) { return s.tags(ctx, r) })
}

// Stats counts what the store holds.
func (s *Store) Stats(ctx context.Context) (memory.StatsResult, error) {
	return healed(ctx, s, "stats", func() (memory.StatsResult, error) { return s.stats(ctx) })
}

// Duplicates finds memories of the same type and project that say nearly the same, and merges them
// where that is asked for: the oldest stays, with all the tags; the others are deleted and point to
// it.
func (s *Store) Duplicates(ctx context.Context, r memory.DuplicatesRequest) (
	memory.DuplicatesResult, error) {
	return healed(ctx, s, "duplicates", func() (memory.DuplicatesResult, error) {
		return s.duplicates(ctx, r)
	})
}

// Delete deletes memories as one record, all or none.
func (s *Store) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return healed(ctx, s, "delete", func() (memory.Change, error) { return s.delete(ctx, r) })
}

// Undo takes commands back by appending their opposites.
func (s *Store) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return healed(ctx, s, "undo", func() (memory.UndoResult, error) { return s.undo(ctx, r) })
}

// Revert brings back the state as of a moment by appending the opposite of all that came since.
func (s *Store) Revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return healed(ctx, s, "revert", func() (memory.RevertResult, error) { return s.revert(ctx, r) })
}

// Replay builds the store as it was: into a directory of its own, or only to say what it was. What
// it says is read from a real replay and held against the index's own view of that moment.
func (s *Store) Replay(ctx context.Context, r memory.ReplayRequest) (
	_ memory.ReplayResult, err error) {
	if r.Into != "" {
		defer s.counted("replay", time.Now(), &err)
		return s.replay(ctx, r) // the directory is made once
	}
	return healed(ctx, s, "replay", func() (memory.ReplayResult, error) { return s.replay(ctx, r) })
}

// Export writes memories, or the records themselves, to w. It holds one of them at a time.
func (s *Store) Export(ctx context.Context, w io.Writer, r memory.ExportRequest) (
	memory.ExportResult, error) {
	c := &countWriter{w: w}
	var first error
	return healed(ctx, s, "export", func() (memory.ExportResult, error) {
		if c.n > 0 {
			return memory.ExportResult{}, first // what was written cannot be taken back
		}
		res, err := s.export(ctx, c, r)
		first = err
		return res, err
	})
}

// countWriter counts what passes through.
type countWriter struct {
	w io.Writer
	n int64
}

// Write passes the bytes on.
func (c *countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
