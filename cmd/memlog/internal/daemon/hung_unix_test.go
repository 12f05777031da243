//go:build unix

package daemon_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// TestHungOwner stops an owner: callers hear its process number within their deadline, and nobody
// takes the store from it. It goes on as if nothing had been.
func TestHungOwner(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	pid := c.cmd.Process.Pid
	o := w.spawning()
	o.Deadline = 500 * time.Millisecond
	connected, fresh := w.front(o), w.front(o)
	w.add(connected, "before")
	stopProcess(t, pid)
	t.Cleanup(func() { _ = c.cmd.Process.Signal(syscall.SIGCONT) })
	calls := map[string]func(context.Context) error{
		"connected": func(ctx context.Context) error {
			_, err := connected.Store(ctx, note("connected"))
			return err
		},
		"fresh": func(ctx context.Context) error { _, err := fresh.Store(ctx, note("fresh")); return err },
		"one":   func(ctx context.Context) error { _, err := daemon.OneShot(ctx, o); return err },
		"status": func(ctx context.Context) error {
			st, err := daemon.Status(ctx, o)
			if !st.Running || st.PID != pid {
				t.Errorf("a stopped owner %d does not run: %+v", pid, st)
			}
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			inner := *w
			inner.T = t
			inner.busy(call(w.ctx), pid)
			ctx, cancel := context.WithTimeout(w.ctx, 100*time.Millisecond)
			defer cancel()
			inner.busy(call(ctx), pid)
		})
	}
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.add(connected, "after")
	w.add(fresh, "after that")
	if st := w.status(); st.PID != pid {
		t.Errorf("owner is %d, was %d", st.PID, pid)
	}
}

// TestReadOnlyDisk asks for a store on a disk that cannot be written.
func TestReadOnlyDisk(t *testing.T) {
	w := newWorld(t)
	w.add(w.front(w.spawning()), "one")
	w.stop()
	parent := filepath.Dir(w.dir)
	if err := readOnly(t, parent); err != nil {
		t.Skipf("no read-only disk can be had: %v", err)
	}
	_, err := w.front(w.spawning()).Store(w.ctx, note("two"))
	if err == nil || memory.CodeOf(err) == memory.CodeBusy {
		t.Errorf("store on a read-only disk: %v", err)
	}
	t.Logf("it says: %v", err)
	o := w.spawning()
	o.OpenReading = func(ctx context.Context) (memory.Service, error) {
		return store.Open(ctx, w.dir, store.Options{MustExist: true, ReadOnlyOK: true})
	}
	f := w.front(o)
	if list, err := f.List(w.ctx, memory.ListRequest{Limit: 1}); err != nil || list.Total != 1 {
		t.Errorf("list on a read-only disk: %+v, %v", list, err)
	}
	if _, err := f.Store(w.ctx, note("two")); err == nil || memory.CodeOf(err) == memory.CodeBusy {
		t.Errorf("store on a read-only disk that is read: %v", err)
	}
	if _, err := os.Lstat(w.socket()); err == nil {
		t.Error("somebody serves it")
	}
}

// stopProcess stops a child and waits until it has stopped: the signal alone may come later than the
// next call.
func stopProcess(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || !status.Stopped() {
			t.Fatalf("process %d has not stopped: %v %v", pid, status, err)
		}
		return
	}
}
