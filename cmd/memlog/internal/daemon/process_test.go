package daemon_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
	"memlog/cmd/memlog/internal/store"
)

// within bounds whatever a test waits for, so that what hangs is an error with a name.
const within = 60 * time.Second

// TestMain runs the tests, or, in a process that a test started, a part of one: the first argument
// names it.
func TestMain(m *testing.M) {
	parts := map[string]func(args []string) error{
		"serve": serveChild, "front": frontChild, "kill": killChild, "slow": slowChild,
	}
	part := func([]string) error { os.Exit(m.Run()); return nil }
	if len(os.Args) > 1 && parts[os.Args[1]] != nil {
		part = parts[os.Args[1]]
	}
	if err := part(os.Args[min(2, len(os.Args)):]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// world is a fresh store and a runtime directory for its processes.
type world struct {
	*testing.T
	dir string // of the store, which does not exist yet
	run string // XDG_RUNTIME_DIR
	ctx context.Context
}

func newWorld(t *testing.T) *world {
	t.Helper()
	run, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", run)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	w := &world{T: t, dir: filepath.Join(t.TempDir(), "store"), run: run, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		w.stop()
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	return w
}

// stop ends the owner that a test left behind.
func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := daemon.Stop(ctx, daemon.Options{Store: w.dir}); err != nil {
		w.Errorf("stop the owner: %v", err)
	}
}

// testVersion is the version of processes that are given none.
const testVersion = "1.0.0"

// options are those of a process of the tests.
func options(dir, holder, version string) daemon.Options {
	return daemon.Options{
		Store: dir, Version: version, Client: rpc.ClientOptions{Name: holder, Version: version},
		Open: func(ctx context.Context) (memory.Service, error) {
			return store.Open(ctx, dir, store.Options{LockWait: -1, Holder: holder, Version: version})
		},
	}
}

// spawning returns options that start owners as processes.
func spawning(dir, holder, version string, flags ...string) daemon.Options {
	o := options(dir, holder, version)
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	o.Spawn = daemon.Detached(self, append([]string{"serve", dir, version}, flags...)...)
	return o
}

func (w *world) options() daemon.Options { return options(w.dir, "test", testVersion) }
func (w *world) spawning(flags ...string) daemon.Options {
	return spawning(w.dir, "test", testVersion, flags...)
}

// serveChild is an owner: DIR VERSION [idle=D] [handover=D] [drain=D].
func serveChild(args []string) error {
	o := options(args[0], "serve", args[1])
	o.Idle = 20 * time.Second // a test that fails leaves none behind for long
	for _, a := range args[2:] {
		name, value, _ := strings.Cut(a, "=")
		d, err := time.ParseDuration(value)
		if err != nil {
			return err
		}
		switch name {
		case "idle":
			o.Idle = d
		case "handover":
			o.HandoverEvery = d
		case "drain":
			o.Drain = d
		}
	}
	return daemon.Own(context.Background(), o)
}

// frontChild stores one memory for each line that it reads, and answers with its record, or the
// error: DIR VERSION.
func frontChild(args []string) error {
	f := daemon.Front(spawning(args[0], "front", args[1]))
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("up")
	for in.Scan() {
		res, err := f.Store(context.Background(), note(in.Text()))
		if err != nil {
			fmt.Println("error", err)
			continue
		}
		fmt.Println("ack", res.Seq)
	}
	return f.Close()
}

// child is a process that a test started from its own binary.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	errs  strings.Builder
}

// child starts a part. It is killed when the test ends, if it still runs then.
func (w *world) child(args ...string) *child {
	w.Helper()
	self, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	c := &child{t: w.T, cmd: exec.Command(self, args...)}
	c.cmd.Stderr = &c.errs
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		w.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
		}
	})
	return c
}

// expect reads one line, which has to begin with a word.
func (c *child) expect(word string) string {
	c.t.Helper()
	if !c.lines.Scan() || !strings.HasPrefix(c.lines.Text(), word) {
		c.t.Fatalf("child said %q, want %s; stderr: %s", c.lines.Text(), word, c.errs.String())
	}
	return strings.TrimSpace(strings.TrimPrefix(c.lines.Text(), word))
}

// end waits for the child's end, which has to be in order.
func (c *child) end() {
	c.t.Helper()
	_ = c.in.Close()
	for c.lines.Scan() {
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("child: %v; stderr: %s", err, c.errs.String())
	}
}

func note(content string) memory.StoreRequest {
	return memory.StoreRequest{Memories: []memory.NewMemory{{Content: content}}}
}

// add stores one memory.
func (w *world) add(s memory.Service, content string) memory.Seq {
	w.Helper()
	res, err := s.Store(w.ctx, note(content))
	if err != nil {
		w.Fatalf("store %q: %v", content, err)
	}
	return res.Seq
}

// front is a Front that is closed when the test ends.
func (w *world) front(o daemon.Options) memory.Service {
	w.Helper()
	f := daemon.Front(o)
	w.Cleanup(func() {
		if err := f.Close(); err != nil {
			w.Error(err)
		}
	})
	return f
}

// status asks the owner, which may not be there.
func (w *world) status() daemon.StatusInfo {
	w.Helper()
	st, err := daemon.Status(w.ctx, daemon.Options{Store: w.dir})
	if err != nil {
		w.Fatal(err)
	}
	return st
}

// until waits for a condition of other processes.
func (w *world) until(what string, is func() bool) {
	w.Helper()
	for !is() {
		select {
		case <-w.ctx.Done():
			w.Fatalf("waited in vain: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// serving starts an owner process and waits until it serves.
func (w *world) serving(version string, flags ...string) *child {
	w.Helper()
	c := w.child(append([]string{"serve", w.dir, version}, flags...)...)
	w.until("the owner serves", func() bool {
		st, err := daemon.Status(w.ctx, daemon.Options{Store: w.dir})
		return err == nil && st.PID == c.cmd.Process.Pid
	})
	return c
}

// unlocked fails the test where the store is still locked, and reads the log.
func (w *world) unlocked() []memory.LogRecord {
	w.Helper()
	s, err := store.Open(w.ctx, w.dir, store.Options{LockWait: -1})
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	return w.records(s)
}

func (w *world) records(s memory.Service) []memory.LogRecord {
	w.Helper()
	var out []memory.LogRecord
	for rec, err := range s.Log(w.ctx, memory.LogRequest{}) {
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

// socket returns the path of the store's socket.
func (w *world) socket() string {
	w.Helper()
	path, err := rpc.SocketPath(w.dir)
	if err != nil {
		w.Fatal(err)
	}
	return path
}

// busy fails the test where an error is not a clear refusal that names a process.
func (w *world) busy(err error, pid int) {
	w.Helper()
	var e *memory.Error
	if !errors.As(err, &e) || e.Code != memory.CodeBusy || e.Hint == "" ||
		!strings.Contains(err.Error(), strconv.Itoa(pid)) {
		w.Fatalf("want busy with a hint, naming process %d; got %v (%q)", pid, err, memory.CodeOf(err))
	}
}
