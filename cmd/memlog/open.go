package main

import (
	"context"
	"log/slog"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// offlineKeeper looks after a store that need not be fit to be opened.
type offlineKeeper interface {
	Verify(context.Context, memory.VerifyRequest) (memory.VerifyResult, error)
	Repair(context.Context, memory.RepairRequest) (memory.RepairResult, error)
	Rebuild(context.Context, memory.RebuildRequest) (memory.RebuildResult, error)
	Close() error
}

// storeOptions are the options of the store for the settings of a command.
func storeOptions(s settings, log *slog.Logger, create bool) store.Options {
	o := store.Options{
		LockWait: s.timeout, Holder: s.holder, Version: version(), Logger: log,
		AcceptClock: s.acceptClock, MustExist: !create,
	}
	if s.timeout == 0 { // the options' zero means their default
		o.LockWait = -1
	}
	return o
}

// openStore opens the store for one command.
func openStore(
	ctx context.Context, s settings, log *slog.Logger, create bool,
) (memory.Service, error) {
	st, err := store.Open(ctx, s.store, storeOptions(s, log, create))
	if err != nil {
		return nil, err
	}
	return st, nil
}

// openShared returns the store as processes share it that live longer than a call.
func openShared(s settings, log *slog.Logger, create bool) memory.Service {
	return store.NewShared(s.store, storeOptions(s, log, create), 0)
}

// openOffline returns what works on the store's directory, and opens it only for a rebuild.
func openOffline(s settings, log *slog.Logger) offlineKeeper {
	return store.NewShared(s.store, storeOptions(s, log, false), 0)
}
