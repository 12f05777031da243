package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
	"memlog/wal"
)

// sizeLimit is the file size, in bytes, past which the limited child cannot write.
const sizeLimit = 256 << 10

// block is a memory of 16 KiB.
func block(n int) memory.StoreRequest {
	return memory.StoreRequest{Memories: []memory.NewMemory{{
		Content: fmt.Sprintf("block %d %s", n, strings.Repeat("x", 16<<10))}}}
}

// filling stores until it is refused and holds the refusals against what they have to be.
type filling struct {
	s     *store.Store
	ids   []string // acknowledged
	tries int
}

// fill stores blocks until some of them were refused.
func (f *filling) fill(refusals int) error {
	for refused := 0; refused < refusals; f.tries++ {
		if f.tries > 10_000 {
			return errors.New("it is never full")
		}
		res, err := f.s.Store(context.Background(), block(f.tries))
		if err == nil {
			f.ids = append(f.ids, res.Stored[0].ID.String())
			continue
		}
		refused++
		if err := clearRefusal(err); err != nil {
			return err
		}
		if err := f.reads(); err != nil {
			return fmt.Errorf("while full: %w", err)
		}
	}
	return nil
}

// clearRefusal holds an error of a full disk against the contract.
func clearRefusal(err error) error {
	var e *memory.Error
	if !errors.As(err, &e) || e.Code != memory.CodeFailed || e.Hint == "" {
		return fmt.Errorf("refused with code %q and without a hint: %w", memory.CodeOf(err), err)
	}
	if !strings.Contains(e.Hint, "space") {
		return fmt.Errorf("the hint does not speak of space: %q", e.Hint)
	}
	return nil
}

// reads looks every acknowledged memory up, and nothing else is there.
func (f *filling) reads() error {
	for _, id := range f.ids {
		if _, err := f.s.Get(context.Background(), memory.GetRequest{ID: id}); err != nil {
			return err
		}
	}
	list, err := f.s.List(context.Background(), memory.ListRequest{Limit: 1})
	if err == nil && list.Total != len(f.ids) {
		err = fmt.Errorf("%d memories, %d were acknowledged", list.Total, len(f.ids))
	}
	if err == nil {
		_, err = f.s.Search(context.Background(), memory.SearchRequest{Query: "block"})
	}
	return err
}

// again stores a few more, which has to work.
func (f *filling) again() error {
	for range 5 {
		res, err := f.s.Store(context.Background(), block(f.tries))
		if err != nil {
			return fmt.Errorf("with space again: %w", err)
		}
		f.tries++
		f.ids = append(f.ids, res.Stored[0].ID.String())
	}
	if err := f.reads(); err != nil {
		return err
	}
	v, err := f.s.Verify(context.Background(), memory.VerifyRequest{Deep: true})
	if err == nil && (!v.OK || v.Index.Digest != v.Index.Replayed) {
		err = fmt.Errorf("verify: %+v", v)
	}
	return err
}

// fillChild fills a store up to a limit of file size, twice, and goes on when the limit is lifted.
func fillChild(dir, _ string, say *teller) error {
	signal.Ignore(syscall.SIGXFSZ) // so that a write fails with EFBIG
	s, err := store.Open(context.Background(), dir, store.Options{Holder: "fill"})
	if err != nil {
		return err
	}
	f := &filling{s: s}
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		return err
	}
	for limit := uint64(sizeLimit); limit <= 2*sizeLimit; limit += sizeLimit {
		full := syscall.Rlimit{Cur: limit, Max: free.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
			return err
		}
		if err := f.fill(3); err != nil {
			return err
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
			return err
		}
		if err := f.again(); err != nil {
			return err
		}
		say.say("%d stored", len(f.ids))
	}
	return s.Close()
}

// TestFileSizeLimit lets a process run into its limit of file size while it stores.
func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	c := start(t, "fill", dir, "")
	lines := c.rest()
	if !c.cmd.ProcessState.Success() || len(lines) != 2 {
		t.Fatalf("%v, %q: %s", c.cmd.ProcessState, lines, c.errs.String())
	}
	s := openStore(t, dir, store.Options{})
	var stored int
	if _, err := fmt.Sscanf(lines[1], "%d stored", &stored); err != nil || stored == 0 {
		t.Fatalf("%q: %v", lines[1], err)
	}
	st, err := s.Stats(context.Background())
	if err != nil || st.Memories != stored {
		t.Fatalf("%d memories, %d were acknowledged (%v)", st.Memories, stored, err)
	}
	verified(t, s)
}

// smallDisk mounts a small file system, where this process may.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("memlog-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() {
		// Detached: an index that broke for want of space is abandoned with its files open.
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// glut writes a file until the disk is full.
func glut(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{1 << 20, 4096, 1} {
		b := make([]byte, n)
		for err = nil; err == nil; {
			_, err = f.Write(b)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// TestDiskFull fills a disk: by the store itself, and by something else to the last byte. The store
// also opens on it, for reading.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, "24m")
	dir, other := filepath.Join(disk, "store"), filepath.Join(disk, "other")
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &filling{s: s}
	defer func() { f.s.Close() }()
	step := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	step("room enough", f.again())
	glut(t, other)
	step("filled by another", f.fill(3))
	step("remove", os.Remove(other))
	step("space again", f.again())

	glut(t, other)
	if err := f.s.Close(); err != nil { // the index cannot note how far it is; the log has it all
		t.Logf("close while full: %v", err)
	}
	if left := openFiles(t, disk); len(left) > 0 {
		t.Errorf("closed while full, and these files are still open: %v", left)
	}
	if f.s, err = store.Open(context.Background(), dir, store.Options{}); err != nil {
		t.Fatalf("open while full: %v", err)
	}
	step("reads of a store opened while full", f.reads())
	if _, err := f.s.Store(context.Background(), block(-1)); err == nil {
		t.Fatal("a store opened on a full disk took a write")
	}
	step("remove", os.Remove(other))
	step("close", f.s.Close())
	if f.s, err = store.Open(context.Background(), dir, store.Options{}); err != nil {
		t.Fatalf("open with space again: %v", err)
	}
	step("opened with space again", f.again())
}

func openFiles(t *testing.T, dir string) []string {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	var out []string
	for _, fd := range fds {
		name, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && strings.HasPrefix(name, dir) {
			out = append(out, name)
		}
	}
	return out
}

// TestDiskFilledByStore lets the store itself fill a disk: it stops while there is still room for a
// repair and a shutdown, and goes on when the disk has grown.
func TestDiskFilledByStore(t *testing.T) {
	disk := smallDisk(t, "16m")
	f := &filling{s: openStore(t, filepath.Join(disk, "store"), store.Options{})}
	defer f.s.Close()
	if err := f.fill(3); err != nil {
		t.Fatal(err)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(disk, &st); err != nil {
		t.Fatal(err)
	}
	if free := st.Bavail * uint64(st.Bsize); free < wal.MinFree/2 {
		t.Errorf("%d bytes are left of a disk that the store filled, want about %d", free, wal.MinFree)
	}
	if err := syscall.Mount("memlog-test", disk, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if err := f.again(); err != nil {
		t.Fatal(err)
	}
}
