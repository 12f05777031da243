package index

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gate is the file system a generation is given. While the generation is whole it changes nothing.
// Once it is broken, pebble's endless retries are slowed down, and once it was abandoned (its close
// hangs behind locks that are never released) nothing of it reaches the disk any more, so that its
// lock can be given up and the directory opened anew.
type gate struct {
	vfs.FS
	fuse      *fuse
	abandoned atomic.Bool

	mu   sync.Mutex
	lock io.Closer // mu guards
}

// retryDelay slows down each attempt of a broken generation to write.
const retryDelay = 50 * time.Millisecond

var errAbandoned = errors.New("generation was abandoned")

func (g *gate) pass() error {
	if err, _ := g.fuse.state(); err != nil {
		time.Sleep(retryDelay)
	}
	if g.abandoned.Load() {
		return errAbandoned
	}
	return nil
}

// abandon shuts the gate for good and releases the directory.
func (g *gate) abandon() {
	g.abandoned.Store(true)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lock != nil {
		g.lock.Close()
		g.lock = nil
	}
}

// Lock implements vfs.FS. It keeps the lock, to be able to release it behind pebble's back.
func (g *gate) Lock(name string) (io.Closer, error) {
	c, err := g.FS.Lock(name)
	if err != nil {
		return nil, errors.Join(ErrInUse, err)
	}
	g.mu.Lock()
	g.lock = c
	g.mu.Unlock()
	return gateLock{g}, nil
}

type gateLock struct{ g *gate }

// Close releases the lock, once.
func (l gateLock) Close() error {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	if l.g.lock == nil {
		return nil
	}
	err := l.g.lock.Close()
	l.g.lock = nil
	return err
}

// Create implements vfs.FS.
func (g *gate) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.pass(); err != nil {
		return nil, err
	}
	return g.file(g.FS.Create(name, c))
}

// OpenReadWrite implements vfs.FS.
func (g *gate) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File,
	error) {
	if err := g.pass(); err != nil {
		return nil, err
	}
	return g.file(g.FS.OpenReadWrite(name, c, o...))
}

// ReuseForWrite implements vfs.FS.
func (g *gate) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.pass(); err != nil {
		return nil, err
	}
	return g.file(g.FS.ReuseForWrite(from, to, c))
}

// Link implements vfs.FS.
func (g *gate) Link(from, to string) error {
	if err := g.pass(); err != nil {
		return err
	}
	return g.FS.Link(from, to)
}

// Rename implements vfs.FS.
func (g *gate) Rename(from, to string) error {
	if err := g.pass(); err != nil {
		return err
	}
	return g.FS.Rename(from, to)
}

// Remove implements vfs.FS.
func (g *gate) Remove(name string) error {
	if g.abandoned.Load() {
		return errAbandoned
	}
	return g.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (g *gate) RemoveAll(name string) error {
	if g.abandoned.Load() {
		return errAbandoned
	}
	return g.FS.RemoveAll(name)
}

// MkdirAll implements vfs.FS.
func (g *gate) MkdirAll(name string, perm os.FileMode) error {
	if g.abandoned.Load() {
		return errAbandoned
	}
	return g.FS.MkdirAll(name, perm)
}

func (g *gate) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return gateFile{f, g}, nil
}

// gateFile is a file open for writing.
type gateFile struct {
	vfs.File
	g *gate
}

// Write implements vfs.File.
func (f gateFile) Write(b []byte) (int, error) {
	if f.g.abandoned.Load() {
		return 0, errAbandoned
	}
	return f.File.Write(b)
}

// WriteAt implements vfs.File.
func (f gateFile) WriteAt(b []byte, off int64) (int, error) {
	if f.g.abandoned.Load() {
		return 0, errAbandoned
	}
	return f.File.WriteAt(b, off)
}
