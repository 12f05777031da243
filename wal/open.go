package wal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// repairHint is what a refusal names.
const repairHint = "run: memlog repair"

// Open opens the store in dir, or makes one. It takes the lock, verifies the end of the
// log, sets aside and cuts a torn end, and makes the whole end durable before anybody sees
// it. Damage behind a sound end does not stop it: see Health. Where acknowledged records
// are missing at the end, nothing is changed and the handle takes no writes.
//
// Errors: *LockedError, ErrNewerFormat, ErrNoStore.
func Open(ctx context.Context, dir string, o Options) (*Log, error) {
	o = o.withDefaults()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	if isFresh(dir) && (o.MustExist || o.ReadOnly) {
		return nil, fmt.Errorf("open log: %w in %s", ErrNoStore, dir)
	}
	if o.ReadOnly {
		return openReadOnly(ctx, dir, o, o.Cause)
	}
	if err := mkdirSync(o.disk, dir); err != nil {
		return nil, fmt.Errorf("open log: %w", DiskFull(err))
	}
	lock, err := lockStore(ctx, dir, o.Holder, o.LockWait)
	if err != nil {
		return nil, err
	}
	l, err := openLocked(ctx, dir, o, lock)
	if err != nil {
		return nil, joinClose(err, lock.f)
	}
	return l, nil
}

// isFresh tells whether a directory has nothing of a store, so that one may be made.
func isFresh(dir string) bool {
	for _, name := range []string{formatName, headName, filepath.Join(archiveDir, manifestName),
		filepath.Join(archiveDir, manifestCopy)} {
		if exists(filepath.Join(dir, name)) {
			return false
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, logDir))
	return errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0
}

// openReadOnly makes a handle that changes nothing and needs no lock. cause says why; nil: it
// was asked for.
func openReadOnly(ctx context.Context, dir string, o Options, cause error) (*Log, error) {
	c, err := load(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	l := newLog(dir, o, c)
	if doubt := c.doubt(); doubt != "" {
		cause = errors.New(doubt)
	}
	l.takeNone(cause)
	return l, nil
}

// takeNone notes why the handle takes no writes.
func (l *Log) takeNone(cause error) {
	switch {
	case cause == nil:
		l.health.ReadOnly = "opened for reading only"
		l.why = fmt.Errorf("%w: it was %s", ErrReadOnly, l.health.ReadOnly)
	case errors.Is(cause, ErrDiskFull):
		l.health.ReadOnly = cause.Error() + "; free some space"
		l.why = cause
	default:
		l.health.ReadOnly = cause.Error()
		l.why = fmt.Errorf("%w: %w", ErrReadOnly, cause)
	}
}

// load looks at the store and refuses one of a newer format.
func load(ctx context.Context, dir string, o Options) (*catalog, error) {
	if f, err := readFormat(dir); err == nil && f.reads > Format {
		return nil, fmt.Errorf("open log: %w: it needs format %d, this program knows %d",
			ErrNewerFormat, f.reads, Format)
	}
	c, err := loadCatalog(ctx, dir, catalogOptions{witnesses: o.Witnesses})
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return c, nil
}

// openLocked opens the store for writing, under the lock. Where writes must be refused it
// gives the lock back, so that repair can have it.
func openLocked(ctx context.Context, dir string, o Options, lock *storeLock) (*Log, error) {
	p := &preparation{dir: dir, o: o, disk: o.disk}
	if isFresh(dir) {
		if err := p.create(); err != nil {
			return nil, fmt.Errorf("create store: %w", DiskFull(err))
		}
	}
	c, err := load(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	refuse := func(why error) (*Log, error) {
		l, err := openReadOnly(ctx, dir, o, why)
		if err == nil && lock != nil {
			err = lock.release()
		}
		return l, err
	}
	if c.known && c.format.writes > Format {
		return refuse(fmt.Errorf("the store has format %d, this program writes %d: use a newer one",
			c.format.writes, Format))
	}
	if why := c.doubt(); why != "" {
		return refuse(errors.New(why))
	}
	w, err := p.prepareOnFullDisk(c)
	if isDiskFull(err) {
		return refuse(DiskFull(err))
	}
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l := newLog(dir, o, c)
	l.health.Notes = append(l.health.Notes, p.notes...)
	l.lock = lock
	l.begin(w)
	if w.last() == 0 {
		if err := l.appendFirst(c.format.id); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// prepareOnFullDisk prepares, and where the disk is full tries again without the ballast.
func (p *preparation) prepareOnFullDisk(c *catalog) (*writer, error) {
	w, err := p.prepare(c)
	if isDiskFull(err) {
		_ = p.disk.remove(filepath.Join(p.dir, ballastName))
		w, err = p.prepare(c)
	}
	return w, err
}

// doubt tells why the log cannot be written to; empty: it can.
func (c *catalog) doubt() string {
	end := c.end().Seq
	switch {
	case c.witness.Seq > end:
		return fmt.Sprintf("the log ends at record %d, but %s saw record %d acknowledged; %s",
			end, c.seenBy, c.witness.Seq, repairHint)
	case c.conflict != "":
		return c.conflict + "; " + repairHint
	case c.far != "":
		return c.far + "; " + repairHint
	}
	for _, f := range c.files {
		if f.first <= end+1 {
			continue
		}
		for _, e := range f.extents {
			if e.chosen {
				return fmt.Sprintf("%s holds records %d to %d, and its name says others; %s",
					f.name, e.first, e.last, repairHint)
			}
		}
	}
	if f := c.at(end + 1); f != nil && f.usesAny() {
		return fmt.Sprintf("%s holds records of another place; %s", f.name, repairHint)
	}
	return ""
}

// at returns the file of log/ with that name, nil if there is none.
func (c *catalog) at(first Seq) *segFile {
	for _, f := range c.files {
		if f.first == first {
			return f
		}
	}
	return nil
}

func (f *segFile) usesAny() bool {
	for _, e := range f.extents {
		if e.chosen {
			return true
		}
	}
	return false
}

// newLog makes a handle that reads what the catalog found.
func newLog(dir string, o Options, c *catalog) *Log {
	l := &Log{dir: dir, o: o, disk: o.disk, follower: o.Follower, id: c.id(),
		indexes: map[indexKey][]indexMark{},
		queue:   make(chan *request, MaxQueue), control: make(chan func()),
		quit: make(chan struct{}), done: make(chan struct{})}
	l.health.Damage, l.health.Notes = c.problems, c.notes
	v := &view{pieces: c.pieces, head: c.end(), changed: make(chan struct{})}
	if p := c.last(); p != nil {
		v.time = p.lastTime
	}
	l.view.Store(v)
	return l
}

// id is the log's identity: from record 1 if it is there, else from FORMAT.
func (c *catalog) id() [16]byte {
	if len(c.pieces) > 0 && c.pieces[0].id != nil {
		return *c.pieces[0].id
	}
	if c.known {
		return c.format.id
	}
	return [16]byte{}
}

// begin starts the writer.
func (l *Log) begin(w *writer) {
	w.l, w.disk, w.head.disk = l, l.disk, l.disk
	l.w = w
	v := w.newView(w.trim(l.view.Load().pieces))
	v.changed = l.view.Load().changed
	l.view.Store(v)
	go l.run()
}

// trim takes the active segment out of the pieces: it is shown apart.
func (w *writer) trim(pieces []piece) []piece {
	if n := len(pieces); n > 0 && pieces[n-1].file.path == w.seg.file.path {
		return pieces[:n-1]
	}
	return pieces
}

// appendFirst writes record 1 of a log that has none: its only write was torn.
func (l *Log) appendFirst(id [16]byte) error {
	mark := l.o.firstMark()
	if id != [16]byte{} && mark.Created != nil {
		mark.Created.LogID = id
	}
	r, err := l.Append(context.Background(), func() (Entry, error) {
		return Entry{Mark: mark}, nil
	})
	if err != nil {
		return fmt.Errorf("begin log: %w", err)
	}
	e := &extent{}
	e.addMark(&header{seq: r.Seq}, mark)
	l.id = *e.id
	return writeFormat(l.disk, l.dir, l.id)
}

// firstMark is the mark of record 1.
func (o *Options) firstMark() *Mark {
	if o.Fork == nil {
		return &Mark{Created: &Created{LogID: o.NewID(), Format: Format}}
	}
	fork := *o.Fork
	if fork.LogID == [16]byte{} {
		fork.LogID = o.NewID()
	}
	return &Mark{Forked: &fork}
}

func writeFormat(d *disk, dir string, id [16]byte) error {
	s := storeFormat{reads: Format, writes: Format, id: id}
	return d.writeFile(filepath.Join(dir, formatName), s.encode())
}

// create makes a store with record 1. It appears by one rename: a crash leaves nothing or
// the whole log; FORMAT and HEAD are made again from it.
func (p *preparation) create() error {
	tmp := filepath.Join(p.dir, logDir+tmpSuffix)
	if err := p.setAside(tmp); err != nil {
		return err
	}
	// An empty directory of that name may be left by whoever made the place.
	_ = os.Remove(filepath.Join(p.dir, logDir))
	if err := os.Mkdir(tmp, dirPerm); err != nil {
		return err
	}
	now := p.o.Now().UnixMicro()
	if !believable(now) {
		return fmt.Errorf("%w: it is outside of the years 1 to 9999", ErrClock)
	}
	h := header{seq: 1, epoch: 1, time: now, wall: now, mark: p.o.firstMark()}
	b := appendFrame(nil, 0, h.encode(), nil)
	if err := p.disk.writeNew(filepath.Join(tmp, segmentName(1)), b); err != nil {
		return err
	}
	if err := p.disk.syncDir(tmp); err != nil {
		return err
	}
	if err := p.disk.rename(tmp, filepath.Join(p.dir, logDir)); err != nil {
		return err
	}
	p.fresh = true
	return p.disk.syncDir(p.dir)
}
