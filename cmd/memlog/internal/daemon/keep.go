package daemon

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// Verify implements [memory.Keeper].
func (f *front) Verify(ctx context.Context, r memory.VerifyRequest) (memory.VerifyResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.VerifyResult, error) {
		return s.Verify(ctx, r)
	})
}

// Repair implements [memory.Keeper].
func (f *front) Repair(ctx context.Context, r memory.RepairRequest) (memory.RepairResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.RepairResult, error) {
		return s.Repair(ctx, r)
	})
}

// Rebuild implements [memory.Keeper].
func (f *front) Rebuild(
	ctx context.Context, r memory.RebuildRequest,
) (memory.RebuildResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.RebuildResult, error) {
		return s.Rebuild(ctx, r)
	})
}

// SnapshotCreate implements [memory.Keeper].
func (f *front) SnapshotCreate(ctx context.Context) (memory.SnapshotInfo, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.SnapshotInfo, error) {
		return s.SnapshotCreate(ctx)
	})
}

// SnapshotList implements [memory.Keeper].
func (f *front) SnapshotList(ctx context.Context) ([]memory.SnapshotInfo, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) ([]memory.SnapshotInfo, error) {
		return s.SnapshotList(ctx)
	})
}

// SnapshotPrune implements [memory.Keeper].
func (f *front) SnapshotPrune(
	ctx context.Context, r memory.PruneRequest,
) (memory.PruneResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.PruneResult, error) {
		return s.SnapshotPrune(ctx, r)
	})
}

// SnapshotRestore implements [memory.Keeper].
func (f *front) SnapshotRestore(ctx context.Context, r string) (memory.RebuildResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.RebuildResult, error) {
		return s.SnapshotRestore(ctx, r)
	})
}

// Archive implements [memory.Keeper].
func (f *front) Archive(
	ctx context.Context, r memory.ArchiveRequest,
) (memory.ArchiveResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ArchiveResult, error) {
		return s.Archive(ctx, r)
	})
}

// ArchiveList implements [memory.Keeper].
func (f *front) ArchiveList(ctx context.Context) (memory.ArchiveResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ArchiveResult, error) {
		return s.ArchiveList(ctx)
	})
}

// ArchiveVerify implements [memory.Keeper].
func (f *front) ArchiveVerify(ctx context.Context) (memory.ArchiveResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ArchiveResult, error) {
		return s.ArchiveVerify(ctx)
	})
}

// ArchiveRestore implements [memory.Keeper].
func (f *front) ArchiveRestore(ctx context.Context) (memory.ArchiveResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ArchiveResult, error) {
		return s.ArchiveRestore(ctx)
	})
}

// Moments implements [memory.Historian].
func (f *front) Moments(ctx context.Context) (memory.Moments, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.Moments, error) {
		return s.Moments(ctx)
	})
}
