package index

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func madeSnapshot(t *testing.T, records uint64) (fs *vfs.MemFS, want string) {
	t.Helper()
	fs = vfs.NewMem()
	d := open(t, fs)
	fill(t, d, records/2, 5)
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	fill(t, d, records, 5)
	m, err := d.Snapshot("snap")
	if err != nil {
		t.Fatal(err)
	}
	if m.Checkpoint != madeCheckpoint(records) || len(m.Files) == 0 {
		t.Fatalf("manifest %+v", m)
	}
	want = digest(t, d)
	fill(t, d, records+10, 5) // goes on, and leaves the snapshot alone
	done(t, d)
	return fs, want
}

// A snapshot and the tail of the log are the index.
func TestSnapshotInstalls(t *testing.T) {
	fs, want := madeSnapshot(t, 40)
	if m, err := verifySnapshot(fs, "snap"); err != nil || m.Checkpoint.Seq != 40 {
		t.Fatal(m, err)
	}
	s, err := OpenSnapshot("snap", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(t, s); got != want {
		t.Fatalf("opened snapshot: digest %s, want %s", got, want)
	}
	done(t, s)
	if _, err := installSnapshot(fs, "snap", "other/index"); err != nil {
		t.Fatal(err)
	}
	d, err := Open("other/index", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, d)
	if got := digest(t, d); got != want || d.Checkpoint() != madeCheckpoint(40) {
		t.Fatalf("installed snapshot: digest %s, want %s", got, want)
	}
	truth := prefixes(t, 60)
	fill(t, d, 60, 4)
	if got := digest(t, d); got != truth[60] {
		t.Fatalf("snapshot and tail: digest %s, want %s", got, truth[60])
	}
	if _, err := verifySnapshot(fs, "snap"); err != nil {
		t.Fatalf("after having been opened and installed: %v", err)
	}
}

// Every flipped byte of every file of a snapshot is found, and it is not installed.
func TestDamagedSnapshotIsFound(t *testing.T) {
	fs, _ := madeSnapshot(t, 12)
	var paths []string
	for _, dir := range []string{"snap", "snap/data"} {
		names, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if info, err := fs.Stat(dir + "/" + n); err == nil && !info.IsDir() && n != LockFile {
				paths = append(paths, dir+"/"+n)
			}
		}
	}
	for _, path := range paths {
		whole, err := readFile(fs, path)
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(whole)/150)
		for i := 0; i < len(whole); i += step {
			bad := append([]byte(nil), whole...)
			bad[i] ^= 1
			put(t, fs, path, bad)
			if _, err := verifySnapshot(fs, "snap"); !errors.Is(err, ErrSnapshot) {
				t.Fatalf("%s, byte %d of %d flipped: %v", path, i, len(whole), err)
			}
		}
		if len(whole) > 0 {
			if _, err := installSnapshot(fs, "snap", "index"); !errors.Is(err, ErrSnapshot) {
				t.Fatalf("%s flipped, and installed: %v", path, err)
			}
		}
		if err := fs.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := verifySnapshot(fs, "snap"); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("%s missing: %v", path, err)
		}
		put(t, fs, path, whole)
	}
	put(t, fs, "snap/data/000099.sst", []byte("x"))
	if _, err := verifySnapshot(fs, "snap"); !errors.Is(err, ErrSnapshot) {
		t.Fatalf("strange file: %v", err)
	}
	if got := list(t, fs, "index"); got != "CURRENT g000001" {
		t.Fatalf("refused snapshots left %s", got)
	}
}

func put(t *testing.T, fs vfs.FS, path string, b []byte) {
	t.Helper()
	f, err := fs.Create(path, syncCategory)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	done(t, f)
}
