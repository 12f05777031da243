package rpc

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// Verify implements [memory.Keeper].
func (c *Client) Verify(ctx context.Context, r memory.VerifyRequest) (memory.VerifyResult, error) {
	return ask[memory.VerifyResult](ctx, c, post("verify", r, r.Progress))
}

// Repair implements [memory.Keeper].
func (c *Client) Repair(ctx context.Context, r memory.RepairRequest) (memory.RepairResult, error) {
	return ask[memory.RepairResult](ctx, c, post("repair", r, r.Progress))
}

// Rebuild implements [memory.Keeper].
func (c *Client) Rebuild(ctx context.Context, r memory.RebuildRequest) (
	memory.RebuildResult, error) {
	return ask[memory.RebuildResult](ctx, c, post("rebuild", r, r.Progress))
}

// SnapshotCreate implements [memory.Keeper].
func (c *Client) SnapshotCreate(ctx context.Context) (memory.SnapshotInfo, error) {
	return ask[memory.SnapshotInfo](ctx, c, post("snapshot-create", nothing{}, nil))
}

// SnapshotList implements [memory.Keeper].
func (c *Client) SnapshotList(ctx context.Context) ([]memory.SnapshotInfo, error) {
	return ask[[]memory.SnapshotInfo](ctx, c, post("snapshot-list", nothing{}, nil))
}

// SnapshotPrune implements [memory.Keeper].
func (c *Client) SnapshotPrune(ctx context.Context, r memory.PruneRequest) (
	memory.PruneResult, error) {
	return ask[memory.PruneResult](ctx, c, post("snapshot-prune", r, nil))
}

// SnapshotRestore implements [memory.Keeper].
func (c *Client) SnapshotRestore(ctx context.Context, name string) (memory.RebuildResult, error) {
	return ask[memory.RebuildResult](ctx, c, post("snapshot-restore", byName{name}, nil))
}

// Archive implements [memory.Keeper].
func (c *Client) Archive(ctx context.Context, r memory.ArchiveRequest) (
	memory.ArchiveResult, error) {
	return ask[memory.ArchiveResult](ctx, c, post("archive", r, r.Progress))
}

// ArchiveList implements [memory.Keeper].
func (c *Client) ArchiveList(ctx context.Context) (memory.ArchiveResult, error) {
	return ask[memory.ArchiveResult](ctx, c, post("archive-list", nothing{}, nil))
}

// ArchiveVerify implements [memory.Keeper].
func (c *Client) ArchiveVerify(ctx context.Context) (memory.ArchiveResult, error) {
	return ask[memory.ArchiveResult](ctx, c, post("archive-verify", nothing{}, nil))
}

// ArchiveRestore implements [memory.Keeper].
func (c *Client) ArchiveRestore(ctx context.Context) (memory.ArchiveResult, error) {
	return ask[memory.ArchiveResult](ctx, c, post("archive-restore", nothing{}, nil))
}
