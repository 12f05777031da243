package daemon

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// Search implements [memory.Reader].
func (f *front) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.SearchResult, error) {
		return s.Search(ctx, r)
	})
}

// List implements [memory.Reader].
func (f *front) List(ctx context.Context, r memory.ListRequest) (memory.ListResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ListResult, error) {
		return s.List(ctx, r)
	})
}

// Get implements [memory.Reader].
func (f *front) Get(ctx context.Context, r memory.GetRequest) (memory.Memory, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.Memory, error) {
		return s.Get(ctx, r)
	})
}

// History implements [memory.Reader].
func (f *front) History(ctx context.Context, r string) (memory.History, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.History, error) {
		return s.History(ctx, r)
	})
}

// Tags implements [memory.Reader].
func (f *front) Tags(ctx context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.TagsResult, error) {
		return s.Tags(ctx, r)
	})
}

// Stats implements [memory.Reader].
func (f *front) Stats(ctx context.Context) (memory.StatsResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.StatsResult, error) {
		return s.Stats(ctx)
	})
}

// Health implements [memory.Reader].
func (f *front) Health(ctx context.Context) (memory.HealthResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.HealthResult, error) {
		return s.Health(ctx)
	})
}

// Store implements [memory.Writer].
func (f *front) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.StoreResult, error) {
		return s.Store(ctx, r)
	})
}

// Update implements [memory.Writer].
func (f *front) Update(ctx context.Context, r memory.UpdateRequest) (memory.Change, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.Change, error) {
		return s.Update(ctx, r)
	})
}

// Delete implements [memory.Writer].
func (f *front) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.Change, error) {
		return s.Delete(ctx, r)
	})
}

// Restore implements [memory.Writer].
func (f *front) Restore(ctx context.Context, r memory.RestoreRequest) (memory.Change, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.Change, error) {
		return s.Restore(ctx, r)
	})
}

// Link implements [memory.Writer].
func (f *front) Link(ctx context.Context, r memory.LinkRequest) (memory.Change, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.Change, error) {
		return s.Link(ctx, r)
	})
}

// Duplicates implements [memory.Writer].
func (f *front) Duplicates(
	ctx context.Context, r memory.DuplicatesRequest,
) (memory.DuplicatesResult, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.DuplicatesResult, error) {
		return s.Duplicates(ctx, r)
	})
}

// Undo implements [memory.Historian].
func (f *front) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.UndoResult, error) {
		return s.Undo(ctx, r)
	})
}

// Revert implements [memory.Historian].
func (f *front) Revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	r.Origin = named(r.Origin)
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.RevertResult, error) {
		return s.Revert(ctx, r)
	})
}
