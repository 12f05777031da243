package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
	"memlog/cmd/memlog/internal/store"
)

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

// ownerOptions say how this process and the store's owner find each other.
func ownerOptions(s settings, log *slog.Logger, create bool) daemon.Options {
	o := daemon.Options{
		Store: s.store, Version: version(), Format: store.Format, Logger: log, Deadline: s.timeout,
		Client: rpc.ClientOptions{Name: s.holder, Version: version()},
		Open: func(ctx context.Context) (memory.Service, error) {
			so := storeOptions(s, log, create)
			so.LockWait = -1 // who has the lock is asked to serve instead
			st, err := store.Open(ctx, s.store, so)
			if err != nil {
				return nil, err
			}
			return st, nil
		},
	}
	if s.timeout == 0 {
		o.Deadline = -1
	}
	return o
}

// openStore returns the store for one command: its owner's, or, where there is none, opened here.
func openStore(
	ctx context.Context, s settings, log *slog.Logger, create bool,
) (memory.Service, error) {
	o := ownerOptions(s, log, create)
	if s.acceptClock { // it is the opening that believes the clock
		if err := daemon.Stop(ctx, o); err != nil {
			return nil, fmt.Errorf("stop the owner of the store: %w", err)
		}
	}
	svc, err := daemon.OneShot(ctx, o)
	if create || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return svc, err
	}
	return openForbidden(ctx, s, log, err)
}

// openForbidden opens a store that is there and may not be written, for reading. There is nothing
// to own: no lock is taken, and nobody is served. Where it cannot be read either, the error is the
// one that writing met.
func openForbidden(
	ctx context.Context, s settings, log *slog.Logger, forbidden error,
) (memory.Service, error) {
	st, err := openReading(ctx, s, log)
	if err != nil {
		return nil, forbidden
	}
	return st, nil
}

func openReading(ctx context.Context, s settings, log *slog.Logger) (memory.Service, error) {
	so := storeOptions(s, log, false)
	so.ReadOnlyOK = true
	st, err := store.Open(ctx, s.store, so)
	if err != nil {
		return nil, err
	}
	return st, nil
}

// openFront returns the store for a process that lives long. It starts an owner at the first call.
func openFront(s settings, log *slog.Logger) (memory.Service, error) {
	o := ownerOptions(s, log, true)
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this binary: %w", err)
	}
	o.Spawn = daemon.Detached(self, "serve", "--store", s.store)
	open := o.Open
	o.Open = func(ctx context.Context) (memory.Service, error) {
		full() // where no process can be started, this one is the owner
		return open(ctx)
	}
	o.OpenReading = func(ctx context.Context) (memory.Service, error) {
		return openReading(ctx, s, log)
	}
	return daemon.Front(o), nil
}

// offline looks after a store that need not be fit to be opened.
type offline struct {
	s   settings
	log *slog.Logger
}

// Verify is done by the owner, where there is one that answers: its index is ahead of the disk.
// Else it is done here, which needs no lock; only to note when that was, it takes the lock where
// nobody has it. A store that may not be written stays as it is.
func (k offline) Verify(
	ctx context.Context, r memory.VerifyRequest,
) (memory.VerifyResult, error) {
	svc, err := k.owner(ctx)
	if svc == nil || err != nil {
		res, err := store.Verify(ctx, k.s.store, r)
		if err != nil {
			return res, err
		}
		if err := store.NoteVerify(k.s.store, r, res); err != nil {
			k.log.Debug("verify is not noted in the store", "err", err)
		}
		return res, nil
	}
	defer svc.Close()
	return svc.Verify(ctx, r)
}

// Repair is done by the owner, where there is one that answers, and else here.
func (k offline) Repair(
	ctx context.Context, r memory.RepairRequest,
) (memory.RepairResult, error) {
	svc, err := k.owner(ctx)
	if err != nil {
		return memory.RepairResult{}, err
	}
	if svc == nil {
		return store.Repair(ctx, k.s.store, storeOptions(k.s, k.log, false), r)
	}
	defer svc.Close()
	return svc.Repair(ctx, r)
}

// owner connects to the owner of the store; nil where there is none that answers.
func (k offline) owner(ctx context.Context) (memory.Service, error) {
	status, err := daemon.Status(ctx, ownerOptions(k.s, k.log, false))
	if err != nil || !status.Running {
		return nil, nil // who holds the lock and does not answer is named when it is waited for
	}
	return openStore(ctx, k.s, k.log, false)
}

// openOffline returns what works on the store's directory.
func openOffline(s settings, log *slog.Logger) offlineKeeper { return offline{s, log} }
