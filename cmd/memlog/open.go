package main

import (
	"context"
	"errors"
	"log/slog"

	"memlog/cmd/memlog/internal/memory"
)

// offlineKeeper looks after a store that need not be fit to be opened.
type offlineKeeper interface {
	Verify(context.Context, memory.VerifyRequest) (memory.VerifyResult, error)
	Repair(context.Context, memory.RepairRequest) (memory.RepairResult, error)
	Rebuild(context.Context, memory.RebuildRequest) (memory.RebuildResult, error)
}

var errNoStore = errors.New("this build has no store")

func openStore(context.Context, settings, *slog.Logger, bool) (memory.Service, error) {
	return nil, errNoStore
}

func openOffline(settings, *slog.Logger) (offlineKeeper, error) { return nil, errNoStore }

func openShared(settings, *slog.Logger) memory.Service { return nil }
