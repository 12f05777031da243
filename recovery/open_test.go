package recovery

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
	"memlog/wal/event"
)

func TestFreshStore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	if notes := e.Notes(); len(notes) != 0 {
		t.Errorf("a fresh store has notes: %q", notes)
	}
	add(t, e, event.Stored{Memory: newHistory(1).memory()})
	wantFold(t, e)
	mustClose(t, e)

	e = mustOpen(t, dir, testOptions())
	if notes := e.Notes(); len(notes) != 0 {
		t.Errorf("a sound store has notes: %q", notes)
	}
	wantFold(t, e)
}

// TestOneDigest: live, reopened, rebuilt, restored from a snapshot and folded are the same index.
func TestOneDigest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(rapid.Uint64().Draw(rt, "seed"))
		before := rapid.IntRange(0, 30).Draw(rt, "before")
		after := rapid.IntRange(0, 10).Draw(rt, "after")
		dir := filepath.Join(rtTemp(t, rt), "store")
		e := mustOpen(t, dir, testOptions())
		grow(t, e, h, before)
		snap, err := e.Snapshot(t.Context())
		if err != nil {
			rt.Fatalf("snapshot: %v", err)
		}
		grow(t, e, h, after)
		want := folded(t, e.Log)
		check := func(what string, got sums) {
			if got != want {
				rt.Errorf("%s: got %x, want %x", what, got.all[:4], want.all[:4])
			}
		}
		check("live", live(t, e))
		if _, err := e.Rebuild(t.Context(), nil); err != nil {
			rt.Fatalf("rebuild: %v", err)
		}
		check("rebuilt", live(t, e))
		r, err := e.RestoreSnapshot(t.Context(), snap.Name, nil)
		if err != nil {
			rt.Fatalf("restore: %v", err)
		}
		check("restored", sums{r.Digest, r.State})
		check("after restore", live(t, e))
		mustClose(t, e)
		e = mustOpen(t, dir, testOptions())
		check("reopened", live(t, e))
		if notes := e.Notes(); len(notes) != 0 {
			rt.Errorf("notes: %q", notes)
		}
		mustClose(t, e)
	})
}

// TestRebuildWhileWriting: nothing that is appended while a rebuild runs is missed.
func TestRebuildWhileWriting(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	grow(t, e, newHistory(7), 50)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			h := newHistory(uint64(100 + w))
			for {
				select {
				case <-stop:
					return
				default:
					add(t, e, h.command()...)
				}
			}
		}()
	}
	snap, err := e.Snapshot(t.Context())
	if err != nil {
		t.Errorf("snapshot: %v", err)
	}
	for range 3 {
		if _, err := e.Rebuild(t.Context(), nil); err != nil {
			t.Errorf("rebuild: %v", err)
		}
		if _, err := e.RestoreSnapshot(t.Context(), snap.Name, nil); err != nil {
			t.Errorf("restore: %v", err)
		}
	}
	close(stop)
	wg.Wait()
	wantFold(t, e)
	db, release := e.Index()
	if got, want := db.Checkpoint().Seq, uint64(e.Log.Head().Seq); got != want {
		t.Errorf("checkpoint: got %d, want %d", got, want)
	}
	release()
	mustClose(t, e)
	e = mustOpen(t, dir, testOptions())
	wantFold(t, e)
}

// TestReaderKeepsItsIndex: who reads while a rebuild ends goes on reading the old index.
func TestReaderKeepsItsIndex(t *testing.T) {
	t.Parallel()
	o := testOptions()
	swapped := make(chan struct{})
	var promoted atomic.Bool
	o.after = func(s step) {
		switch s {
		case stepSwapped:
			close(swapped)
		case stepPromoted:
			promoted.Store(true)
		}
	}
	e := mustOpen(t, filepath.Join(t.TempDir(), "store"), o)
	grow(t, e, newHistory(13), 10)
	want := live(t, e)
	db, release := e.Index()
	v, err := db.View()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := e.Rebuild(t.Context(), nil)
		done <- err
	}()
	<-swapped
	grow(t, e, newHistory(14), 20) // into the new one
	if promoted.Load() {
		t.Error("the old index was given up while it was read")
	}
	if got, err := v.Digest(); err != nil || got != want.all {
		t.Errorf("the old index, while it is read: %x %v", got[:4], err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	release()
	release() // once more does nothing
	if err := <-done; err != nil {
		t.Error(err)
	}
	wantFold(t, e)
}

// TestSwapWaitsForCommand: no index takes over while a command decides.
func TestSwapWaitsForCommand(t *testing.T) {
	t.Parallel()
	o := testOptions()
	folded := make(chan struct{})
	o.after = func(s step) {
		if s == stepFolded {
			close(folded)
		}
	}
	e := mustOpen(t, filepath.Join(t.TempDir(), "store"), o)
	grow(t, e, newHistory(15), 10)
	events := encode(t, newHistory(16).command())
	done := make(chan error)
	_, err := e.Append(t.Context(), func(p *projection.Projector) (wal.Entry, error) {
		go func() {
			_, err := e.Rebuild(t.Context(), nil)
			done <- err
		}()
		<-folded
		for range 500 { // time enough for a swap that does not wait
			if _, err := Snapshots(t.TempDir()); err != nil {
				return wal.Entry{}, err
			}
		}
		if e.Projector() != p {
			t.Error("another index took over while a command decided")
		}
		return wal.Entry{Events: events}, nil
	})
	if err = errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	wantFold(t, e)
}

// TestSwapInBatch: an index that is put in place while a record is staged and not yet durable has
// that record when it is.
func TestSwapInBatch(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, filepath.Join(t.TempDir(), "store"), testOptions())
	grow(t, e, newHistory(3), 5)
	next, _, err := fold(t.Context(), e.Log, 0, e.indexDir, e.o)
	if err != nil {
		t.Fatal(err)
	}
	rec := wal.Record{Seq: e.Log.Head().Seq + 1, Time: start,
		Events: encode(t, newHistory(4).command())}
	if err := e.follower.Stage(rec); err != nil {
		t.Fatal(err)
	}
	if err := e.follower.replace(next.p); err != nil {
		t.Fatal(err)
	}
	if err := e.follower.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, want := next.db.Checkpoint().Seq, uint64(rec.Seq); got != want {
		t.Errorf("checkpoint of the new index: got %d, want %d", got, want)
	}
	if err := next.close(); err != nil {
		t.Fatal(err)
	}
}

// TestFollowerMends: after a failure the projector lacks a durable record; the next record is not
// applied over the gap.
func TestFollowerMends(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, filepath.Join(t.TempDir(), "store"), testOptions())
	grow(t, e, newHistory(3), 5)
	p := e.follower.p
	// A record that is in the log and not in the index, as after a commit that failed.
	e.Log.SetFollower(nil)
	b := encode(t, newHistory(8).command())
	_, err := e.Log.Append(t.Context(), func() (wal.Entry, error) {
		return wal.Entry{Events: b}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e.follower.behind = true
	e.Log.SetFollower(e.follower)
	if e.Projector() != p {
		t.Error("another projector")
	}
	grow(t, e, newHistory(9), 3)
	wantFold(t, e)
}

// TestReadOnly: no byte of the store changes, and the answers are right, whatever the index is.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
	}{
		{"sound", func(*testing.T, string) {}},
		{"no index", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, indexName)) }},
		{"broken index", func(t *testing.T, dir string) {
			truncate(t, newest(t, currentGeneration(t, dir), "*.sst"), 100)
		}},
		{"index behind", func(t *testing.T, dir string) {
			old := clone(t, filepath.Join(dir, indexName))
			e := mustOpen(t, dir, testOptions())
			grow(t, e, newHistory(5), 5)
			mustClose(t, e)
			remove(t, filepath.Join(dir, indexName))
			if err := copyTree(old, filepath.Join(dir, indexName)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newStore(t, 1, 20)
			c.damage(t, dir)
			before := content(t, dir)
			o := testOptions()
			o.ReadOnly = true
			e := mustOpen(t, dir, o)
			wantFold(t, e)
			if got, want := checkpoint(e), uint64(e.Log.Head().Seq); got != want {
				t.Errorf("checkpoint: got %d, want %d", got, want)
			}
			if _, err := e.Snapshot(t.Context()); !errors.Is(err, wal.ErrReadOnly) {
				t.Errorf("snapshot: got %v", err)
			}
			if _, err := e.Rebuild(t.Context(), nil); !errors.Is(err, wal.ErrReadOnly) {
				t.Errorf("rebuild: got %v", err)
			}
			if _, err := e.RestoreSnapshot(t.Context(), "x", nil); !errors.Is(err, wal.ErrReadOnly) {
				t.Errorf("restore: got %v", err)
			}
			mustClose(t, e)
			if diff := cmp.Diff(before, content(t, dir)); diff != "" {
				t.Errorf("store changed: %s", diff)
			}
			if e.temp == "" {
				t.Error("no copy was made")
			} else if _, err := os.Stat(e.temp); err == nil {
				t.Error("the copy was left behind")
			}
		})
	}
}

// TestHeal: an index that breaks while it is served is made anew, and the read is answered.
func TestHeal(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 2, 30)
	sst := newest(t, currentGeneration(t, dir), "*.sst")
	flip(t, sst, 40) // in the first data block: not read when the index is opened
	e := mustOpen(t, dir, testOptions())
	var got sums
	err := e.Read(t.Context(), func(db *index.DB) (err error) {
		got.all, got.state, err = digests(db)
		return err
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if want := folded(t, e.Log); got != want {
		t.Errorf("got %x, want %x", got.all[:4], want.all[:4])
	}
	if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, "made anew") {
		t.Errorf("notes say nothing of it: %q", notes)
	}
	grow(t, e, newHistory(6), 3)
	wantFold(t, e)
}

// TestHealOnAppend: an index that is found broken by a command is made anew, and the command is
// done, once.
func TestHealOnAppend(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 17, 30)
	flip(t, newest(t, currentGeneration(t, dir), "*.sst"), 40)
	e := mustOpen(t, dir, testOptions())
	before := e.Log.Head().Seq
	first := [16]byte{15: 1}
	events := encode(t, []event.Event{event.Deleted{ID: event.ID(first)}})
	calls := 0
	_, err := e.Append(t.Context(), func(p *projection.Projector) (wal.Entry, error) {
		calls++
		if _, _, err := p.View().Doc(index.ID(first)); err != nil {
			return wal.Entry{}, err
		}
		return wal.Entry{Events: events}, nil
	})
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	if got := e.Log.Head().Seq; got != before+1 {
		t.Errorf("%d records were written, want 1", got-before)
	}
	if calls != 2 || len(e.Notes()) != 1 {
		t.Errorf("decided %d times, want 2; notes %q", calls, e.Notes())
	}
	wantFold(t, e)
}

// TestNoPlaceForAnIndex: where no index can be made in the store, what it holds is served all the
// same, and writes are refused.
func TestNoPlaceForAnIndex(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 9, 10)
	remove(t, filepath.Join(dir, indexName))
	if err := os.WriteFile(filepath.Join(dir, indexName), nil, filePerm); err != nil {
		t.Fatal(err)
	}
	e := mustOpen(t, dir, testOptions())
	wantFold(t, e)
	if e.Log.Health().ReadOnly == "" {
		t.Error("takes writes without an index")
	}
	if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, "reading only") {
		t.Errorf("notes: %q", notes)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 3, 10)
	remove(t, filepath.Join(dir, indexName))
	e := mustOpen(t, dir, testOptions())
	if notes := e.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "made anew") {
		t.Errorf("notes: got %q, want one about an index that was made anew", notes)
	}
}

// rtTemp is a directory for one check, gone when it ends.
func rtTemp(t *testing.T, rt *rapid.T) string {
	dir, err := os.MkdirTemp(t.TempDir(), "check-")
	if err != nil {
		rt.Fatal(err)
	}
	rt.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func checkpoint(e *Engine) uint64 {
	db, release := e.Index()
	defer release()
	return db.Checkpoint().Seq
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// newest returns the last file that matches, by name.
func newest(t testing.TB, dir, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return paths[len(paths)-1]
}

// content is every name and byte below dir.
func content(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			all[path] = ""
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(bytes.Clone(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
