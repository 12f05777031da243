package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"
)

// disk is every operation that changes the store, except the appending of frames, which
// tidwall/wal does. Tests replace single functions to make the n-th one fail and to learn
// what is durable when.
type disk struct {
	sync     func(*os.File) error // the file's bytes and size are durable on return
	syncDir  func(dir string) error
	writeAt  func(f *os.File, b []byte, off int64) (int, error)
	truncate func(f *os.File, size int64) error
	create   func(name string) (*os.File, error) // fails where the file exists
	rename   func(from, to string) error
	link     func(from, to string) error
	remove   func(name string) error
	free     func(dir string) (uint64, error)
}

func realDisk() *disk {
	return &disk{
		sync:     syncFile,
		syncDir:  syncDir,
		writeAt:  func(f *os.File, b []byte, off int64) (int, error) { return f.WriteAt(b, off) },
		truncate: func(f *os.File, size int64) error { return f.Truncate(size) },
		create: func(name string) (*os.File, error) {
			return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
		},
		rename: robustio.Rename,
		link:   os.Link,
		remove: removeFile,
		free:   freeBytes,
	}
}

// removeFile removes a file. On Windows it is tried again while a virus scanner holds the file.
func removeFile(name string) error {
	if info, err := os.Lstat(name); err != nil || info.IsDir() {
		return os.Remove(name)
	}
	return robustio.RemoveAll(name)
}

// Permissions of what the store makes: memories are private.
const (
	filePerm = 0o600
	dirPerm  = 0o700
)

// writeFile makes a durable file with these bytes under a temporary name and renames it
// into place: at any moment there is the old file, none, or the whole new one.
func (d *disk) writeFile(name string, b []byte) error {
	tmp := name + tmpSuffix
	if err := d.writeNew(tmp, b); err != nil {
		return err
	}
	if err := d.rename(tmp, name); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(name))
}

// writeNew makes a durable file, in the place of a leftover of the same name.
func (d *disk) writeNew(name string, b []byte) error {
	f, err := d.createOver(name)
	if err != nil {
		return err
	}
	_, err = d.writeAt(f, b, 0)
	if err == nil {
		err = d.sync(f)
	}
	return errors.Join(err, f.Close())
}

// mkdirSync makes a directory, and those above it that are missing, with durable names.
func mkdirSync(d *disk, dir string) error {
	if exists(dir) {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := mkdirSync(d, parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirPerm); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	err := d.syncDir(parent)
	if errors.Is(err, os.ErrPermission) {
		return nil // a place where names may be made and not be listed
	}
	return err
}

// createOver makes an empty file and removes a leftover of the same name before.
func (d *disk) createOver(name string) (*os.File, error) {
	f, err := d.create(name)
	if errors.Is(err, os.ErrExist) {
		if err := d.remove(name); err != nil {
			return nil, err
		}
		return d.create(name)
	}
	return f, err
}

// copyOut makes a durable copy of a part of a file.
func (d *disk) copyOut(name string, r io.ReaderAt, off, end int64) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, min(scanChunk, max(end-off, 1)))
	for at := off; at < end; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		if n == 0 {
			return fmt.Errorf("copy to %s: %w", name, err)
		}
		if _, err := d.writeAt(f, buf[:n], at-off); err != nil {
			return err
		}
		at += int64(n)
	}
	if err := d.sync(f); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(name))
}

// rewrite writes the bytes of off..end again, in place, and syncs. After a failed fsync
// the page cache may show, as clean, bytes that the disk lacks: then a sync alone does
// nothing.
func (d *disk) rewrite(f *os.File, off, end int64) error {
	buf := make([]byte, min(scanChunk, max(end-off, 1)))
	for at := off; at < end; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		if n == 0 {
			return err
		}
		if _, err := d.writeAt(f, buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
	}
	return d.sync(f)
}

// fileReader reads a file forward from an offset. Where the disk cannot read it gives
// zero bytes for that block, so that what is behind a bad sector is still seen.
type fileReader struct {
	f        *os.File
	off, end int64
	bad      int64 // blocks that could not be read
}

// Read reads up to the end that was given, even if the file grows meanwhile.
func (r *fileReader) Read(b []byte) (int, error) {
	if r.off >= r.end {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), r.end-r.off)]
	n, err := r.f.ReadAt(b, r.off)
	if n == 0 && errors.Is(err, io.EOF) {
		return 0, io.EOF
	}
	if n == 0 {
		n = int(min(int64(len(b)), blockSize-r.off%blockSize))
		clear(b[:n])
		r.bad++
	}
	r.off += int64(n)
	return n, nil
}
