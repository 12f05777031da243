package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestImportKilled kills an import with SIGKILL again and again, and gives it again each time: in
// the end everything is there once, and it is one step to undo.
func TestImportKilled(t *testing.T) {
	d := newDesk(t, "")
	const lines = 20_000
	var text strings.Builder
	for n := range lines {
		fmt.Fprintf(&text, `{"content":"memory %d","tags":["t"],"created_at":%d}`+"\n", n, n)
	}
	file := filepath.Join(t.TempDir(), "lines.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(args ...string) *exec.Cmd {
		cmd := exec.Command(d.exe, append([]string{"--store", d.dir}, args...)...)
		cmd.Stderr = os.Stderr
		return cmd
	}
	total := func() int {
		t.Helper()
		out, err := start("list", "--limit", "1", "--json").Output()
		var l struct {
			Total int `json:"total"`
		}
		if err == nil {
			err = json.Unmarshal(out, &l)
		}
		if err != nil {
			t.Fatal(err)
		}
		return l.Total
	}
	for at := 1; at <= 3; at++ {
		cmd := start("import", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for logBytes(t, d.dir) < int64(at)*500_000 && d.ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if n := total(); n == 0 || n == lines {
			t.Fatalf("killed, and %d of %d memories are there", n, lines)
		}
	}
	if err := start("import", file).Run(); err != nil {
		t.Fatal(err)
	}
	if n := total(); n != lines {
		t.Fatalf("%d memories in the end, want %d", n, lines)
	}
	if err := start("undo").Run(); err != nil {
		t.Fatal(err)
	}
	if n := total(); n != 0 {
		t.Errorf("%d memories are left after one undo", n)
	}
}

// logBytes is the size of the log of a store, 0 where there is none yet.
func logBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "log", "0*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range segments {
		if info, err := os.Stat(s); err == nil {
			n += info.Size()
		}
	}
	return n
}
