package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/mcpserver"
)

// windowsWithin bounds what the tests of windows wait for.
const windowsWithin = 2 * time.Minute

// desk is a fresh store with the real windows on it: processes of a binary, over MCP.
type desk struct {
	*testing.T
	ctx context.Context
	exe string
	dir string // of the store, which is not there yet
}

// newDesk makes a desk of the binary at exe; empty: this test's own, which is memlog by that name.
func newDesk(t *testing.T, exe string) *desk {
	t.Helper()
	run, err := os.MkdirTemp("", "w")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", run)
	ctx, cancel := context.WithTimeout(context.Background(), windowsWithin)
	d := &desk{T: t, ctx: ctx, exe: exe, dir: filepath.Join(t.TempDir(), "store")}
	if exe == "" {
		d.exe = filepath.Join(t.TempDir(), "memlog")
		self, err := os.Executable()
		if err == nil {
			err = copyFile(self, d.exe)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		defer cancel()
		if err := daemon.Stop(ctx, daemon.Options{Store: d.dir}); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	return d
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// open opens a window of the binary at exe, which is closed when the test ends.
func (d *desk) open(exe string) *mcpserver.Client {
	d.Helper()
	c, err := mcpserver.Dial(d.ctx, exec.Command(exe, "mcp", "--store", d.dir), "window")
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if err := c.Close(); err != nil {
			d.Error(err)
		}
	})
	return c
}

// store stores a memory; the error is of a refusal too.
func (d *desk) store(c *mcpserver.Client, content string) error {
	res, err := c.Call(d.ctx, "memory_store", map[string]any{"content": content})
	if err == nil && res.IsError {
		err = fmt.Errorf("%s", res.Text)
	}
	return err
}

func (d *desk) status() daemon.StatusInfo {
	d.Helper()
	st, err := daemon.Status(d.ctx, daemon.Options{Store: d.dir})
	if err != nil {
		d.Fatal(err)
	}
	return st
}

// TestConcurrentCreates is the test published in modelcontextprotocol/servers #4797: two server
// processes on one store, each asked for twenty creates at the same time. All forty are there
// afterwards, each once; so are the twenty of one process.
func TestConcurrentCreates(t *testing.T) {
	const creates = 20
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			d := newDesk(t, "")
			var all sync.WaitGroup
			for p := range processes {
				c := d.open(d.exe)
				for i := range creates {
					all.Go(func() {
						if err := d.store(c, fmt.Sprintf("process %d, entity %d", p, i)); err != nil {
							t.Error(err)
						}
					})
				}
			}
			all.Wait()
			out, err := exec.Command(d.exe, "list", "--limit", "1000", "--json", "--store", d.dir).Output()
			if err != nil {
				t.Fatal(err)
			}
			var page struct{ Memories []struct{ Content string } }
			if err := json.Unmarshal(out, &page); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, m := range page.Memories {
				seen[m.Content] = true
			}
			if want := processes * creates; len(seen) != want || len(page.Memories) != want {
				t.Errorf("%d memories, %d of them different; want %d", len(page.Memories), len(seen), want)
			}
		})
	}
}

// TestWindowWarms shakes hands and calls nothing: the owner of a store that is there comes to serve
// behind it, and a store that is not there is not made. The window ends with its input.
func TestWindowWarms(t *testing.T) {
	d := newDesk(t, "")
	first := d.open(d.exe)
	if _, err := first.Tools(d.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.dir); err == nil {
		t.Error("the handshake made a store")
	}
	if err := d.store(first, "one"); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Stop(d.ctx, daemon.Options{Store: d.dir}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(d.exe, "mcp", "--store", d.dir)
	second, err := mcpserver.Dial(d.ctx, cmd, "window")
	if err != nil {
		t.Fatal(err)
	}
	for served := false; !served; time.Sleep(5 * time.Millisecond) {
		for _, c := range d.status().Clients {
			served = served || c.PID == cmd.Process.Pid
		}
		if d.ctx.Err() != nil {
			t.Fatal("no owner came to serve the window")
		}
	}
	if err := second.Close(); err != nil || !cmd.ProcessState.Success() {
		t.Errorf("the window ended with %v: %v", cmd.ProcessState, err)
	}
}

// TestTwoVersions has windows of two binaries of different versions on one store: a young owner
// stays whoever comes, both use it, and whichever starts the next one serves both again.
func TestTwoVersions(t *testing.T) {
	bin := t.TempDir()
	build := func(version string) string {
		exe := filepath.Join(bin, version, "memlog")
		out, err := exec.Command("go", "build", "-buildvcs=false", "-o", exe,
			"-ldflags", "-X main.release="+version, ".").CombinedOutput()
		if err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		out, err = exec.Command(exe, "version").Output()
		if err != nil || !strings.HasPrefix(string(out), "memlog "+version+"\n") {
			t.Fatalf("the binary says %q (%v), not version %s", out, err, version)
		}
		return exe
	}
	older, newer := build("1.2.0"), build("1.10.0")
	d := newDesk(t, older)
	windows := []*mcpserver.Client{d.open(older), d.open(newer)}
	last := 0
	for round := range 4 {
		first := round % 2 // who starts the owner
		for i := range windows {
			at := (first + i) % 2
			if err := d.store(windows[at], fmt.Sprintf("round %d, window %d", round, at)); err != nil {
				t.Fatal(err)
			}
		}
		st := d.status()
		if want := []string{"1.2.0", "1.10.0"}[first]; st.Version != want || st.PID == last {
			t.Errorf("round %d: owner is %+v, want a new one of version %s", round, st, want)
		}
		last = st.PID
		if err := daemon.Stop(d.ctx, daemon.Options{Store: d.dir}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(newer, "verify", "--deep", "--json", "--store", d.dir).Output()
	if err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
}
