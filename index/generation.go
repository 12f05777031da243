package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A generation is a pebble directory g000012 in the index directory; the file CURRENT names the
// one in use. Others that a crash left behind are removed by the next Open; those ending in
// asideSuffix are evidence and stay.
const (
	currentFile    = "CURRENT"
	checkpointFile = "CHECKPOINT" // in a generation, see writeCheckpoint
	reasonFile     = "WHY-ASIDE"
	asideSuffix    = ".aside"
	tempSuffix     = ".tmp"
	syncCategory   = vfs.WriteCategoryUnspecified
)

// generationNumber returns the number in a directory's name, false for any other name.
func generationNumber(name string) (int, bool) {
	digits, ok := strings.CutPrefix(strings.TrimSuffix(name, asideSuffix), "g")
	if !ok || len(digits) < 6 {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// generations lists the generations in dir by number.
func generations(fs vfs.FS, dir string) ([]string, error) {
	all, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(all, func(n string) bool {
		_, ok := generationNumber(n)
		return !ok
	})
	slices.SortFunc(names, func(a, b string) int {
		x, _ := generationNumber(a)
		y, _ := generationNumber(b)
		return x - y
	})
	return names, nil
}

// nextGeneration returns a name that no generation has, set aside ones included.
func nextGeneration(fs vfs.FS, dir string) (string, error) {
	names, err := generations(fs, dir)
	if err != nil {
		return "", fmt.Errorf("list generations: %w", err)
	}
	n := 0
	if len(names) > 0 {
		n, _ = generationNumber(names[len(names)-1])
	}
	return fmt.Sprintf("g%06d", n+1), nil
}

// current returns the name of the generation in use, "" where there is none.
func current(fs vfs.FS, dir string) (string, error) {
	b, err := readFile(fs, fs.PathJoin(dir, currentFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", currentFile, err)
	}
	name := strings.TrimSuffix(string(b), "\n")
	if _, ok := generationNumber(name); !ok || strings.HasSuffix(name, asideSuffix) {
		return "", fmt.Errorf("%w: %s names no generation: %.40q", ErrBroken, currentFile, name)
	}
	return name, nil
}

// removeStale removes generations that are neither in use nor set aside.
func removeStale(fs vfs.FS, dir, inUse string) error {
	names, err := generations(fs, dir)
	if err != nil {
		return fmt.Errorf("list generations: %w", err)
	}
	for _, n := range names {
		if n == inUse || strings.HasSuffix(n, asideSuffix) {
			continue
		}
		if err := fs.RemoveAll(fs.PathJoin(dir, n)); err != nil {
			return fmt.Errorf("remove stale generation %s: %w", n, err)
		}
	}
	return nil
}

// NewGeneration makes an empty generation in dir beside the one in use, to be filled and then
// either promoted or discarded. It has a larger memtable, since nobody reads it yet.
func NewGeneration(dir string, o Options) (*DB, error) {
	if o.MemTableBytes == 0 {
		o.MemTableBytes = RebuildMemTableBytes
	}
	o = o.withDefaults()
	if err := o.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make index directory: %w", err)
	}
	name, err := nextGeneration(o.FS, dir)
	if err != nil {
		return nil, err
	}
	return openGeneration(dir, o.FS.PathJoin(dir, name), o)
}

// Promote writes the generation out and makes it the one in use. The one before is removed, or
// set aside with keepOld; it must be closed by then. A crash leaves one of the two in use; with
// keepOld it may leave none in use, but never removes the old one.
func (d *DB) Promote(keepOld bool) error {
	if err := d.Flush(); err != nil {
		return err
	}
	old, err := current(d.o.FS, d.dir)
	if err != nil && !errors.Is(err, ErrBroken) {
		return err
	}
	if err := d.writeCheckpoint(); err != nil {
		return err
	}
	name := d.o.FS.PathBase(d.path)
	if keepOld && old != "" && old != name {
		// Before CURRENT names another one: a generation that is neither named nor aside is removed.
		_, err := setAside(d.o.FS, d.dir, old, "replaced by "+name)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // CURRENT may name what never was
			return err
		}
	}
	if err := writeFileAtomic(d.o.FS, d.dir, currentFile, []byte(name+"\n")); err != nil {
		return fmt.Errorf("promote generation %s: %w", name, err)
	}
	return removeStale(d.o.FS, d.dir, name)
}

// Discard closes a generation that was not promoted, and removes it.
func (d *DB) Discard() error {
	inUse, err := current(d.o.FS, d.dir)
	if err == nil && inUse == d.o.FS.PathBase(d.path) {
		return fmt.Errorf("discard generation %s: it is in use", inUse)
	}
	d.close(false)
	return d.o.FS.RemoveAll(d.path)
}

// SetAside keeps the generation in use as evidence, untouched under another name, and returns its
// path. The next Open begins an empty one. No DB may be open in dir.
func SetAside(dir, reason string) (string, error) {
	return setAsideCurrent(realFS(), dir, reason)
}

func setAsideCurrent(fs vfs.FS, dir, reason string) (string, error) {
	name, err := current(fs, dir)
	if err != nil && !errors.Is(err, ErrBroken) {
		return "", err
	}
	to := ""
	if name != "" {
		// Before CURRENT goes: a generation that is neither named nor aside is removed.
		if to, err = setAside(fs, dir, name, reason); err != nil {
			return "", err
		}
	}
	if err := fs.Remove(fs.PathJoin(dir, currentFile)); err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("remove %s: %w", currentFile, err)
	}
	return to, syncDir(fs, dir)
}

func setAside(fs vfs.FS, dir, name, reason string) (string, error) {
	to := fs.PathJoin(dir, name+asideSuffix)
	if err := fs.Rename(fs.PathJoin(dir, name), to); err != nil {
		return "", fmt.Errorf("set generation %s aside: %w", name, err)
	}
	if err := writeFileAtomic(fs, to, reasonFile, []byte(reason+"\n")); err != nil {
		return "", fmt.Errorf("note why %s is aside: %w", name, err)
	}
	return to, syncDir(fs, dir)
}

// writeCheckpoint notes, where it can be read without pebble, which record of the log the index
// has seen. The record was synced before the index got it, so the file never claims too much,
// though it may lag, and may be ahead of what pebble has written.
func (d *DB) writeCheckpoint() error {
	d.noteMu.Lock()
	defer d.noteMu.Unlock()
	b, err := json.Marshal(d.Checkpoint())
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	b = fmt.Appendf(b, "\n%08x\n", crc32.Checksum(b, crcTable))
	if err := writeFileAtomic(d.o.FS, d.path, checkpointFile, b); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// Peek returns what the index in dir has seen of the log, from a small file and without opening
// it: a witness of the log's end. It may lag and never leads. ErrNotFound where there is no index.
func Peek(dir string) (Checkpoint, error) { return peek(realFS(), dir) }

func peek(fs vfs.FS, dir string) (Checkpoint, error) {
	name, err := current(fs, dir)
	if err != nil {
		return Checkpoint{}, err
	}
	if name == "" {
		return Checkpoint{}, ErrNotFound
	}
	b, err := readFile(fs, fs.PathJoin(dir, name, checkpointFile))
	if err == nil {
		body, sum, _ := strings.Cut(string(b), "\n")
		var c Checkpoint
		ok := sum == fmt.Sprintf("%08x\n", crc32.Checksum([]byte(body), crcTable))
		if ok && json.Unmarshal([]byte(body), &c) == nil {
			return c, nil
		}
	}
	db, err := Open(dir, Options{FS: fs, ReadOnly: true}) // no note, or damaged: ask pebble
	if err != nil {
		return Checkpoint{}, err
	}
	c := db.Checkpoint()
	return c, db.Close()
}

func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// writeFileAtomic replaces a file so that a crash leaves the old one or the new one whole.
func writeFileAtomic(fs vfs.FS, dir, name string, b []byte) error {
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+tempSuffix, syncCategory)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync() // the bytes, before the name points at them
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = fs.Rename(path+tempSuffix, path)
	}
	if err != nil {
		return err
	}
	return syncDir(fs, dir) // the name
}

func syncDir(fs vfs.FS, dir string) error {
	f, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
