package rpc

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

func TestSocketPath(t *testing.T) {
	run := shortDir(t)
	t.Setenv("XDG_RUNTIME_DIR", run)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	path := func(store string) string {
		p, err := SocketPath(store)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := path(filepath.Join(dir, "store"))
	name := filepath.Base(want)
	if filepath.Dir(want) != filepath.Join(run, "memlog") ||
		len(name) != len("0123456789abcdef.sock") {
		t.Errorf("socket %s", want)
	}
	t.Chdir(dir)
	for _, same := range []string{"store", "./store/", filepath.Join(dir, "link", "store"),
		filepath.Join(dir, "link", "link", "store", ".")} {
		if got := path(same); got != want {
			t.Errorf("store %s: socket %s, want %s", same, got, want)
		}
	}
	for _, other := range []string{"store/x", ".", "link/new"} {
		if path(other) == want {
			t.Errorf("store %s has the socket of another", other)
		}
	}
	if got, want := path("link/new/er"), path("new/er"); got != want {
		t.Errorf("a store to be made: socket %s, want %s", got, want)
	}
}

func TestSocketDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and owners are not those of Unix")
	}
	for name, spoil := range map[string]func(dir string) error{
		"open to others": func(dir string) error { return os.Chmod(dir, 0o755) },
		"a symbolic link": func(dir string) error {
			if err := os.Rename(dir, dir+".real"); err != nil {
				return err
			}
			return os.Symlink(dir+".real", dir)
		},
		"a file": func(dir string) error {
			if err := os.Remove(dir); err != nil {
				return err
			}
			return os.WriteFile(dir, nil, 0o700)
		},
	} {
		for _, temp := range []bool{false, true} {
			base := shortDir(t)
			t.Setenv("XDG_RUNTIME_DIR", base)
			if temp {
				t.Setenv("XDG_RUNTIME_DIR", "")
				t.Setenv("TMPDIR", base)
			}
			path, err := SocketPath(".")
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(filepath.Dir(path))
			if err != nil || info.Mode().Perm() != 0o700 || !strings.HasPrefix(path, base) {
				t.Errorf("%s: %v, %v", path, info, err)
			}
			if err := spoil(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			if path, err := SocketPath("."); err == nil {
				t.Errorf("%s: took %s", name, path)
			}
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(shortDir(t), strings.Repeat("x", 100)))
	if err := os.Mkdir(os.Getenv("XDG_RUNTIME_DIR"), 0o700); err != nil {
		t.Fatal(err)
	}
	short := shortDir(t)
	t.Setenv("TMPDIR", short)
	if path, err := SocketPath("."); err != nil || !strings.HasPrefix(path, short) {
		t.Errorf("beside a runtime directory that is too long: %s, %v", path, err)
	}
	gone := filepath.Join(short, "gone")
	t.Setenv("XDG_RUNTIME_DIR", gone)
	if path, err := SocketPath("."); err != nil || strings.HasPrefix(path, gone) {
		t.Errorf("beside a runtime directory that is not there: %s, %v", path, err)
	}
	long := filepath.Join(short, strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	_, err := SocketPath(".")
	if memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a long path: %v", err)
	}
}

// TestSocketLength binds the longest path that is allowed, by its temporary name too.
func TestSocketLength(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, strings.Repeat("x", maxPath()-len(tempSuffix)-len(dir)-1))
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, &fake{}, ServerOptions{}, l)
	dial(t, path)
	if _, err := Listen(path + "x"); memory.CodeOf(err) != memory.CodeInvalid {
		t.Errorf("a byte more: %v", err)
	}
}

func TestListen(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s.sock")
	if err := os.WriteFile(path, []byte("stale"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second takes the first one's place
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		serveOn(t, &fake{}, ServerOptions{}, l)
		if _, err := dial(t, path).Hello(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS != "windows" {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != os.ModeSocket|0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := Listen(filepath.Join(dir, "none", "s.sock")); err == nil {
		t.Error("listened in no directory")
	}
}
