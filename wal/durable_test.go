package wal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFailedWriteIsGoneAfterClose lets a sync fail and closes the log: the caller was told that
// its record is not in the log, and will send it again.
func TestFailedWriteIsGoneAfterClose(t *testing.T) {
	dir, fails := quickDir(t), false
	d := quickDisk()
	d.sync = func(*os.File) error {
		if fails {
			return errInjectedSync
		}
		return nil
	}
	l := mustOpen(t, dir, Options{disk: d})
	mustAppend(t, l, "a")
	fails = true
	if _, err := l.Append(context.Background(), entry("b")); !errors.Is(err, ErrFailedWrite) {
		t.Fatalf("append: got %v, want ErrFailedWrite", err)
	}
	fails = false
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := texts(t, mustOpen(t, dir, Options{disk: quickDisk()}), 0, 0)
	if d := cmp.Diff(got, []string{"1:mark", "2:a"}); d != "" {
		t.Errorf("after a failed write and Close (-got +want):\n%s", d)
	}
}

// TestNewDirectoriesAreDurable checks that the names of the directories that a new store and an
// archive make are synced, all the way up.
func TestNewDirectoriesAreDurable(t *testing.T) {
	root := quickDir(t)
	synced := map[string]bool{}
	d := quickDisk()
	d.syncDir = func(dir string) error {
		synced[dir] = true
		return nil
	}
	l := mustOpen(t, filepath.Join(root, "a", "store"), Options{disk: d})
	for _, dir := range []string{".", "a", "a/store"} {
		if !synced[filepath.Join(root, dir)] {
			t.Errorf("open: the names in %s are not synced", dir)
		}
	}
	mustAppend(t, l, "x")
	if err := l.Seal(); err != nil {
		t.Fatal(err)
	}
	clear(synced)
	o := ArchiveOptions{To: filepath.Join(root, "b", "c", "archive")}
	if _, err := Archive(context.Background(), l, o); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "b", "b/c", "b/c/archive"} {
		if !synced[filepath.Join(root, dir)] {
			t.Errorf("archive: the names in %s are not synced", dir)
		}
	}
}

// TestWrongSealedLineIsMadeAgain changes a line of sealed.jsonl: an opening puts it right.
func TestWrongSealedLineIsMadeAgain(t *testing.T) {
	dir := buildLog(t, 20, 700)
	name := filepath.Join(dir, logDir, sealedName)
	want, _, err := readLines[sealedLine](name)
	if err != nil || len(want) < 2 {
		t.Fatal(want, err)
	}
	bad := append([]sealedLine(nil), want...)
	bad[1].Bytes, bad[1].SHA256 = bad[1].Bytes+1, Hash{1}
	if err := writeLines(quickDisk(), name, bad); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir, Options{disk: quickDisk()}).Close()
	got, _, err := readLines[sealedLine](name)
	if d := cmp.Diff(got, want); d != "" || err != nil {
		t.Errorf("sealed.jsonl (-got +want):\n%s %v", d, err)
	}
}
