package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// TestManyAtOnce starts processes at once on a fresh store: one owner comes of it, once, and serves
// them all.
func TestManyAtOnce(t *testing.T) {
	const n = 20
	w := newWorld(t)
	var all []*child
	for range n {
		all = append(all, w.child("front", w.dir, testVersion))
	}
	for _, c := range all {
		c.expect("up")
	}
	for i, c := range all {
		fmt.Fprintf(c.in, "memory %d\n", i)
	}
	for _, c := range all {
		c.expect("ack")
	}
	st := w.status()
	if !st.Running || len(st.Clients) != n {
		t.Errorf("%d clients of %+v, want %d", len(st.Clients), st, n)
	}
	for _, c := range all {
		if c.cmd.Process.Pid == st.PID {
			t.Errorf("process %d owns the store itself", st.PID)
		}
		c.end()
	}
	w.stop()
	stored := 0
	for _, rec := range w.unlocked() {
		if rec.Epoch != 1 {
			t.Errorf("record %d is of epoch %d: a second owner wrote it", rec.Seq, rec.Epoch)
		}
		if rec.RequestID != "" && rec.Events[0].Kind == "stored" {
			stored++
		}
	}
	if stored != n {
		t.Errorf("%d memories in the log, want %d", stored, n)
	}
}

// TestStaleSocket leaves the socket of a dead owner, and a plain file, where the next one listens.
func TestStaleSocket(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
	if _, err := os.Lstat(w.socket()); err != nil {
		t.Fatalf("nothing is stale: %v", err)
	}
	f := w.front(w.spawning())
	w.add(f, "after a dead owner")
	w.stop()
	if err := os.WriteFile(w.socket(), []byte("no socket"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.add(f, "after a file")
}

// TestIdle has owners leave that nobody uses, and stay while somebody is connected.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	o := w.spawning("idle=100ms")
	f := daemon.Front(o)
	w.add(f, "one")
	pid := w.status().PID
	look := time.After(400 * time.Millisecond)
	<-look // four times the idle time; an owner that leaves early is another process below
	w.add(f, "two")
	if st := w.status(); st.PID != pid {
		t.Errorf("owner %d left while a client was connected; now it is %d", pid, st.PID)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w.until("the owner leaves", func() bool { // without asking it, which would keep it
		s, err := w.options().Open(w.ctx)
		return err == nil && s.Close() == nil
	})
	w.leftNothing()
}

// leftNothing fails the test where an owner that left in order left something behind.
func (w *world) leftNothing() {
	w.Helper()
	for _, pattern := range []string{
		filepath.Join(w.run, "memlog", "*.sock*"), filepath.Join(w.run, "memlog", "*.ctl*"),
		filepath.Join(w.dir, "owner.addr"),
	} {
		left, err := filepath.Glob(pattern)
		if err != nil || len(left) > 0 {
			w.Errorf("left behind: %v (%v)", left, err)
		}
	}
}

// TestTerm sends SIGTERM to an owner with calls under way: they are answered, and it ends in order.
func TestTerm(t *testing.T) {
	w := newWorld(t)
	c := w.child("slow", w.dir)
	c.expect("up")
	w.until("the owner serves", func() bool { return w.status().Running })
	o := w.options()
	o.Open = nil // a second attempt would fail
	f := w.front(o)
	type answer struct {
		seq memory.Seq
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		res, err := f.Store(w.ctx, note("slow"))
		answered <- answer{res.Seq, err}
	}()
	c.expect("storing")
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.expect("leaves")
	fmt.Fprintln(c.in, "go on")
	if a := <-answered; a.err != nil || a.seq == 0 {
		t.Errorf("the call under way was not answered: %+v", a)
	}
	c.end()
	w.leftNothing()
	if n := len(w.unlocked()); n < 2 {
		t.Errorf("%d records in the log", n)
	}
}

// TestSecondOwner starts an owner beside another: it ends quietly.
func TestSecondOwner(t *testing.T) {
	w := newWorld(t)
	first := w.serving(testVersion)
	w.child("serve", w.dir, testVersion).end()
	if st := w.status(); st.PID != first.cmd.Process.Pid {
		t.Errorf("owner is %d, was %d", st.PID, first.cmd.Process.Pid)
	}
}

// TestStop ends an owner and returns when the store is free.
func TestStop(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	if err := daemon.Stop(w.ctx, w.options()); err != nil {
		t.Fatal(err)
	}
	w.unlocked()
	w.leftNothing()
	c.end()
	if err := daemon.Stop(w.ctx, w.options()); err != nil {
		t.Errorf("stop without an owner: %v", err)
	}
}

// TestStoreTakenAway moves a store, deletes one, and puts another in its place, under the owner. The
// window is told once, and nothing is done then; the next call has what is there.
func TestStoreTakenAway(t *testing.T) {
	for name, take := range map[string]func(dir string) error{
		"moved":   func(dir string) error { return os.Rename(dir, dir+".moved") },
		"deleted": os.RemoveAll,
		"replaced": func(dir string) error {
			s, err := options(dir+".other", "other", testVersion).Open(context.Background())
			if err != nil {
				return err
			}
			return errors.Join(s.Close(), os.Rename(dir, dir+".old"), os.Rename(dir+".other", dir))
		},
		"emptied": func(dir string) error {
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.serving(testVersion)
			f := w.front(w.spawning())
			w.add(f, "before")
			if err := take(w.dir); err != nil {
				t.Fatal(err)
			}
			// The owner looks every so often; until then it goes on in the store it has open.
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				_, err := f.Stats(w.ctx)
				if memory.CodeOf(err) == memory.CodeConflict &&
					strings.Contains(err.Error(), "moved, deleted or replaced") {
					break
				}
				if err != nil || time.Now().After(deadline) {
					t.Fatalf("the window was not told: %v", err)
				}
			}
			if _, err := os.Stat(w.dir); name != "replaced" && name != "emptied" && err == nil {
				t.Error("a new store was begun before the window was told")
			}
			w.add(f, "after")
			c.end() // the owner of what is gone has left, in order
			list, err := f.List(w.ctx, memory.ListRequest{})
			if err != nil || len(list.Memories) != 1 || list.Memories[0].Content != "after" {
				t.Errorf("the store in its place has %+v (%v)", list.Memories, err)
			}
			away, ok := map[string]string{"moved": ".moved", "replaced": ".old"}[name]
			if !ok {
				return
			}
			w.stop()
			w.dir += away
			for _, rec := range w.unlocked() {
				if strings.Contains(fmt.Sprint(rec.Events), "after") {
					t.Errorf("record %d of the store that was moved away: %+v", rec.Seq, rec.Events)
				}
			}
		})
	}
}

// doomed is a store that is deleted while it stores for the first time.
type doomed struct {
	memory.Service
	dir  string
	once *sync.Once
}

func (d doomed) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	res, err := d.Service.Store(ctx, r)
	d.once.Do(func() { err = errors.Join(err, os.RemoveAll(d.dir)) })
	return res, err
}

// TestStoreDeletedWithinChange acknowledges nothing from a store that went while it stored: the
// window is told, and the next call has a new store.
func TestStoreDeletedWithinChange(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	open, once := o.Open, new(sync.Once)
	o.Open = func(ctx context.Context) (memory.Service, error) {
		s, err := open(ctx)
		return doomed{s, w.dir, once}, err
	}
	f := w.front(o)
	_, err := f.Store(w.ctx, note("lost"))
	if memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("stored in a store that is gone: %v", err)
	}
	w.add(f, "kept")
	list, err := f.List(w.ctx, memory.ListRequest{})
	if err != nil || len(list.Memories) != 1 || list.Memories[0].Content != "kept" {
		t.Errorf("acknowledged, and not in the store in its place: %+v (%v)", list.Memories, err)
	}
}

// TestStopWaits stops an owner with a call under way: Stop returns behind its answer.
func TestStopWaits(t *testing.T) {
	w := newWorld(t)
	c := w.child("slow", w.dir)
	c.expect("up")
	w.until("the owner serves", func() bool { return w.status().Running })
	f := w.front(w.options())
	go f.Store(w.ctx, note("slow"))
	c.expect("storing")
	stopped := make(chan error, 1)
	go func() { stopped <- daemon.Stop(w.ctx, w.options()) }()
	c.expect("leaves")
	select {
	case err := <-stopped:
		t.Errorf("stop returned (%v) while a call was under way", err)
	case <-time.After(50 * time.Millisecond):
		fmt.Fprintln(c.in, "go on")
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
	fmt.Fprintln(c.in, "go on")
	c.end()
}

// TestSocketTakenAway removes an owner's sockets, as cleaners of temporary directories do.
func TestSocketTakenAway(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion, "idle=4s")
	if err := os.RemoveAll(w.run); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(w.run, 0o700); err != nil {
		t.Fatal(err)
	}
	f := w.front(w.options())
	w.add(f, "still served")
	if st := w.status(); st.PID != c.cmd.Process.Pid {
		t.Errorf("owner is %+v, was %d", st, c.cmd.Process.Pid)
	}
}

// TestAddressCannotBeWritten serves all the same, as on a full disk.
func TestAddressCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	if err := os.MkdirAll(filepath.Join(w.dir, "owner.addr", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := w.serving(testVersion)
	w.add(w.front(w.options()), "one")
	w.stop()
	c.end()
}

// TestOtherRuntimeDirectory finds the owner from a process that sees another runtime directory.
func TestOtherRuntimeDirectory(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	other, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", other)
	t.Cleanup(func() { os.RemoveAll(other) })
	if st := w.status(); st.PID != c.cmd.Process.Pid {
		t.Errorf("owner is %+v, want %d", st, c.cmd.Process.Pid)
	}
	w.add(w.front(w.options()), "from elsewhere")
}
