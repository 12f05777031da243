package recovery

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// Names in a store directory that this package reads or writes.
const (
	indexName     = "index"
	snapshotsName = "snapshots"
)

// Engine is an open store: the log, and the index that follows it. All methods may be called at
// the same time.
type Engine struct {
	Log *wal.Log

	dir      string
	indexDir string // in dir, or in temp for a store that is read only
	temp     string // removed by Close; empty: none
	o        Options
	readOnly bool      // asked for, or the log refuses writes and its lock is not ours
	follower *follower // nil where readOnly
	remade   bool      // opening had to make the index anew

	maintenance sync.Mutex // held by Rebuild, Heal and Snapshot: one at a time

	mu    sync.Mutex
	live  *generation // mu guards
	notes []string    // mu guards
}

// generation is an open index with its projector.
type generation struct {
	db *index.DB
	p  *projection.Projector

	readers int           // Engine.mu guards
	idle    chan struct{} // Engine.mu guards: closed when retired and no reader is left
}

// Dir returns the store's directory.
func (e *Engine) Dir() string { return e.dir }

// Notes says in sentences what was found and done on opening and since.
func (e *Engine) Notes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.notes)
}

func (e *Engine) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	e.o.Logger.Warn("recovery", "note", text)
	e.mu.Lock()
	e.notes = append(e.notes, text)
	e.mu.Unlock()
}

// Index returns the live index and a release to be called once, after every view of it was closed.
// Rebuild and Heal put another index in its place and close this one after its release; who holds
// it must not wait for either of them.
func (e *Engine) Index() (db *index.DB, release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.live
	g.readers++
	return g.db, sync.OnceFunc(func() { e.release(g) })
}

func (e *Engine) release(g *generation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g.readers--
	if g.readers == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// retire returns a channel that is closed when nobody reads g any more. It is for a generation
// that is not live, or will not be asked for again.
func (e *Engine) retire(g *generation) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	idle := make(chan struct{})
	if g.readers == 0 {
		close(idle)
	} else {
		g.idle = idle
	}
	return idle
}

// Read runs f with the live index. Where f fails because the index is broken, the index is made
// anew from the log and f runs once more.
func (e *Engine) Read(ctx context.Context, f func(*index.DB) error) error {
	err := e.readOnce(f)
	if !errors.Is(err, index.ErrBroken) {
		return err
	}
	if e := e.Heal(ctx); e != nil {
		return errors.Join(err, e)
	}
	return e.readOnce(f)
}

func (e *Engine) readOnce(f func(*index.DB) error) error {
	db, release := e.Index()
	defer release()
	return f(db)
}

// Projector returns the live projector. Only a build function of Log.Append may call it, on the
// writer's goroutine, and it must not keep it.
func (e *Engine) Projector() *projection.Projector {
	if e.follower == nil {
		return e.current().p
	}
	return e.follower.ready()
}

// Append is Log.Append with the live projector, whose View a command decides on. Where it fails
// because the index is broken, the index is made anew and the command tried once more; nothing
// was written the first time.
func (e *Engine) Append(ctx context.Context,
	build func(*projection.Projector) (wal.Entry, error)) (wal.Record, error) {
	once := func() (wal.Record, error) {
		return e.Log.Append(ctx, func() (wal.Entry, error) { return build(e.Projector()) })
	}
	rec, err := once()
	if !errors.Is(err, index.ErrBroken) {
		return rec, err
	}
	if e := e.Heal(ctx); e != nil {
		return wal.Record{}, errors.Join(err, e)
	}
	return once()
}

// Close ends the log after the appends it accepted, then the index. It waits up to CloseWait for
// readers to release the index.
func (e *Engine) Close() error {
	err := e.Log.Close()
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	g := e.current()
	if g == nil {
		return err
	}
	select {
	case <-e.retire(g):
	case <-time.After(CloseWait):
		e.o.Logger.Warn("close index while it is being read")
	}
	err = errors.Join(err, g.close())
	if e.temp != "" {
		err = errors.Join(err, robustio.RemoveAll(e.temp))
	}
	return err
}

// close lets go of what the projector has staged, and of the index.
func (g *generation) close() error {
	if g.p != nil {
		g.p.Abort()
	}
	return g.db.Close()
}

func (e *Engine) current() *generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live
}

func (e *Engine) setLive(g *generation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live = g
}

func (e *Engine) snapshots() string { return filepath.Join(e.dir, snapshotsName) }
