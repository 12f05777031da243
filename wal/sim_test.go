//go:build linux

package wal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const sector = 512

// simDisk is a disk that knows what would survive a power cut. Files are real and show
// what the page cache shows; beside each it keeps what reached the disk. As in the kernel,
// a failed sync leaves pages clean that the disk lacks: only writing them again helps.
type simDisk struct {
	t    testing.TB
	root string
	*disk
	files map[uint64]*simFile
	dirs  map[uint64]map[string]uint64 // durable entries
	todo  []simEntry                   // entries that are not durable yet, in order

	n      int // operations so far
	fail   func(n int) bool
	before func(n int) // called at the start of each operation
	dead   bool        // the process was killed: nothing happens any more
}

type simFile struct {
	durable []byte
	seen    []byte // the content at the last sync, failed or not
	dirty   map[int]bool
}

// simEntry is a directory entry that was set (ino > 0) or removed.
type simEntry struct {
	dir  uint64
	name string
	ino  uint64
}

func newSim(t testing.TB, root string) *simDisk {
	s := &simDisk{t: t, root: root, files: map[uint64]*simFile{},
		dirs: map[uint64]map[string]uint64{}}
	real := realDisk()
	s.disk = &disk{free: real.free, link: real.link}
	s.sync = func(f *os.File) error { return s.simSync(f, real) }
	s.syncDir = func(dir string) error {
		if err := s.op(); err != nil {
			return err
		}
		s.dirSynced(dir)
		return nil
	}
	s.writeAt = func(f *os.File, b []byte, off int64) (int, error) {
		if err := s.op(); err != nil {
			return 0, err
		}
		sf := s.file(f)
		for i := int(off) / sector; i <= (int(off)+len(b)-1)/sector && len(b) > 0; i++ {
			sf.dirty[i] = true
		}
		return real.writeAt(f, b, off)
	}
	s.truncate = func(f *os.File, size int64) error {
		if err := s.op(); err != nil {
			return err
		}
		s.file(f).dirty[int(size)/sector] = true
		return real.truncate(f, size)
	}
	s.create = func(name string) (*os.File, error) {
		if err := s.op(); err != nil {
			return nil, err
		}
		f, err := real.create(name)
		if err == nil {
			s.file(f)
			s.entry(name, inode(t, name))
		}
		return f, err
	}
	s.rename = func(from, to string) error {
		if err := s.op(); err != nil {
			return err
		}
		ino := inode(t, from)
		if err := real.rename(from, to); err != nil {
			return err
		}
		s.entry(from, 0)
		s.entry(to, ino)
		return nil
	}
	s.remove = func(name string) error {
		if err := s.op(); err != nil {
			return err
		}
		if err := real.remove(name); err != nil {
			return err
		}
		s.entry(name, 0)
		return nil
	}
	s.dirSynced(root)
	return s
}

var errInjected = errors.New("injected fault")

func (s *simDisk) op() error {
	if s.dead {
		return errInjected
	}
	if s.before != nil {
		s.before(s.n)
	}
	s.n++
	if s.dead || s.fail != nil && s.fail(s.n-1) {
		return errInjected
	}
	return nil
}

func (s *simDisk) simSync(f *os.File, real *disk) error {
	failed := s.op()
	if s.dead {
		return failed
	}
	sf, live := s.file(f), s.read(f)
	for i := 0; i*sector < max(len(live), len(sf.seen)); i++ {
		if string(cutSector(live, i)) != string(cutSector(sf.seen, i)) {
			sf.dirty[i] = true
		}
	}
	if failed == nil {
		sf.durable = resize(sf.durable, len(live))
		for i := range sf.dirty {
			if i*sector < len(live) {
				copy(sf.durable[i*sector:], cutSector(live, i))
			}
		}
	}
	sf.seen, sf.dirty = live, map[int]bool{}
	return failed
}

func cutSector(b []byte, i int) []byte {
	return b[min(len(b), i*sector):min(len(b), (i+1)*sector)]
}

func resize(b []byte, n int) []byte {
	if len(b) >= n {
		return b[:n:n]
	}
	return append(b[:len(b):len(b)], make([]byte, n-len(b))...)
}

func inode(t testing.TB, name string) uint64 {
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func (s *simDisk) file(f *os.File) *simFile {
	info, err := f.Stat()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.byIno(info.Sys().(*syscall.Stat_t).Ino)
}

func (s *simDisk) byIno(ino uint64) *simFile {
	if s.files[ino] == nil {
		s.files[ino] = &simFile{dirty: map[int]bool{}}
	}
	return s.files[ino]
}

func (s *simDisk) read(f *os.File) []byte { return readFile(s.t, f.Name()) }

func (s *simDisk) entry(name string, ino uint64) {
	s.todo = append(s.todo, simEntry{inode(s.t, filepath.Dir(name)), filepath.Base(name), ino})
}

func (s *simDisk) dirSynced(dir string) {
	ino := inode(s.t, dir)
	s.dirs[ino] = map[string]uint64{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		s.dirs[ino][e.Name()] = inode(s.t, filepath.Join(dir, e.Name()))
	}
	rest := s.todo[:0:0]
	for _, e := range s.todo {
		if e.dir != ino {
			rest = append(rest, e)
		}
	}
	s.todo = rest
}

// powerCut makes a directory as a power cut at this moment might leave it.
func (s *simDisk) powerCut(r *rand.Rand) string {
	live := map[uint64][]byte{}
	_ = filepath.WalkDir(s.root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			live[inode(s.t, path)] = readFile(s.t, path)
		}
		return nil
	})
	dirs := map[uint64]map[string]uint64{}
	for ino, entries := range s.dirs {
		dirs[ino] = map[string]uint64{}
		for name, e := range entries {
			dirs[ino][name] = e
		}
	}
	for _, e := range s.todo[:r.IntN(len(s.todo)+1)] {
		switch {
		case dirs[e.dir] == nil:
			dirs[e.dir] = map[string]uint64{e.name: e.ino}
		case e.ino == 0:
			delete(dirs[e.dir], e.name)
		default:
			dirs[e.dir][e.name] = e.ino
		}
	}
	to := quickDir(s.t)
	s.build(r, to, inode(s.t, s.root), dirs, live)
	return to
}

func (s *simDisk) build(r *rand.Rand, to string, dir uint64,
	dirs map[uint64]map[string]uint64, live map[uint64][]byte) {
	for name, ino := range dirs[dir] {
		path := filepath.Join(to, name)
		if name == lockName {
			continue
		}
		if _, isFile := live[ino]; isFile || s.files[ino] != nil {
			writeFile(s.t, path, s.survivor(r, ino, live[ino]))
			continue
		}
		if err := os.Mkdir(path, dirPerm); err != nil {
			s.t.Fatal(err)
		}
		s.build(r, path, ino, dirs, live)
	}
}

// survivor is what the disk may have of a file: what was synced, and of each sector that
// was not, the old or the new bytes.
func (s *simDisk) survivor(r *rand.Rand, ino uint64, live []byte) []byte {
	f := s.byIno(ino)
	if live == nil {
		live = f.seen
	}
	size := len(f.durable)
	if r.IntN(3) > 0 {
		size = len(live)
	}
	out := resize(append([]byte(nil), f.durable...), size)
	all := r.IntN(3)
	for i := 0; i*sector < size; i++ {
		changed := f.dirty[i] || string(cutSector(live, i)) != string(cutSector(f.seen, i))
		if changed && (all == 0 || all == 1 && r.IntN(2) == 0) {
			copy(out[i*sector:], cutSector(live, i))
		}
	}
	return out
}
