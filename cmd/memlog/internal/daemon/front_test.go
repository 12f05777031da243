package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// TestFrontOpensNothing makes services and closes them: no file, no process.
func TestFrontOpensNothing(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	o.Open = func(context.Context) (memory.Service, error) { t.Error("opened"); return nil, io.EOF }
	o.Spawn = func() error { t.Error("started a process"); return nil }
	if err := daemon.Front(o).Close(); err != nil {
		t.Error(err)
	}
	if st := w.status(); st.Running {
		t.Errorf("an owner runs: %+v", st)
	}
	if _, err := os.Stat(w.dir); err == nil {
		t.Error("there is a store")
	}
}

// TestOneShot owns a store for its duration, serves it to others meanwhile, and leaves nothing.
func TestOneShot(t *testing.T) {
	w := newWorld(t)
	o := w.spawning()
	one, err := daemon.OneShot(w.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	w.add(one, "by the command")
	if st := w.status(); st.PID != os.Getpid() {
		t.Errorf("owner is %+v, not this process", st)
	}
	c := w.child("front", w.dir, testVersion)
	c.expect("up")
	fmt.Fprintln(c.in, "by another process")
	c.expect("ack")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if st := w.status(); st.Running {
		t.Errorf("it left an owner behind: %+v", st)
	}
	fmt.Fprintln(c.in, "after it") // starts an owner
	c.expect("ack")
	two, err := daemon.OneShot(w.ctx, w.options())
	if err != nil {
		t.Fatal(err)
	}
	w.add(two, "through the owner")
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if st := w.status(); !st.Running || st.LastSeq < 4 || st.Watermark != st.LastSeq {
		t.Errorf("the owner left with a command, or knows nothing: %+v", st)
	}
}

// TestOneShotWaits takes its turn after a process that has the lock and does not serve.
func TestOneShotWaits(t *testing.T) {
	w := newWorld(t)
	held, err := w.options().Open(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	o := w.options()
	o.Deadline = -1
	_, err = daemon.OneShot(w.ctx, o)
	w.busy(err, os.Getpid())
	o.Deadline = within
	tried := make(chan struct{})
	open, n := o.Open, 0
	o.Open = func(ctx context.Context) (memory.Service, error) {
		if n++; n == 2 {
			close(tried)
		}
		return open(ctx)
	}
	go func() { <-tried; _ = held.Close() }()
	one, err := daemon.OneShot(w.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	w.add(one, "at its turn")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLongSocketPath refuses directories that sockets do not fit in, in words; a one-shot
// command works all the same.
func TestLongSocketPath(t *testing.T) {
	w := newWorld(t)
	long := filepath.Join(w.run, strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", long)
	t.Setenv("TMPDIR", long)
	_, err := w.front(w.spawning()).Stats(w.ctx)
	var e *memory.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "too long") ||
		!strings.Contains(e.Hint, "XDG_RUNTIME_DIR") {
		t.Errorf("front: %v", err)
	}
	one, err := daemon.OneShot(w.ctx, w.options())
	if err != nil {
		t.Fatal(err)
	}
	w.add(one, "alone")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestForbiddenFork owns the store in the process itself where no other can be started, and serves
// it to others.
func TestForbiddenFork(t *testing.T) {
	for name, spawn := range map[string]func() error{
		"none":       nil,
		"refused":    func() error { return errors.New("fork: operation not permitted") },
		"no program": daemon.Detached(filepath.Join(t.TempDir(), "memlog"), "serve"),
		"fails":      daemon.Detached(executable(t), "serve", "/dev/null/no/store", testVersion),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := w.options()
			o.Spawn = spawn
			f := w.front(o)
			w.add(f, "here")
			if st := w.status(); st.PID != os.Getpid() {
				t.Errorf("owner is %+v, not this process", st)
			}
			c := w.child("front", w.dir, testVersion)
			c.expect("up")
			fmt.Fprintln(c.in, "there")
			c.expect("ack")
			c.end()
		})
	}
}

func executable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// TestOneSpawns has many fronts look for an owner at once: one process is started.
func TestOneSpawns(t *testing.T) {
	w := newWorld(t)
	o := w.spawning()
	start := o.Spawn
	var spawned atomic.Int32
	o.Spawn = func() error { spawned.Add(1); return start() }
	var all sync.WaitGroup
	for i := range 10 {
		f := w.front(o)
		all.Go(func() {
			if _, err := f.Store(w.ctx, note(fmt.Sprint("memory ", i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := spawned.Load(); n != 1 {
		t.Errorf("%d processes were started", n)
	}
}

// TestSpawnIsNotWaitedFor ends a call in time that starts an owner which takes its own.
func TestSpawnIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	o := w.spawning()
	spawn, goOn := o.Spawn, make(chan struct{})
	o.Spawn = func() error { <-goOn; return spawn() }
	f := w.front(o)
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := f.Store(ctx, note("hook")); memory.CodeOf(err) != memory.CodeBusy {
		t.Errorf("want busy, got %v", err)
	}
	close(goOn)
	w.add(f, "later")
}

// TestWarm finds an owner behind the caller's back: where there is a store, and only there. The
// owner is told who calls. A front that is closed meanwhile waits for nobody.
func TestWarm(t *testing.T) {
	w := newWorld(t)
	o := w.spawning()
	f := w.front(o)
	named := rpc.ClientOptions{Name: "an agent", Version: "7 ü", Session: "s & t", Project: "/p q"}
	daemon.Warm(f, named) // there is no store
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.dir); err == nil || w.status().Running {
		t.Error("a store or an owner came without a call")
	}
	w.add(w.front(o), "a store")
	w.stop()
	f = w.front(o)
	daemon.Warm(f, named)
	w.until("an owner serves", func() bool { return len(w.status().Clients) == 1 })
	got := w.status().Clients[0]
	want := memory.ClientInfo{Name: named.Name, Version: named.Version, Session: named.Session,
		Project: named.Project, PID: os.Getpid(), Since: got.Since}
	if got != want {
		t.Errorf("the client is %+v, want %+v", got, want)
	}
	w.stop()
	hangs, started := make(chan struct{}), make(chan struct{})
	defer close(hangs)
	o.Spawn = func() error { close(started); <-hangs; return nil }
	f = w.front(o)
	daemon.Warm(f, named)
	<-started
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	daemon.Warm(f, named) // closed: nothing
}

// TestStopLate stops an owner that nobody could find yet.
func TestStopLate(t *testing.T) {
	w := newWorld(t)
	o := w.spawning()
	started := make(chan error, 1)
	begin := time.AfterFunc(daemon.SpawnWait/4, func() { started <- o.Spawn() })
	defer begin.Stop()
	if err := daemon.StopLate(w.ctx, w.options()); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if st := w.status(); st.Running {
		t.Errorf("an owner is left: %+v", st)
	}
}

// TestSilentSpawn starts something that never serves: the store is owned here.
func TestSilentSpawn(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no sleep")
	}
	w := newWorld(t)
	o := w.options()
	o.Spawn = daemon.Detached(sleep, "10")
	w.add(w.front(o), "here")
}

// TestNewerVersion lets a newer version take over from an older owner, once, and never an older.
func TestNewerVersion(t *testing.T) {
	w := newWorld(t)
	old := w.serving("1.2.3", "handover=1ns")
	oldFront := w.front(spawning(w.dir, "old", "1.2.3", "handover=1ns"))
	w.add(oldFront, "old")
	w.add(w.front(spawning(w.dir, "older", "1.2.0", "handover=1ns")), "older")
	w.add(w.front(spawning(w.dir, "odd", "devel", "handover=1ns")), "odd")
	if st := w.status(); st.PID != old.cmd.Process.Pid {
		t.Fatalf("%+v evicted the owner", st)
	}
	w.add(w.front(spawning(w.dir, "new", "1.10.0", "handover=1h")), "new")
	st := w.status()
	if st.Version != "1.10.0" || st.PID == old.cmd.Process.Pid {
		t.Fatalf("owner is %+v, want the newer version", st)
	}
	old.end()
	w.add(oldFront, "old again, through the newer")
	w.add(w.front(spawning(w.dir, "newest", "2.0.0")), "newest, too early")
	if again := w.status(); again.PID != st.PID {
		t.Errorf("owner %+v came less than an hour after %+v", again, st)
	}
}

// TestUnopenable returns what Open says, of a store that cannot be opened, from every way to it.
func TestUnopenable(t *testing.T) {
	w := newWorld(t)
	w.dir = "/dev/null/store"
	for name, open := range map[string]func() error{
		"front": func() error { _, err := w.front(w.spawning()).Stats(w.ctx); return err },
		"one":   func() error { _, err := daemon.OneShot(w.ctx, w.options()); return err },
		"own":   func() error { return daemon.Own(w.ctx, w.options()) },
	} {
		err := open()
		if err == nil || memory.CodeOf(err) == memory.CodeBusy || !strings.Contains(err.Error(), w.dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestImportSource imports from a source that cannot seek, from a connection that breaks: the owner
// is killed when a part has been read.
func TestImportSource(t *testing.T) {
	w := newWorld(t)
	c := w.serving(testVersion)
	f := w.front(w.spawning())
	const lines = 400
	r, in := io.Pipe()
	go func() {
		for i := range lines {
			if i == lines/2 {
				_ = c.cmd.Process.Kill()
				_ = c.cmd.Wait()
			}
			fmt.Fprintf(in, "{\"content\":\"line %d\"}\n", i)
		}
		_ = in.Close()
	}()
	res, err := f.Import(w.ctx, r, memory.ImportRequest{Name: "pipe"})
	if err != nil || res.Imported+res.Present != lines || len(res.Rejected) > 0 {
		t.Fatalf("import: %+v (%v)", res, err)
	}
	list, err := f.List(w.ctx, memory.ListRequest{Limit: 1})
	if err != nil || list.Total != lines {
		t.Errorf("%d memories, want %d (%v)", list.Total, lines, err)
	}
	if _, err := f.Undo(w.ctx, memory.UndoRequest{}); err != nil {
		t.Fatal(err)
	}
	if list, err = f.List(w.ctx, memory.ListRequest{Limit: 1}); err != nil || list.Total != 0 {
		t.Errorf("%d memories after the undo of the import (%v)", list.Total, err)
	}
}

// TestFollow follows the log across the ends of owners: every record once, in order.
func TestFollow(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"killed":  func(w *world) { kill(w.T, w.status().PID) },
		"stopped": (*world).stop,
	} {
		for where, options := range map[string]func(*world) daemon.Options{
			"process": func(w *world) daemon.Options { return w.spawning() },
			"here":    (*world).options,
		} {
			if name == "killed" && where == "here" {
				continue // that would be the test's own end
			}
			t.Run(name+" "+where, func(t *testing.T) {
				w := newWorld(t)
				w.follow(options(w), func() { end(w) })
			})
		}
	}
}

func (w *world) follow(o daemon.Options, end func()) {
	f := w.front(o)
	w.add(f, "first")
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	got := make(chan memory.Seq, 100)
	go func() {
		defer close(got)
		for rec, err := range f.Log(ctx, memory.LogRequest{Follow: true}) {
			if err != nil {
				w.Error(err)
				return
			}
			got <- rec.Seq
		}
	}()
	var want memory.Seq
	for range 3 {
		for head := w.add(f, "next "+time.Now().String()); want < head; {
			want++
			if seq, ok := <-got; seq != want || !ok {
				w.Fatalf("followed to record %d, want %d", seq, want)
			}
		}
		end()
	}
	cancel()
	for range got {
	}
	w.add(f, "last") // an owner that the log began to start serves by then, and can be stopped
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// TestClients lists who is connected, by name.
func TestClients(t *testing.T) {
	w := newWorld(t)
	w.serving(testVersion)
	o := w.options()
	o.Client = rpc.ClientOptions{Name: "claude-code", Version: "9", Session: "s1"}
	w.add(w.front(o), "one")
	st := w.status()
	if len(st.Clients) != 1 || st.Clients[0].Name != "claude-code" || st.Clients[0].Session != "s1" ||
		st.Clients[0].PID != os.Getpid() {
		t.Errorf("clients: %+v", st.Clients)
	}
}
