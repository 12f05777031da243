package recovery

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"memlog/projection"
	"memlog/wal"
)

// TestOpenOnFullDisk opens a store where not one byte is free: reads work, everything that would
// write says that the disk is full and not that the log is damaged, and with space all is well.
func TestOpenOnFullDisk(t *testing.T) {
	for _, index := range []bool{true, false} {
		disk := mountSmall(t)
		dir, glut := filepath.Join(disk, "store"), filepath.Join(disk, "glut")
		if err := os.CopyFS(dir, os.DirFS(newStore(t, 7, 20))); err != nil {
			t.Fatal(err)
		}
		if !index {
			remove(t, filepath.Join(dir, indexName))
		}
		fillDisk(t, glut)
		e := mustOpen(t, dir, testOptions())
		why := e.Log.Health().ReadOnly
		if !strings.HasPrefix(why, "the disk is full: ") ||
			!strings.HasSuffix(why, "; free some space") {
			t.Errorf("index there %v: read-only because %q", index, why)
		}
		wantFold(t, e)
		_, err := e.Append(context.Background(), func(*projection.Projector) (wal.Entry, error) {
			return wal.Entry{}, errors.New("built")
		})
		wantFull(t, "append", err)
		_, err = e.Rebuild(context.Background(), nil)
		wantFull(t, "rebuild", err)
		_, err = e.Snapshot(context.Background())
		wantFull(t, "snapshot", err)
		mustClose(t, e)

		if err := os.Remove(glut); err != nil {
			t.Fatal(err)
		}
		e = mustOpen(t, dir, testOptions())
		grow(t, e, newHistory(8), 3)
		if _, err := e.Rebuild(context.Background(), nil); err != nil {
			t.Errorf("rebuild with space again: %v", err)
		}
		mustClose(t, e)
	}
}

func wantFull(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, wal.ErrDiskFull) || errors.Is(err, wal.ErrReadOnly) ||
		errors.Is(err, ErrDamaged) {
		t.Errorf("%s on a full disk: got %v, want only ErrDiskFull", what, err)
	}
}

// mountSmall mounts a file system of a few MiB, where this process may.
func mountSmall(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("memlog-test", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a small file system cannot be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fillDisk writes a file until the disk is full to the last byte.
func fillDisk(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{1 << 20, 4096, 1} {
		for b := make([]byte, n); err == nil; {
			_, err = f.Write(b)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}
