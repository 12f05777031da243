//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupted sends the signals of an impatient user to commands that start processes in stores
// that they throw away, early and late: nothing is left of either.
func TestInterrupted(t *testing.T) {
	exe := newDesk(t, "").exe
	for _, c := range []struct {
		line   string
		signal syscall.Signal
		after  time.Duration // that the directory is there
	}{
		{"torture --clients 3", syscall.SIGTERM, 50 * time.Millisecond},
		{"torture --clients 3", syscall.SIGINT, 100 * time.Millisecond},
		{"torture --clients 3", syscall.SIGTERM, 2 * time.Second},
		{"bench windows --memories 500", syscall.SIGTERM, 100 * time.Millisecond},
		{"bench windows --memories 500", syscall.SIGINT, 2 * time.Second},
	} {
		t.Run(strings.Fields(c.line)[0]+" "+c.signal.String()+" "+c.after.String(), func(t *testing.T) {
			t.Parallel()
			interrupt(t, exe, c.line, c.signal, c.after)
		})
	}
}

func interrupt(t *testing.T, exe, line string, sig syscall.Signal, after time.Duration) {
	top, err := os.MkdirTemp("", "i")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(top)
	temp, run := filepath.Join(top, "t"), filepath.Join(top, "r")
	if err := errors.Join(os.Mkdir(temp, 0o700), os.Mkdir(run, 0o700)); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd := exec.Command(exe, strings.Fields(line)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp, "XDG_RUNTIME_DIR="+run)
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for len(entries(t, temp)) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(after)
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() <= exitDone {
		t.Errorf("it ended with %v, want an exit code of failure: %s", err, errs.String())
	}
	if left := entries(t, temp); len(left) != 0 {
		t.Errorf("left in the directory of temporary files: %v", left)
	}
	sockets, err := filepath.Glob(filepath.Join(run, "memlog", "*.sock"))
	if err != nil || len(sockets) != 0 {
		t.Errorf("left of an owner: %v, %v", sockets, err)
	}
	if left := processesIn(t, top); len(left) != 0 {
		t.Errorf("left running: %q", left)
	}
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// processesIn returns the command lines of the processes whose environment names dir; none where
// the platform does not tell in /proc.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range all {
		env, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(env, []byte(dir+"/")) {
			continue // it is another's, or has gone
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		if err == nil && len(line) > 0 {
			out = append(out, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return out
}
