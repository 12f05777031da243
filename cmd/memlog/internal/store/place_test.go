package store

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// lay makes files, and directories where a name ends in a slash.
func lay(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		path := filepath.Join(dir, n)
		if strings.HasSuffix(n, "/") {
			path = filepath.Join(path, "x")
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(n, "/") {
			continue
		}
		if err := os.WriteFile(path, []byte("ref: refs/heads/main\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// oddName is a name that would mean something else in a pattern.
func oddName() string {
	if runtime.GOOS == "windows" { // has no such names
		return "a[b]"
	}
	return "a[b]*"
}

// TestPlaceOfSomethingElse makes no store among the files of others, and leaves them as they are.
func TestPlaceOfSomethingElse(t *testing.T) {
	for _, names := range [][]string{{"notes.txt"}, {"src/"}, {"HEAD", "config", "objects/"},
		{"log/app.log"}, {"index/words.db", ".DS_Store"}, {"archive/2019.tar"}, {".hidden"}} {
		dir := filepath.Join(t.TempDir(), oddName())
		lay(t, dir, names...)
		before, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), dir, Options{})
		if err == nil {
			s.Close()
		}
		if memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v: %v", names, err)
		}
		after, err := os.ReadDir(dir)
		if err != nil || len(after) != len(before) {
			t.Errorf("%v: %v is there now (%v)", names, after, err)
		}
	}
}

// TestPlaceForStore makes a store where there is nothing, or nothing but litter, and opens one
// beside which something was put later.
func TestPlaceForStore(t *testing.T) {
	for _, names := range [][]string{{}, {"./"}, {"lost+found/", ".DS_Store"}, {"FORMAT.tmp"},
		{"log/", "owner.lock", "serve.log"}} {
		dir := filepath.Join(t.TempDir(), oddName())
		lay(t, dir, names...)
		for range 2 {
			s, err := Open(t.Context(), dir, Options{})
			if err != nil {
				t.Fatalf("%v: %v", names, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			lay(t, dir, "notes.txt")
		}
	}
}

// TestPlaceBehindBrokenLink says where a link leads to that is not there.
func TestPlaceBehindBrokenLink(t *testing.T) {
	dir := t.TempDir()
	to, link := filepath.Join(dir, "to"), filepath.Join(dir, "link")
	if err := os.Symlink(to, link); err != nil {
		t.Skip(err)
	}
	for _, exist := range []bool{false, true} {
		_, err := Open(t.Context(), link, Options{MustExist: exist})
		if memory.CodeOf(err) != memory.CodeInvalid || !strings.Contains(err.Error(), to) {
			t.Errorf("must exist %v: %v", exist, err)
		}
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, link)
}
