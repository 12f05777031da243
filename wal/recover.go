package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// fail poisons the handle: nothing is written through it before it was reopened.
func (w *writer) fail(err error) error {
	if w.refused != nil {
		return err
	}
	if isDiskFull(err) {
		w.releaseBallast()
		err = DiskFull(err)
	}
	if !errors.Is(err, ErrFailedWrite) {
		err = fmt.Errorf("%w: %w", ErrFailedWrite, err)
	}
	w.broken = err
	w.l.setReadOnly(err.Error() + "; it is tried again at the next write")
	w.l.noteFailure(err)
	return err
}

// refuse gives up writing until a new Open has looked at the log.
func (w *writer) refuse(err error) error {
	w.refused = fmt.Errorf("%w: %w; close the store and run: memlog verify", ErrReadOnly, err)
	w.l.setReadOnly(err.Error() + "; close the store and run: memlog verify")
	w.l.noteFailure(w.refused)
	w.closeFiles()
	return w.refused
}

// ready makes sure that the handle can be written: it reopens a poisoned one, and looks
// whether somebody else wrote to the active segment.
func (w *writer) ready() error {
	if w.refused != nil {
		return w.refused
	}
	if w.broken != nil {
		if err := w.mend(); err != nil {
			if w.refused == nil {
				return w.fail(fmt.Errorf("reopen: %w", err))
			}
			return err
		}
		w.broken = nil
		w.l.setReadOnly("")
	}
	info, err := os.Stat(w.seg.file.path)
	switch {
	case err != nil:
		return w.refuse(fmt.Errorf("the active segment is gone: %w", err))
	case !os.SameFile(info, w.info):
		return w.refuse(errors.New("the active segment was replaced by another file"))
	case info.Size() != w.seg.size:
		return w.refuse(fmt.Errorf("another program wrote to the active segment: "+
			"it has %d bytes and should have %d", info.Size(), w.seg.size))
	}
	return nil
}

func (w *writer) mend() error {
	if w.rolling {
		return w.roll()
	}
	return w.reopen()
}

// reopen cuts the active segment back to its last synced byte and opens it again. What is
// behind that byte was never acknowledged; the page cache may show it as whole while the
// disk lacks it.
func (w *writer) reopen() error {
	w.closeFiles()
	f, err := os.OpenFile(w.seg.file.path, os.O_RDWR, filePerm)
	if errors.Is(err, os.ErrNotExist) {
		return w.refuse(fmt.Errorf("the active segment is gone: %w", err))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := fileSize(f)
	if err != nil {
		return err
	}
	if size < w.seg.size {
		return w.refuse(fmt.Errorf("acknowledged bytes are missing: %s has %d bytes of %d",
			w.seg.file.name, size, w.seg.size))
	}
	if err := w.disk.truncate(f, w.seg.size); err != nil {
		return err
	}
	// The page that held the end was dirty when the write failed: write it again.
	if err := w.disk.rewrite(f, pageStart(w.seg.size-1), w.seg.size); err != nil {
		return err
	}
	if err := w.disk.syncDir(filepath.Dir(w.seg.file.path)); err != nil {
		return err
	}
	if err := w.verifyActive(f); err != nil {
		return w.refuse(err)
	}
	return w.openEngine()
}

func pageStart(off int64) int64 { return max(off, 0) / blockSize * blockSize }

// verifyActive reads the active segment and compares it with what was synced.
func (w *writer) verifyActive(f *os.File) error {
	s := &segFile{name: w.seg.file.name, path: w.seg.file.path, first: w.seg.first}
	s.walk(&fileReader{f: f, end: w.seg.size}, nil)
	e := s.lastExtent()
	switch {
	case e == nil && len(s.gaps) == 0 && w.last() < w.seg.first:
	case e == nil || len(s.gaps) > 0 || len(s.extents) > 1 || e.last != w.last() ||
		e.hash != w.seg.ext.hash, s.read.size != w.seg.size:
		return fmt.Errorf("%s is not as it was synced", w.seg.file.name)
	}
	w.seg.sum = s.read.sum
	return nil
}

// roll ends the active segment and begins the next. Each step may be repeated: where one
// fails the handle is poisoned, and the next write goes on here.
func (w *writer) roll() error {
	w.rolling = true
	w.closeFiles()
	// HEAD first: a file named N then proves that HEAD is at N-1 or later.
	if err := w.head.sync(); err != nil {
		return fmt.Errorf("sync HEAD: %w", err)
	}
	next := w.last() + 1
	path := segmentPath(w.l.dir, next)
	if err := w.beginFile(path); err != nil {
		return fmt.Errorf("begin segment %d: %w", next, err)
	}
	file := *w.seg.file
	file.size = w.seg.size
	w.seg.sum.Sum(file.sum[:0])
	e := w.seg.ext
	e.file = &file
	file.extents = []*extent{&e}
	line := file.toLine()
	file.line = &line
	if !w.lineDone {
		name := filepath.Join(w.l.dir, logDir, sealedName)
		if err := w.disk.appendLine(name, line); err != nil {
			return fmt.Errorf("seal segment %d: %w", w.seg.first, err)
		}
		w.lineDone = true
	}
	w.keepOldIndex(&file, &e)
	old := w.l.view.Load()
	w.seg = activeSegment{file: &segFile{name: rel(w.l.dir, path), path: path, first: next},
		first: next, sum: newSum(), ext: extent{last: e.last, hash: e.hash,
			lastTime: e.lastTime, epoch: e.epoch, endsLost: e.endsLost}}
	w.index, w.rolling, w.lineDone = nil, false, false
	v := w.newView(append(old.pieces[:len(old.pieces):len(old.pieces)], piece{&e, e.first, e.last}))
	v.changed = old.changed
	w.l.view.Store(v)
	return w.openEngine()
}

// keepOldIndex hands the sparse index of the ended segment to the readers.
func (w *writer) keepOldIndex(f *segFile, e *extent) {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	w.l.indexes[indexKey{f.path, e.off}] = w.index
}

// beginFile makes an empty durable file, or takes the one that an interrupted roll left.
func (w *writer) beginFile(path string) error {
	f, err := w.disk.create(path)
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDWR, filePerm)
	}
	if err != nil {
		return err
	}
	size, err := fileSize(f)
	if err == nil && size > 0 {
		err = fmt.Errorf("%s is there already", path)
	}
	if err == nil {
		err = w.disk.sync(f)
	}
	if err = joinClose(err, f); err != nil {
		return err
	}
	return w.disk.syncDir(filepath.Dir(path))
}

// checkSpace refuses a write that would leave the disk without room for repair and
// shutdown. Nothing has happened yet, so nothing is poisoned.
func (w *writer) checkSpace(n int64) error {
	free, err := w.disk.free(w.l.dir)
	if err != nil || free >= uint64(MinFree+n) {
		return nil
	}
	err = fmt.Errorf("%w: %d bytes are free, %d are kept for repair", ErrDiskFull, free, MinFree)
	w.l.noteFailure(err)
	return err
}

// keepBallast makes the ballast file where there is room: a file to give up when the disk
// is full, so that quarantine, repair and shutdown can still write.
func (w *writer) keepBallast() {
	name := filepath.Join(w.l.dir, ballastName)
	free, err := w.disk.free(w.l.dir)
	if err != nil || free < 2*(MinFree+BallastSize) || exists(name) {
		return
	}
	if err := w.disk.writeFile(name, make([]byte, BallastSize)); err != nil {
		w.l.o.Logger.Warn("make ballast", "error", err)
	}
}

func (w *writer) releaseBallast() {
	_ = w.disk.remove(filepath.Join(w.l.dir, ballastName))
}
