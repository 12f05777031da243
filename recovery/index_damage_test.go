package recovery

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"memlog/index"
	"memlog/wal"
)

// copyIndex puts the index of one store in the place of another's.
func copyIndex(t testing.TB, from, to string) {
	t.Helper()
	remove(t, filepath.Join(to, indexName))
	if err := copyTree(filepath.Join(from, indexName), filepath.Join(to, indexName)); err != nil {
		t.Fatal(err)
	}
}

// aside lists the generations that were set aside.
func aside(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, indexName, "*"+asideSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestIndexUnusable: whatever is in the place of the index, opening serves what the log says, and
// says what it did. What may hold something of its own is kept.
func TestIndexUnusable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		note   string
		aside  int
	}{
		{"deleted", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, indexName)) },
			"is empty", 0},
		{"emptied", func(t *testing.T, dir string) {
			g := currentGeneration(t, dir)
			remove(t, g)
			if err := os.Mkdir(g, dirPerm); err != nil {
				t.Fatal(err)
			}
		}, "made anew", 0},
		{"generation gone", func(t *testing.T, dir string) { remove(t, currentGeneration(t, dir)) },
			"cannot be opened", 0},
		{"pointer empty", func(t *testing.T, dir string) {
			truncate(t, filepath.Join(dir, indexName, "CURRENT"), 0)
		}, "cannot be opened", 0},
		{"pointer strange", func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, indexName, "CURRENT"), 3)
		}, "cannot be opened", 0},
		{"of another log", func(t *testing.T, dir string) { copyIndex(t, newStore(t, 99, 5), dir) },
			"another log", 1},
		{"of another, longer log", func(t *testing.T, dir string) {
			copyIndex(t, newStore(t, 99, 60), dir)
		}, "another log", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newStore(t, 11, 20)
			c.damage(t, dir)
			e := mustOpen(t, dir, testOptions())
			wantFold(t, e)
			if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes: got %q, want one with %q", notes, c.note)
			}
			if got := len(aside(t, dir)); got != c.aside {
				t.Errorf("generations set aside: got %d, want %d", got, c.aside)
			}
			grow(t, e, newHistory(12), 3)
			wantFold(t, e)
			mustClose(t, e)
			e = mustOpen(t, dir, testOptions())
			if notes := e.Notes(); len(notes) != 0 {
				t.Errorf("second opening has notes: %q", notes)
			}
			wantFold(t, e)
		})
	}
}

// TestIndexOfAnotherHistory: two copies of one store went on apart. The index of one is within the
// log of the other by number, and not by hash.
func TestIndexOfAnotherHistory(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 21, 10)
	other := clone(t, dir)
	for i, d := range []string{dir, other} {
		e := mustOpen(t, d, testOptions())
		grow(t, e, newHistory(uint64(22+i)), 10-i)
		mustClose(t, e)
	}
	copyIndex(t, other, dir)
	e := mustOpen(t, dir, testOptions())
	wantFold(t, e)
	if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, "not the log's") {
		t.Errorf("notes: got %q", notes)
	}
	if got := len(aside(t, dir)); got != 1 {
		t.Errorf("generations set aside: got %d, want 1", got)
	}
}

// TestIndexBehind: a prefix is brought up to date, without a note.
func TestIndexBehind(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 31, 10)
	old := clone(t, dir)
	e := mustOpen(t, dir, testOptions())
	grow(t, e, newHistory(32), 10)
	mustClose(t, e)
	copyIndex(t, old, dir)
	e = mustOpen(t, dir, testOptions())
	wantFold(t, e)
	if got, want := checkpoint(e), uint64(e.Log.Head().Seq); got != want {
		t.Errorf("checkpoint: got %d, want %d", got, want)
	}
	if notes := e.Notes(); len(notes) != 0 {
		t.Errorf("notes: %q", notes)
	}
}

// TestEveryFileOfTheIndex: flip, cut and delete every file of the index in many places. After
// opening, every answer is right, at once or after the index was found broken and made anew.
func TestEveryFileOfTheIndex(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 41, 40)
	e := mustOpen(t, dir, testOptions())
	want := folded(t, e.Log)
	mustClose(t, e)
	root := filepath.Join(dir, indexName)
	for path, body := range content(t, root) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		t.Run(filepath.Base(rel), func(t *testing.T) {
			for _, d := range damages(int64(len(body))) {
				damaged := clone(t, dir)
				d.do(t, filepath.Join(damaged, indexName, rel))
				wantRightAnswers(t, damaged, d.name, want)
				remove(t, damaged)
			}
		})
	}
}

type damage struct {
	name string
	do   func(t testing.TB, path string)
}

// damages are ways to hurt a file of that size.
func damages(size int64) []damage {
	all := []damage{{"delete", func(t testing.TB, path string) { remove(t, path) }}}
	step := max(1, size/8)
	for off := int64(0); off < size; off += step {
		all = append(all,
			damage{"flip", func(t testing.TB, path string) { flip(t, path, off) }},
			damage{"cut", func(t testing.TB, path string) { truncate(t, path, off) }})
	}
	return all
}

func wantRightAnswers(t *testing.T, dir, what string, want sums) {
	t.Helper()
	e, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Errorf("%s: open: %v", what, err)
		return
	}
	var got sums
	err = e.Read(t.Context(), func(db *index.DB) (err error) {
		got.all, got.state, err = digests(db)
		return err
	})
	if err != nil {
		t.Errorf("%s: read: %v", what, err)
	} else if got != want {
		t.Errorf("%s: wrong answer; notes %q", what, e.Notes())
	}
	if err := e.Close(); err != nil {
		t.Errorf("%s: close: %v", what, err)
	}
}

// TestIndexAhead: the index has seen records that the log lost. It is kept untouched, served, and
// nothing is written.
func TestIndexAhead(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 51, 20)
	e := mustOpen(t, dir, testOptions())
	want := live(t, e)
	mustClose(t, e)
	loseTail(t, dir)
	before := content(t, filepath.Join(dir, indexName))

	e = mustOpen(t, dir, testOptions())
	if why := e.Log.Health().ReadOnly; !strings.Contains(why, "memlog repair") {
		t.Errorf("the log takes writes: %q", why)
	}
	if got := live(t, e); got != want {
		t.Error("what the index holds is not served")
	}
	if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, "memlog repair") {
		t.Errorf("notes: got %q", notes)
	}
	if _, err := e.Rebuild(t.Context(), nil); err == nil {
		t.Error("rebuilt over the evidence")
	}
	if _, err := e.Snapshot(t.Context()); err == nil {
		t.Error("made a snapshot of an index that is ahead of the log")
	}
	_, err := e.Log.Append(t.Context(), func() (wal.Entry, error) {
		return wal.Entry{Events: [][]byte{{1}}}, nil
	})
	if err == nil {
		t.Error("appended behind lost records")
	}
	mustClose(t, e)
	if diff := cmp.Diff(before, content(t, filepath.Join(dir, indexName))); diff != "" {
		t.Errorf("the evidence changed: %s", diff)
	}
}

// TestIndexAheadBroken: evidence that turns out to be broken while it is read stays as it is, and
// reads are answered from what the log still has.
func TestIndexAheadBroken(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 54, 20)
	loseTail(t, dir)
	flip(t, newest(t, currentGeneration(t, dir), "*.sst"), 40)
	before := content(t, filepath.Join(dir, indexName))
	e := mustOpen(t, dir, testOptions())
	var got sums
	err := e.Read(t.Context(), func(db *index.DB) (err error) {
		got.all, got.state, err = digests(db)
		return err
	})
	if err != nil || got != folded(t, e.Log) {
		t.Errorf("read: %v; notes %q", err, e.Notes())
	}
	mustClose(t, e)
	if diff := cmp.Diff(before, content(t, filepath.Join(dir, indexName))); diff != "" {
		t.Errorf("the evidence changed: %s", diff)
	}
}

// TestIndexAheadUnannounced: the small note of the index's checkpoint lags, as it may, and HEAD is
// gone, so that the index must be opened before anybody can know that it is ahead.
func TestIndexAheadUnannounced(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 52, 5)
	path := filepath.Join(currentGeneration(t, dir), "CHECKPOINT")
	note, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := mustOpen(t, dir, testOptions())
	grow(t, e, newHistory(53), 20)
	mustClose(t, e)
	loseTail(t, dir)
	if err := os.WriteFile(path, note, filePerm); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, dir, testOptions())
	if why := e.Log.Health().ReadOnly; !strings.Contains(why, "memlog repair") {
		t.Errorf("the log takes writes: %q", why)
	}
	if got, head := checkpoint(e), uint64(e.Log.Head().Seq); got <= head {
		t.Errorf("checkpoint %d is not ahead of the head %d", got, head)
	}
}

// TestLogGone: an index without any log is what is left of a store. No new one is begun over it.
func TestLogGone(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 55, 10)
	for _, name := range []string{"log", "HEAD", "FORMAT"} {
		remove(t, filepath.Join(dir, name))
	}
	before := content(t, dir)
	for what, do := range map[string]func() (*Engine, error){
		"open": func() (*Engine, error) { return Open(t.Context(), dir, testOptions()) },
		"open read-only": func() (*Engine, error) {
			return Open(t.Context(), dir, Options{ReadOnly: true})
		},
		"verify": func() (*Engine, error) {
			_, err := Verify(t.Context(), dir, VerifyOptions{})
			return nil, err
		},
		"repair": func() (*Engine, error) {
			_, err := Repair(t.Context(), dir, testRepair(true, false))
			return nil, err
		},
	} {
		e, err := do()
		if e != nil {
			_ = e.Close()
		}
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "record 11") {
			t.Errorf("%s: got %v, want that the log is gone", what, err)
		}
	}
	if diff := cmp.Diff(before, content(t, dir)); diff != "" {
		t.Errorf("store changed: %s", diff)
	}
}

// loseTail takes acknowledged records from the end of the log, and HEAD, which knew of them.
func loseTail(t testing.TB, dir string) {
	t.Helper()
	segs := segments(t, dir)
	last := segs[len(segs)-1]
	if sizeOf(t, last) == 0 {
		remove(t, last)
		last = segs[len(segs)-2]
	}
	truncate(t, last, sizeOf(t, last)-10)
	remove(t, filepath.Join(dir, "HEAD"))
}
