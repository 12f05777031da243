//go:build linux

package wal

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// limited marks the process that TestFileSizeLimit limits.
const limited = "MEMLOG_WAL_TEST_LIMITED"

// TestFileSizeLimit lets the kernel cut a write short, as a full disk does: in a process of its own,
// since the limit holds for all files, and the test runner writes one too.
func TestFileSizeLimit(t *testing.T) {
	if os.Getenv(limited) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFileSizeLimit$", "-test.v")
		cmd.Env = append(os.Environ(), limited+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestFileSizeLimit") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	mustAppend(t, l, "before")
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := unix.Rlimit{Cur: uint64(l.w.seg.size) + 100, Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 500)
	_, err := l.Append(context.Background(), entry(long))
	if e := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); e != nil {
		t.Fatal(e)
	}
	if !errors.Is(err, ErrFailedWrite) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("append beyond the limit: got %v", err)
	}
	if r := mustAppend(t, l, long); r.Seq != 3 {
		t.Errorf("append with room: got seq %d, want 3", r.Seq)
	}
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() || rep.Records != 3 || len(rep.Notes) > 0 {
		t.Errorf("verify: got %+v", rep)
	}
}
