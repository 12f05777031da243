package recovery

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
	"memlog/wal/event"
)

func mustVerify(t testing.TB, dir string, deep bool) Report {
	t.Helper()
	r, err := Verify(t.Context(), dir, VerifyOptions{Deep: deep})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return r
}

// problems is what a report finds wrong, one line each.
func problems(r Report) string {
	var all []string
	for _, p := range r.Log.Problems {
		all = append(all, p.Error())
	}
	if !r.Index.OK {
		all = append(all, "index "+r.Index.Detail)
	}
	for _, s := range r.Snapshots {
		all = append(all, "snapshot "+s.Name+": "+s.Detail)
	}
	return strings.Join(all, "\n")
}

func TestVerifySound(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 71, 30)
	e := mustOpen(t, dir, testOptions())
	mustSnapshot(t, e)
	grow(t, e, newHistory(72), 5)
	want := live(t, e)
	mustClose(t, e)
	before := content(t, dir)
	for _, deep := range []bool{false, true} {
		r := mustVerify(t, dir, deep)
		if !r.OK() {
			t.Errorf("deep %v: %s", deep, problems(r))
		}
		if got, want := r.Log.Records, uint64(36); got != want {
			t.Errorf("deep %v: records: got %d, want %d", deep, got, want)
		}
		if deep && (r.Index.Digest != want.all || r.Index.Replayed != want.all ||
			r.Index.State != want.state) {
			t.Errorf("digests: got %x %x %x", r.Index.Digest, r.Index.Replayed, r.Index.State)
		}
	}
	if diff := cmp.Diff(before, content(t, dir)); diff != "" {
		t.Errorf("verify changed the store: %s", diff)
	}
	for _, none := range []string{filepath.Join(dir, "none"), t.TempDir()} {
		if _, err := Verify(t.Context(), none, VerifyOptions{}); !errors.Is(err, wal.ErrNoStore) {
			t.Errorf("verify of no store: got %v", err)
		}
	}
}

// TestVerifyDamage: every kind of damage is found, or is none.
func TestVerifyDamage(t *testing.T) {
	t.Parallel()
	const deepOnly = "deep only: "
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   string // in the problems; empty: the store is sound
		note   string
	}{
		{"flipped byte in the log", func(t *testing.T, dir string) {
			flip(t, segments(t, dir)[0], 1500)
		}, "checksum", ""},
		{"torn tail", func(t *testing.T, dir string) {
			segs := segments(t, dir)
			appendTo(t, segs[len(segs)-1], "torn")
		}, "", "torn"},
		{"lost tail", func(t *testing.T, dir string) { loseTail(t, dir) }, "torn-acknowledged",
			"holds what the log lost"},
		{"index deleted", func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, indexName))
		}, "", "no index"},
		{"index broken", func(t *testing.T, dir string) {
			remove(t, newest(t, currentGeneration(t, dir), "MANIFEST*"))
		}, "index cannot be opened", ""},
		{"flipped byte in the index", func(t *testing.T, dir string) {
			flip(t, newest(t, currentGeneration(t, dir), "*.sst"), 40)
		}, "index is damaged", ""},
		{"index of another log", func(t *testing.T, dir string) {
			copyIndex(t, newStore(t, 99, 4), dir)
		}, "another log", ""},
		{"index lies", func(t *testing.T, dir string) {
			db, err := index.Open(filepath.Join(dir, indexName), index.Options{})
			if err != nil {
				t.Fatal(err)
			}
			b, err := db.NewBatch()
			if err == nil {
				err = errors.Join(b.PutRequest("made up", 2), b.Commit(), db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}, deepOnly + "that of a replay", ""},
		{"flipped byte in a snapshot", func(t *testing.T, dir string) {
			s := mustList(t, dir)[0]
			flip(t, newest(t, filepath.Join(s.Path, "data"), "*.sst"), 40)
		}, deepOnly + "not as it was made", ""},
		{"snapshot cut", func(t *testing.T, dir string) {
			s := mustList(t, dir)[0]
			truncate(t, newest(t, filepath.Join(s.Path, "data"), "*.sst"), 40)
		}, "snapshot", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newStore(t, 73, 30)
			e := mustOpen(t, dir, testOptions())
			mustSnapshot(t, e)
			mustClose(t, e)
			split(t, dir)
			c.damage(t, dir)
			before := content(t, dir)
			for _, deep := range []bool{false, true} {
				want, isDeep := strings.CutPrefix(c.want, deepOnly)
				r := mustVerify(t, dir, deep)
				got := problems(r)
				switch {
				case want == "" || isDeep && !deep:
					if !r.OK() {
						t.Errorf("deep %v: got %q, want none", deep, got)
					}
				case r.OK() || !strings.Contains(got, want):
					t.Errorf("deep %v: got %q, want %q", deep, got, want)
				}
				notes := strings.Join(append(r.Log.Notes, r.Notes...), "\n")
				if !strings.Contains(notes, c.note) {
					t.Errorf("deep %v: notes %q, want one with %q", deep, notes, c.note)
				}
			}
			if diff := cmp.Diff(before, content(t, dir)); diff != "" {
				t.Errorf("verify changed the store: %s", diff)
			}
		})
	}
}

// split gives the snapshots files of their own: they share them with the index, and a flipped byte
// would be in both.
func split(t testing.TB, dir string) {
	t.Helper()
	root := filepath.Join(dir, snapshotsName)
	copied := clone(t, root)
	remove(t, root)
	if err := copyTree(copied, root); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, filePerm)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyWhileWriting: neither the owner's verify nor a stranger's takes a record that is being
// written for damage.
func TestVerifyWhileWriting(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	grow(t, e, newHistory(74), 20)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		h := newHistory(75)
		for ctx.Err() == nil {
			add(t, e, h.command()...)
		}
	}()
	for i := range 4 {
		r, err := e.Verify(t.Context(), VerifyOptions{Deep: i%2 == 1})
		if err != nil || !r.OK() {
			t.Errorf("owner: %v: %s", err, problems(r))
		}
		r, err = Verify(t.Context(), dir, VerifyOptions{Deep: i%2 == 1})
		if err != nil || !r.OK() {
			t.Errorf("stranger: %v: %s", err, problems(r))
		}
	}
	stop()
	wg.Wait()
}

// TestVerifyDigested: a digest noted in the log that a replay does not reproduce is a problem.
func TestVerifyDigested(t *testing.T) {
	t.Parallel()
	for _, honest := range []bool{true, false} {
		dir := newStore(t, 76, 10)
		e := mustOpen(t, dir, testOptions())
		d := live(t, e).state
		if !honest {
			d[0] ^= 1
		}
		add(t, e, event.Digested{Version: projection.StateDigestVersion,
			Seq: uint64(e.Log.Head().Seq), Digest: d[:]})
		mustClose(t, e)
		r := mustVerify(t, dir, true)
		if r.OK() != honest {
			t.Errorf("honest %v: %s", honest, problems(r))
		}
		if !honest && !strings.Contains(problems(r), "digest") {
			t.Errorf("problem does not name the digest: %s", problems(r))
		}
	}
}
