package fetch

import (
	"os/signal"
	"syscall"
	"testing"
)

// TestDiskFull fails to write in the middle of a file, and goes on there when there is space again.
// The limit is on the size of files, which fails as a full disk does.
func TestDiskFull(t *testing.T) {
	o := newOrigin(t, 9<<20, `"a"`)
	dir := openDir(t, t.TempDir())
	signal.Ignore(syscall.SIGXFSZ) // so that a write fails with EFBIG
	defer signal.Reset(syscall.SIGXFSZ)
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE,
		&syscall.Rlimit{Cur: 6 << 20, Max: free.Max}); err != nil {
		t.Fatal(err)
	}
	full := Run(t.Context(), dir, options(o.url))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	if full == nil || len(o.ranges) != 1 {
		t.Fatalf("written to a full disk, or tried again: %v", full)
	}
	before := o.sent
	if err := Run(t.Context(), dir, options(o.url)); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
	if again := o.sent - before; again > 4<<20 {
		t.Errorf("%d bytes sent again", again)
	}
}
