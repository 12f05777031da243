//go:build unix

package polled

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

// pipeFor makes a pipe whose read end waits, as a process is given one.
func pipeFor(t *testing.T) (r *os.File, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { _ = w.Close() })
	return r, w
}

// waits reports whether reads of the open file wait in the kernel.
func waits(t *testing.T, fd int) bool {
	t.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return flags&syscall.O_NONBLOCK == 0
}

func TestPipeReadsWhatComesLater(t *testing.T) {
	r, w := pipeFor(t)
	shared, err := syscall.Dup(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(shared)
	in := Pipe(r, os.Stderr)
	if waits(t, shared) {
		t.Fatal("a pipe is not polled")
	}
	go func() {
		time.Sleep(20 * time.Millisecond) // nothing is there at first
		_, _ = w.WriteString("late\n")
		_ = w.Close()
	}()
	if got, err := io.ReadAll(in); err != nil || string(got) != "late\n" {
		t.Fatalf("read %q, %v", got, err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if !waits(t, shared) {
		t.Error("who shares the pipe no longer waits")
	}
}

func TestPipeLeavesWhatOthersHave(t *testing.T) {
	r, _ := pipeFor(t)
	defer r.Close()
	if in := Pipe(r, os.Stderr, r); in != r || !waits(t, int(r.Fd())) {
		t.Error("a pipe that is standard output as well is changed")
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if in := Pipe(f); in != f {
		t.Error("what is no pipe is changed")
	}
}

// TestPipeWritesWhatIsTakenLater fills a pipe that nobody reads at first.
func TestPipeWritesWhatIsTakenLater(t *testing.T) {
	r, w := pipeFor(t)
	defer r.Close()
	out := Pipe(w, os.Stderr)
	sent := bytes.Repeat([]byte("much"), 1<<20)
	done := make(chan error)
	go func() {
		_, err := out.Write(sent)
		done <- errors.Join(err, out.Close())
	}()
	time.Sleep(20 * time.Millisecond)
	got, err := io.ReadAll(r)
	if err = errors.Join(err, <-done); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("read %d of %d bytes, %v", len(got), len(sent), err)
	}
}
