package index

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"memlog/index/vector"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// schema is written into every generation; another one is ErrOutdated.
func schema() string {
	return fmt.Sprintf("keys %d; fold %d; analyzer %s", KeySpaceVersion, FoldVersion,
		AnalyzerVersion)
}

// DB is one open generation of the index. All methods may be called at the same time; there is at
// most one open Batch.
type DB struct {
	dir, path string
	o         Options
	fuse      *fuse
	p         *pebble.DB
	gate      *gate
	reader    TextReader // owned by the open batch
	known     *known     // owned by the open batch
	learning  *learning  // likewise; nil: nothing is being learned

	mu      sync.Mutex
	state   state                   // mu guards: as committed
	names   map[string]uint32       // mu guards: numbers of types and projects met so far
	streams map[string]streamEnd    // mu guards: where streams met lately are
	table   *table                  // mu guards: nil until a list or a search asks for it
	spaces  []space                 // mu guards: as committed
	slabs   map[uint32]*vector.Slab // mu guards: of spaces that a search asked for
	topics  map[string]*topics      // mu guards: by key, those that a search asked for
	commits uint64                  // mu guards: how many there were
	batch   *Batch                  // mu guards
	dirty   bool                    // mu guards: committed since the last flush
	unsaved int                     // mu guards: bytes committed since the memtable was rotated
	bulk    int                     // mu guards: how large the next batch may be, after a bulk one
	spare   *writes                 // mu guards: of the last batch, for the next; nil: none
	closed  bool                    // mu guards

	postings *kept[[]run]     // by key without block; updated with mu held
	taggings *kept[[]tagging] // by tag; updated with mu held
	usuals   usuals           // see feedback.go

	noteMu sync.Mutex // guards: the file checkpointFile

	kick    chan struct{} // a commit happened
	flushed chan struct{} // pebble wrote a memtable out
	stop    chan struct{}
	wg      sync.WaitGroup
}

// Open opens the generation in use in dir, or begins an empty one where there is none. ErrBroken
// and ErrOutdated mean that it must be rebuilt from the log (NewGeneration, then Promote).
func Open(dir string, o Options) (*DB, error) {
	o = o.withDefaults()
	name, err := current(o.FS, dir)
	if err != nil {
		return nil, err
	}
	if o.ReadOnly {
		if name == "" {
			return nil, ErrNotFound
		}
		return openGeneration(dir, o.FS.PathJoin(dir, name), o)
	}
	if err := o.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make index directory: %w", err)
	}
	if err := removeStale(o.FS, dir, name); err != nil {
		return nil, err
	}
	if name != "" {
		path := o.FS.PathJoin(dir, name)
		if _, err := o.FS.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: generation %s: %w", ErrBroken, name, err)
		}
		return openGeneration(dir, path, o)
	}
	return begin(dir, o)
}

// begin makes the first generation in dir, in use from the start.
func begin(dir string, o Options) (*DB, error) {
	name, err := nextGeneration(o.FS, dir)
	if err != nil {
		return nil, err
	}
	d, err := openGeneration(dir, o.FS.PathJoin(dir, name), o)
	if err != nil {
		return nil, err
	}
	if err := writeFileAtomic(o.FS, dir, currentFile, []byte(name+"\n")); err != nil {
		d.close(false)
		return nil, fmt.Errorf("begin generation %s: %w", name, err)
	}
	return d, nil
}

func openGeneration(dir, path string, o Options) (*DB, error) {
	d := &DB{
		dir: dir, path: path, o: o, fuse: newFuse(o), names: map[string]uint32{},
		streams: map[string]streamEnd{}, postings: newKept(sizeOfRuns), taggings: newKept(sizeOfTaggings),
		kick: make(chan struct{}, 1), flushed: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if err := d.openPebble(); err != nil {
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	if err := d.load(); err != nil {
		d.close(false)
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	d.wg.Add(1)
	go d.run()
	return d, nil
}

// openPebble opens pebble, which locks the directory. Whatever keeps pebble from opening
// is a broken index, except a holder of the lock, a full disk and missing permissions.
func (d *DB) openPebble() error {
	if !d.o.ReadOnly {
		if err := d.o.FS.MkdirAll(d.path, 0o700); err != nil {
			return err
		}
	}
	d.gate = &gate{FS: d.o.FS, fuse: d.fuse}
	err := d.fuse.guard(func() (err error) {
		d.p, err = pebble.Open(d.path, pebbleOptions(d.o, d.fuse, d.gate, d.onFlush))
		return err
	})
	if err == nil {
		return nil
	}
	d.gate.abandon()
	outside := errors.Is(err, os.ErrPermission) || vfs.IsNoSpaceError(err)
	if outside || errors.Is(err, ErrInUse) || errors.Is(err, ErrBroken) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// load checks the schema and reads the writer's state.
func (d *DB) load() error {
	s := d.source()
	v, ok, err := s.get(metaSchema)
	switch {
	case err != nil:
		return err
	case ok && string(v) != schema():
		return fmt.Errorf("%w: made for %q, this is %q", ErrOutdated, v, schema())
	case !ok:
		return d.initialize(s)
	}
	d.known = newKnown(false)
	if d.state, err = s.state(); err != nil {
		return err
	}
	d.spaces, err = s.spaces()
	return err
}

// initialize writes the schema as the first key, so that it is in every prefix a crash can leave.
func (d *DB) initialize(s source) error {
	any := false
	err := s.scanRange([]byte{0}, nil, func(_, _ []byte) (bool, error) {
		any = true
		return false, nil
	})
	if err != nil {
		return err
	}
	if any {
		return d.fuse.blow(fmt.Errorf("no schema: %w", errValue))
	}
	d.known = newKnown(true)
	if d.o.ReadOnly {
		return nil
	}
	return d.fuse.guard(func() error {
		return d.p.Set(metaSchema, []byte(schema()), pebble.NoSync)
	})
}

func (d *DB) source() source { return source{r: d.p, fuse: d.fuse} }

// Path returns the generation's directory.
func (d *DB) Path() string { return d.path }

// Checkpoint returns the last record that was committed.
func (d *DB) Checkpoint() Checkpoint {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.checkpoint
}

// Broken returns why the generation cannot be used any more, wrapping ErrBroken, or nil.
func (d *DB) Broken() error {
	err, _ := d.fuse.state()
	return err
}

// onFlush is called by pebble with its locks held.
func (d *DB) onFlush() {
	select {
	case d.flushed <- struct{}{}:
	default:
	}
}

// run writes the memtable out when nothing has been committed for a while, so that the next open
// has little to replay, and notes the checkpoint after each flush.
func (d *DB) run() {
	defer d.wg.Done()
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-d.kick:
			idle.Reset(d.o.IdleFlush)
		case <-idle.C:
			if err := d.Flush(); err != nil && !errors.Is(err, ErrClosed) {
				d.o.Logger.Warn("flush index", "error", err)
			}
		case <-d.flushed:
			if err := d.writeCheckpoint(); err != nil {
				d.o.Logger.Warn("note index checkpoint", "error", err)
			}
		}
	}
}

// Flush makes everything committed durable.
func (d *DB) Flush() error {
	d.mu.Lock()
	closed, dirty := d.closed, d.dirty
	d.dirty, d.unsaved, d.spare = false, 0, nil
	d.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case !dirty || d.o.ReadOnly:
		return d.Broken()
	}
	if err := d.fuse.guard(d.p.Flush); err != nil {
		d.mu.Lock()
		d.dirty = true
		d.mu.Unlock()
		return fmt.Errorf("flush index: %w", err)
	}
	return nil
}

// Compact merges all files into one sorted run; for after a rebuild, and for measuring.
func (d *DB) Compact() error {
	if err := d.Flush(); err != nil {
		return err
	}
	return d.fuse.guard(func() error {
		return d.p.Compact(context.Background(), []byte{0}, []byte{0xFF}, true)
	})
}

// Bytes returns the size of the generation on disk.
func (d *DB) Bytes() (int64, error) {
	if err := d.Broken(); err != nil {
		return 0, err
	}
	return int64(d.p.Metrics().DiskSpaceUsage()), nil
}

// Close writes out what was committed and lets go of the generation. Views and batches must be
// closed before. On a broken generation it returns quickly and without an error of its own.
func (d *DB) Close() error { return d.close(true) }

func (d *DB) close(flush bool) error {
	var err error
	if flush && d.Broken() == nil {
		err = d.Flush()
	}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	close(d.stop)
	d.wg.Wait()
	if flush && err == nil && d.Broken() == nil && !d.o.ReadOnly {
		err = d.writeCheckpoint()
	}
	if e := d.closePebble(); err == nil && e != nil {
		err = fmt.Errorf("close index: %w", e)
	}
	d.gate.abandon()
	return err
}

// closeBroken bounds how long the close of a broken generation may take: a goroutine of pebble
// may hold its locks for ever.
const closeBroken = time.Second

func (d *DB) closePebble() error {
	broken, fatal := d.fuse.state()
	if fatal {
		return nil
	}
	if broken == nil {
		return d.p.Close()
	}
	done := make(chan error, 1)
	go d.fuse.run(d.p.Close, done)
	select {
	case err := <-done:
		d.o.Logger.Debug("close broken index", slog.Any("error", err))
	case <-time.After(closeBroken):
	}
	return nil
}
