package index

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func list(t testing.TB, fs vfs.FS, dir string) string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestPromoteReplacesTheGenerationInUse(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	fill(t, d, 20, 3)
	want := digest(t, d)
	next, err := NewGeneration("index", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, next, 20, 20)
	if got := digest(t, next); got != want {
		t.Fatalf("rebuilt digest %s, want %s", got, want)
	}
	if got := digest(t, d); got != want {
		t.Fatal("the old generation is not served while the new one is filled")
	}
	done(t, d)
	if err := next.Promote(false); err != nil {
		t.Fatal(err)
	}
	done(t, next)
	if got := list(t, fs, "index"); got != "CURRENT g000002" {
		t.Fatalf("left in the directory: %s", got)
	}
	d = open(t, fs)
	defer done(t, d)
	if got := digest(t, d); got != want || d.Checkpoint() != madeCheckpoint(20) {
		t.Fatalf("promoted: digest %s at %+v, want %s", got, d.Checkpoint(), want)
	}
}

func TestStaleGenerationsGoAndEvidenceStays(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	fill(t, d, 20, 3)
	done(t, d)
	half, err := NewGeneration("index", Options{FS: fs}) // a rebuild that was killed
	if err != nil {
		t.Fatal(err)
	}
	fill(t, half, 5, 3)
	done(t, half)
	done(t, open(t, fs))
	if got := list(t, fs, "index"); got != "CURRENT g000001" {
		t.Fatalf("after a killed rebuild: %s", got)
	}
	path, err := setAsideCurrent(fs, "index", "it is beyond the log")
	if err != nil {
		t.Fatal(err)
	}
	d = open(t, fs)
	if d.Checkpoint() != (Checkpoint{}) {
		t.Fatalf("begins at %+v", d.Checkpoint())
	}
	done(t, d)
	if got := list(t, fs, "index"); got != "CURRENT g000001.aside g000002" {
		t.Fatalf("evidence: %s", got)
	}
	aside, err := openGeneration("index", path, Options{FS: fs, ReadOnly: true}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, aside)
	if aside.Checkpoint().Seq != 20 {
		t.Fatalf("evidence is at %d", aside.Checkpoint().Seq)
	}
}

func TestDiscard(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	defer done(t, d)
	next, err := NewGeneration("index", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, next, 5, 3)
	if err := d.Discard(); err == nil {
		t.Fatal("discarded the generation in use")
	}
	if err := next.Discard(); err != nil {
		t.Fatal(err)
	}
	if got := list(t, fs, "index"); got != "CURRENT g000001" {
		t.Fatalf("left: %s", got)
	}
}

func TestPeek(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	if _, err := Peek(dir); !errors.Is(err, ErrNotFound) {
		t.Fatalf("no index: %v", err)
	}
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, d, 9, 4)
	done(t, d)
	note := filepath.Join(d.Path(), checkpointFile)
	for name, harm := range map[string]func() error{
		"whole":   func() error { return nil },
		"damaged": func() error { return os.WriteFile(note, []byte(`{"Seq":12}`+"\n00000000\n"), 0o600) },
		"missing": func() error { return os.Remove(note) },
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		if c, err := Peek(dir); err != nil || c != madeCheckpoint(9) {
			t.Fatalf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestAnotherSchemaIsOutdated(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	fill(t, d, 3, 3)
	if err := d.p.Set(metaSchema, []byte("keys 0"), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	done(t, d)
	if _, err := Open("index", Options{FS: fs}); !errors.Is(err, ErrOutdated) {
		t.Fatalf("error %v, want outdated", err)
	}
}

func TestOneHolder(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, d)
	if _, err := Open(dir, Options{ReadOnly: true}); !errors.Is(err, ErrInUse) {
		t.Fatalf("second open: %v, want in use", err)
	}
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.NewBatch(); err == nil {
		t.Fatal("two batches at a time")
	}
	done(t, b)
}

func TestReadOnlyChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	if _, err := Open(dir, Options{ReadOnly: true}); !errors.Is(err, ErrNotFound) {
		t.Fatalf("no index: %v", err)
	}
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, d, 9, 4)
	want := digest(t, d)
	done(t, d)
	before, err := hashFiles(vfs.Default, d.Path())
	if err != nil {
		t.Fatal(err)
	}
	ro, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(t, ro); got != want {
		t.Fatalf("digest %s, want %s", got, want)
	}
	done(t, ro)
	after, err := hashFiles(vfs.Default, d.Path())
	if err != nil || fmt.Sprint(before) != fmt.Sprint(after) {
		t.Fatalf("files before %v, after %v, %v", before, after, err)
	}
}

// stopsAt is a file system that fails from the first operation on that touches a name with a part.
type stopsAt struct {
	vfs.FS
	part    string
	stopped bool
}

var errStopped = errors.New("stopped")

func (s *stopsAt) hit(name string) bool {
	s.stopped = s.stopped || (s.part != "" && strings.Contains(name, s.part))
	return s.stopped
}

func (s *stopsAt) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if s.hit(name) {
		return nil, errStopped
	}
	return s.FS.Create(name, c)
}

func (s *stopsAt) Rename(from, to string) error {
	if s.hit(from) {
		return errStopped
	}
	return s.FS.Rename(from, to)
}

func (s *stopsAt) Remove(name string) error {
	if s.hit(name) {
		return errStopped
	}
	return s.FS.Remove(name)
}

// TestEvidenceOutlivesACrash stops setting aside, and promoting over evidence, at each step: the
// next Open never removes the generation that was to be kept.
func TestEvidenceOutlivesACrash(t *testing.T) {
	for _, part := range []string{"g000001", "WHY-ASIDE", "CURRENT"} {
		for _, promote := range []bool{false, true} {
			mem := MemFS()
			fs := &stopsAt{FS: mem}
			d := open(t, fs)
			fill(t, d, 20, 3)
			done(t, d)
			var err error
			if promote {
				next, nerr := NewGeneration("index", Options{FS: fs})
				if nerr != nil {
					t.Fatal(nerr)
				}
				fs.part = part
				err = next.Promote(true)
				next.close(false)
			} else {
				fs.part = part
				_, err = setAsideCurrent(fs, "index", "evidence")
			}
			if !errors.Is(err, errStopped) {
				t.Fatalf("%s, promote %v: %v, want to be stopped", part, promote, err)
			}
			if d, err := Open("index", Options{FS: mem}); err == nil {
				done(t, d)
			}
			kept := ""
			for _, name := range []string{"g000001", "g000001" + asideSuffix} {
				if names, err := mem.List(mem.PathJoin("index", name)); err == nil && len(names) > 3 {
					kept = name
				}
			}
			if kept == "" {
				t.Errorf("%s, promote %v: the evidence is gone; left: %s", part, promote,
					list(t, mem, "index"))
			}
		}
	}
}

// A batch that begins in one block of postings and ends in the next leaves what batches of one row
// do, in a generation that is filled as in one in use.
func TestBatchOverTwoBlocks(t *testing.T) {
	want := ""
	for _, size := range []int{1, 15, 40} {
		for _, fresh := range []bool{false, true} {
			d := open(t, MemFS())
			if fresh {
				done(t, d)
				var err error
				if d, err = NewGeneration("index", Options{FS: MemFS()}); err != nil {
					t.Fatal(err)
				}
			}
			d.state.nextRow = 1<<postingBlockShift - 20
			for n := 1; n <= 40; n += size {
				sameWords(t, d, n, min(n+size, 41))
			}
			got := digest(t, d)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("batches of %d, fresh %v: digest %s, not %s", size, fresh, got, want)
			}
			done(t, d)
		}
	}
}

// sameWords adds documents, a batch of them, all of one word.
func sameWords(t *testing.T, d *DB, from, to int) {
	t.Helper()
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for n := from; n < to; n++ {
		err := b.PutImage(NewImage{ID: numbered(n), Seq: uint64(n), Text: "same", Payload: []byte("same")})
		if err := errors.Join(err, b.SetCheckpoint(madeCheckpoint(uint64(n)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}
