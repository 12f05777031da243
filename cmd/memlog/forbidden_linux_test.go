package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stranger is a user who owns nothing here.
const stranger = 65534

// runAs runs memlog as a user of its own.
func runAs(t *testing.T, exe, home string, user uint32, args ...string) (string, string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := &exec.Cmd{Path: exe, Args: append([]string{"memlog"}, args...), Dir: home,
		Env:    []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home},
		Stdout: &out, Stderr: &errs,
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}}
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// forbiddenStore makes a store that all may read, and a binary that all may run.
func forbiddenStore(t *testing.T) (exe, dir, home string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("it takes root to be another user, and to mount")
	}
	top, err := os.MkdirTemp("", "memlog-forbidden-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(top); err != nil {
			t.Error(err)
		}
	})
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	exe, dir, home = filepath.Join(top, "memlog"), filepath.Join(top, "s"), filepath.Join(top, "h")
	if err := errors.Join(os.WriteFile(exe, self, 0o700), os.Mkdir(home, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := runAs(t, exe, home, 0, "--store", dir, "add", "a blue boat"); code != 0 {
		t.Fatalf("add: %s", errs)
	}
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == exe {
			return errors.Join(err, os.Chmod(path, 0o755))
		}
		return os.Chmod(path, 0o644)
	})
	if err := errors.Join(err, os.Chown(home, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	return exe, dir, home
}

// wantReadable holds what commands do on a store that cannot be written.
func wantReadable(t *testing.T, run func(args ...string) (string, string, int)) {
	t.Helper()
	for _, c := range []string{"list", "search boat", "export", "log --json", "stats", "tags",
		"replay --until now", "replay --list", "verify --deep"} {
		out, errs, code := run(strings.Fields(c)...)
		if code != 0 || out == "" {
			t.Errorf("%s: exit %d, %s", c, code, errs)
		}
		if !strings.HasPrefix(c, "verify") && !strings.Contains(errs, "cannot be written") {
			t.Errorf("%s does not say that the store is read-only: %s", c, errs)
		}
	}
	if out, _, _ := run("list"); !strings.Contains(out, "a blue boat") {
		t.Errorf("list: %s", out)
	}
	for _, c := range []string{"add more", "undo", "rebuild", "snapshot create"} {
		_, errs, code := run(strings.Fields(c)...)
		if code != exitFailed || !strings.Contains(errs, "check who owns") {
			t.Errorf("%s: exit %d, want %d: %s", c, code, exitFailed, errs)
		}
	}
}

// listing returns the files below dir with their sizes and times.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			out[path] = fmt.Sprint(info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStoreOfAnother: a store that belongs to somebody else is read, and writes say why not.
func TestStoreOfAnother(t *testing.T) {
	t.Parallel()
	exe, dir, home := forbiddenStore(t)
	before := listing(t, dir)
	wantReadable(t, func(args ...string) (string, string, int) {
		return runAs(t, exe, home, stranger, append([]string{"--store", dir}, args...)...)
	})
	if d := cmp.Diff(listing(t, dir), before); d != "" {
		t.Errorf("something in it has changed (-now +before): %s", d)
	}
	if err := os.Chmod(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, errs, code := runAs(t, exe, home, stranger, "--store", dir, "list")
	if code != exitFailed || !strings.Contains(errs, "permission denied") {
		t.Errorf("list of a log that may not be read: exit %d, %s", code, errs)
	}
}

// TestReadOnlyMount: a store on a disk that is mounted for reading only is read.
func TestReadOnlyMount(t *testing.T) {
	t.Parallel()
	exe, dir, home := forbiddenStore(t)
	at := t.TempDir()
	if err := syscall.Mount(dir, at, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(at, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	if err := syscall.Mount("", at, "",
		syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("it cannot be mounted for reading only: %v", err)
	}
	wantReadable(t, func(args ...string) (string, string, int) {
		return runAs(t, exe, home, 0, append([]string{"--store", at}, args...)...)
	})
}
