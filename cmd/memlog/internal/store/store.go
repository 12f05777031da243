package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/projection"
	"memlog/recovery"
	"memlog/wal"
)

// Format is the store format this program writes.
const Format = wal.Format

// DefaultLockWait is how long Open waits for another process where no time is given.
const DefaultLockWait = 30 * time.Second

// Options of [Open]. The zero value works.
type Options struct {
	LockWait    time.Duration    // 0: DefaultLockWait; negative: do not wait
	Holder      string           // shown to others who wait for the lock, as "memlog add"
	Version     string           // of the program, shown in health
	Logger      *slog.Logger     // nil: discard
	AcceptClock bool             // believe the clock however far it is from the last record
	MustExist   bool             // do not make a store: CodeNotFound
	ReadOnly    bool             // change no byte, take no lock
	ReadOnlyOK  bool             // where the disk or its rights forbid writing, open as ReadOnly
	Now         func() time.Time // nil: time.Now
	SegmentSize int64            // of the log; 0: its default

	metrics   *counting     // of an open store; nil: nobody counts
	saveEvery time.Duration // tests: 0: saveEvery
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LockWait == 0 {
		o.LockWait = DefaultLockWait
	}
	o.LockWait = max(o.LockWait, 0)
	if o.saveEvery == 0 {
		o.saveEvery = saveEvery
	}
	return o
}

func (o Options) recovery() recovery.Options {
	return recovery.Options{
		LockWait: o.LockWait, Holder: o.Holder, Logger: o.Logger, ReadOnly: o.ReadOnly,
		MustExist: o.MustExist, AcceptClock: o.AcceptClock, Now: o.Now,
		SegmentSize: o.SegmentSize, Text: projection.Text, Events: o.metrics.events(),
	}
}

// Store is an open store.
type Store struct {
	dir     string
	o       Options
	since   time.Time // it was opened
	metrics *counting
	closing sync.Once

	embedding *embedding

	mu     sync.RWMutex     // held shared by every call; alone by what swaps or closes the engine
	engine *recovery.Engine // nil once closed
}

var _ memory.Service = (*Store)(nil)

// Open opens the store in dir, and makes one where there is none.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	err := checkLink(dir)
	if err == nil && !o.MustExist && !o.ReadOnly {
		err = CheckPlace(dir)
	}
	if err != nil {
		return nil, err
	}
	o.metrics = newCounting(o)
	e, err := recovery.Open(ctx, dir, o.recovery())
	if o.ReadOnlyOK && !o.ReadOnly && forbidden(err) {
		o.ReadOnly = true
		ro := o.recovery()
		ro.Cause = fmt.Errorf("it cannot be written here: %w", err)
		e, err = recovery.Open(ctx, dir, ro)
	}
	if err != nil {
		return nil, openError(dir, err)
	}
	// What recovery did it says itself; what the log dealt with, such as a torn end, is said here.
	for _, n := range e.Log.Health().Notes {
		o.Logger.Warn("opened store", "dir", dir, "note", n)
	}
	s := &Store{dir: dir, o: o, since: o.Now(), metrics: o.metrics, engine: e}
	if e.Log.Writable() == nil { // else the lock may be another's
		s.keepCounting()
	}
	s.beginEmbedding(e.Log.Writable() == nil)
	return s, nil
}

// Close lets the store go after the calls under way.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.endEmbedding()
		s.endCounting()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return nil
	}
	err := s.engine.Close()
	s.engine = nil
	return err
}

// errClosed is what every call on a closed store returns.
var errClosed = memory.Errorf(memory.CodeFailed, "store is closed")

// session is what a call works with: the log, and the index as it serves at this time.
type session struct {
	engine *recovery.Engine
	log    *wal.Log
	db     *index.DB
}

// hold keeps the engine open for a call that does not need the index, or may wait for a new one.
func (s *Store) hold() (e *recovery.Engine, done func(), err error) {
	s.mu.RLock()
	if s.engine == nil {
		s.mu.RUnlock()
		return nil, nil, errClosed
	}
	return s.engine, s.mu.RUnlock, nil
}

// use holds the engine and its index for a call; the caller calls done when it ends.
func (s *Store) use() (e session, done func(), err error) {
	s.mu.RLock()
	if s.engine == nil {
		s.mu.RUnlock()
		return session{}, nil, errClosed
	}
	db, release := s.engine.Index()
	return session{s.engine, s.engine.Log, db}, func() { release(); s.mu.RUnlock() }, nil
}

// now is the clock at the log's precision.
func (s *Store) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// openError gives errors of opening a store their codes.
func openError(dir string, err error) error {
	var locked *wal.LockedError
	switch {
	case errors.As(err, &locked):
		return memory.Errorf(memory.CodeBusy, "%w", err).
			WithHint("try again, or wait longer with --timeout")
	case errors.Is(err, wal.ErrNoStore):
		return memory.Errorf(memory.CodeNotFound, "no store in %s", dir).
			WithHint("memlog add makes one; --store or MEMLOG_STORE names another place")
	case errors.Is(err, wal.ErrNewerFormat):
		return memory.Errorf(memory.CodeFailed, "open store %s: %w", dir, err).
			WithHint("use the memlog that wrote it, or a newer one")
	case forbidden(err):
		return memory.Errorf(memory.CodeFailed, "open store %s: %w", dir, err).
			WithHint(hintForbidden)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return memory.Errorf(memory.CodeBusy, "open store %s: %w", dir, err)
	}
	return logError(fmt.Errorf("open store %s: %w", dir, err))
}

const hintForbidden = "check who owns the directory and whether its disk is mounted read-only"

// forbidden tells whether err is of rights, or of a disk that is mounted for reading only.
func forbidden(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// logError gives errors of the log and the index their codes; others pass.
func logError(err error) error {
	var corrupt *wal.CorruptionError
	var own *memory.Error
	switch {
	case err == nil, errors.As(err, &own):
		return err
	case errors.Is(err, recovery.ErrNoSnapshot):
		return memory.Errorf(memory.CodeNotFound, "%w", err).WithHint("memlog snapshot list shows them")
	case errors.Is(err, index.ErrOutdated):
		return memory.Errorf(memory.CodeConflict, "%w", err).
			WithHint("another version of memlog made it; memlog rebuild makes the index from the log")
	case errors.Is(err, recovery.ErrDamaged), errors.Is(err, index.ErrSnapshot):
		return memory.Errorf(memory.CodeDamaged, "%w", err).
			WithHint("memlog verify shows all damage; memlog repair mends the log")
	case errors.As(err, &corrupt):
		return memory.Errorf(memory.CodeDamaged, "%w", err).
			WithHint("memlog verify shows all damage; memlog repair mends it")
	case errors.Is(err, wal.ErrReadOnly) && forbidden(err):
		return memory.Errorf(memory.CodeFailed, "%w", err).WithHint("reads go on; " + hintForbidden)
	case errors.Is(err, wal.ErrReadOnly):
		return memory.Errorf(memory.CodeDamaged, "%w", err).
			WithHint("reads go on; memlog verify shows why, memlog repair mends it")
	case errors.Is(err, wal.ErrBusy):
		return memory.Errorf(memory.CodeBusy, "%w", err).WithHint("nothing was written; try again")
	case errors.Is(err, wal.ErrTooLarge):
		return memory.Errorf(memory.CodeInvalid, "%w", err).WithHint("send less in one command")
	case errors.Is(err, wal.ErrNotFound):
		return memory.Errorf(memory.CodeNotFound, "%w", err)
	case errors.Is(err, wal.ErrClock):
		return memory.Errorf(memory.CodeFailed, "%w", err).
			WithHint("if the clock is right, run the command again with --accept-clock")
	case errors.Is(err, wal.ErrFailedWrite):
		return memory.Errorf(memory.CodeFailed, "%w", err).
			WithHint("nothing was stored; what was stored before stands; free some space and try again")
	}
	return err
}
