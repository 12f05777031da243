package daemon

import (
	"context"
	"io"

	"memlog/cmd/memlog/internal/memory"
)

// guard lets nothing be written to, nor acknowledged from, a store that is no longer in its place:
// another process may own what is there now.
type guard struct {
	memory.Service
	w *owner
}

// guarded runs a change between two looks.
func guarded[R any](g *guard, change func() (R, error)) (R, error) {
	var zero R
	if err := g.check(); err != nil {
		return zero, err
	}
	r, err := change()
	if gone := g.check(); gone != nil {
		return zero, gone
	}
	return r, err
}

// check fails where the store has gone. Fronts send what fails so again, to the next owner.
func (g *guard) check() error {
	if g.w.ours() {
		return nil
	}
	g.w.leave(reasonGone)
	return memory.Errorf(memory.CodeBusy, "store %s was moved or deleted", g.w.o.Store).
		WithHint("try again; a store that is not there is made anew")
}

func (g *guard) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	return guarded(g, func() (memory.StoreResult, error) { return g.Service.Store(ctx, r) })
}

func (g *guard) Update(ctx context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Update(ctx, r) })
}

func (g *guard) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Delete(ctx, r) })
}

func (g *guard) Restore(ctx context.Context, r memory.RestoreRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Restore(ctx, r) })
}

func (g *guard) Link(ctx context.Context, r memory.LinkRequest) (memory.Change, error) {
	return guarded(g, func() (memory.Change, error) { return g.Service.Link(ctx, r) })
}

func (g *guard) Duplicates(
	ctx context.Context, r memory.DuplicatesRequest,
) (memory.DuplicatesResult, error) {
	return guarded(g, func() (memory.DuplicatesResult, error) { return g.Service.Duplicates(ctx, r) })
}

func (g *guard) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return guarded(g, func() (memory.UndoResult, error) { return g.Service.Undo(ctx, r) })
}

func (g *guard) Revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return guarded(g, func() (memory.RevertResult, error) { return g.Service.Revert(ctx, r) })
}

func (g *guard) Import(
	ctx context.Context, src io.Reader, r memory.ImportRequest,
) (memory.ImportResult, error) {
	return guarded(g, func() (memory.ImportResult, error) { return g.Service.Import(ctx, src, r) })
}

func (g *guard) Repair(ctx context.Context, r memory.RepairRequest) (memory.RepairResult, error) {
	return guarded(g, func() (memory.RepairResult, error) { return g.Service.Repair(ctx, r) })
}

func (g *guard) Rebuild(
	ctx context.Context, r memory.RebuildRequest,
) (memory.RebuildResult, error) {
	return guarded(g, func() (memory.RebuildResult, error) { return g.Service.Rebuild(ctx, r) })
}

func (g *guard) SnapshotCreate(ctx context.Context) (memory.SnapshotInfo, error) {
	return guarded(g, func() (memory.SnapshotInfo, error) { return g.Service.SnapshotCreate(ctx) })
}

func (g *guard) SnapshotPrune(
	ctx context.Context, r memory.PruneRequest,
) (memory.PruneResult, error) {
	return guarded(g, func() (memory.PruneResult, error) { return g.Service.SnapshotPrune(ctx, r) })
}

func (g *guard) SnapshotRestore(ctx context.Context, r string) (memory.RebuildResult, error) {
	return guarded(g, func() (memory.RebuildResult, error) {
		return g.Service.SnapshotRestore(ctx, r)
	})
}

func (g *guard) Archive(
	ctx context.Context, r memory.ArchiveRequest,
) (memory.ArchiveResult, error) {
	return guarded(g, func() (memory.ArchiveResult, error) { return g.Service.Archive(ctx, r) })
}

func (g *guard) ArchiveRestore(ctx context.Context) (memory.ArchiveResult, error) {
	return guarded(g, func() (memory.ArchiveResult, error) { return g.Service.ArchiveRestore(ctx) })
}
