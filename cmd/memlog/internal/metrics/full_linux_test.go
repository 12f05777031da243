package metrics

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDiskFull fails to write in the middle of the file, and leaves the old one as it was. The limit
// is on the size of files, which fails as a full disk does.
func TestDiskFull(t *testing.T) {
	root, path := openRoot(t)
	clock := halfPast()
	r := busy(clock)
	if err := r.Save(root); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Operation("get", 1, nil)
	signal.Ignore(syscall.SIGXFSZ) // so that a write fails with EFBIG
	defer signal.Reset(syscall.SIGXFSZ)
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE,
		&syscall.Rlimit{Cur: 100, Max: free.Max}); err != nil {
		t.Fatal(err)
	}
	full := r.Save(root)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	if full == nil {
		t.Error("written to a full disk")
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("the old file: %q, %v", after, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := r.Save(root); err != nil { // with space again, without anything more to count
		t.Error(err)
	}
	again := New(clock.now)
	if err := again.Load(root); err != nil || again.total.ops["get"].took.count != 4 {
		t.Errorf("%+v, %v", again.total.ops["get"], err)
	}
}
