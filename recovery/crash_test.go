package recovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"memlog/wal"
)

// killed collects what a kill after each write step of an operation leaves on disk.
type killed struct {
	t     *testing.T
	dir   string
	steps []step
	left  []string
}

func (k *killed) after(s step) {
	for {
		to := filepath.Join(k.t.TempDir(), "store")
		err := copyTree(k.dir, to)
		if err == nil {
			k.steps, k.left = append(k.steps, s), append(k.left, to)
			return
		}
		if !errors.Is(err, os.ErrNotExist) { // pebble removes files meanwhile: again
			k.t.Fatalf("copy after %q: %v", s, err)
		}
	}
}

// check opens what each kill left and compares it with what the log says.
func (k *killed) check(want []step, look func(t *testing.T, dir string)) {
	if fmt.Sprint(k.steps) != fmt.Sprint(want) {
		k.t.Errorf("steps: got %q, want %q", k.steps, want)
	}
	for i, dir := range k.left {
		k.t.Run(string(k.steps[i]), func(t *testing.T) {
			t.Parallel()
			look(t, dir)
		})
	}
}

// served fails unless the store opens with a right index, writes, and verifies.
func served(t *testing.T, dir string) {
	e := mustOpen(t, dir, testOptions())
	wantFold(t, e)
	grow(t, e, newHistory(300), 2)
	wantFold(t, e)
	mustClose(t, e)
	if r := mustVerify(t, dir, true); !r.OK() {
		t.Errorf("verify: %s", problems(r))
	}
	e = mustOpen(t, dir, testOptions())
	if notes := e.Notes(); len(notes) != 0 {
		t.Errorf("notes of the second opening: %q", notes)
	}
}

// TestKilled is the crash matrix of RECOVERY.md: each operation is killed after each write step.
func TestKilled(t *testing.T) {
	t.Parallel()
	prepare := func(t *testing.T) (*killed, Options) {
		k := &killed{t: t, dir: newStore(t, 201, 25)}
		o := testOptions()
		o.after = k.after
		return k, o
	}
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		mustClose(t, mustOpen(t, k.dir, o))
		k.check([]step{stepLog}, served)
	})
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		k := &killed{t: t, dir: filepath.Join(t.TempDir(), "store")}
		o := testOptions()
		o.after = k.after
		mustClose(t, mustOpen(t, k.dir, o))
		k.check([]step{stepLog}, served)
	})
	t.Run("open without an index", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		remove(t, filepath.Join(k.dir, indexName))
		mustClose(t, mustOpen(t, k.dir, o))
		k.check([]step{stepLog, stepFolded, stepPromoted, stepUnstale}, served)
	})
	t.Run("open with a foreign index", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		copyIndex(t, newStore(t, 202, 5), k.dir)
		mustClose(t, mustOpen(t, k.dir, o))
		k.check([]step{stepLog, stepFolded, stepPromoted, stepUnstale}, served)
	})
	t.Run("rebuild", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		e := mustOpen(t, k.dir, o)
		if _, err := e.Rebuild(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		mustClose(t, e)
		k.check([]step{stepLog, stepFolded, stepSwapped, stepPromoted, stepUnstale}, served)
	})
	t.Run("snapshot and restore", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		e := mustOpen(t, k.dir, o)
		s := mustSnapshot(t, e)
		grow(t, e, newHistory(203), 5)
		if _, err := e.RestoreSnapshot(t.Context(), s.Name, nil); err != nil {
			t.Fatal(err)
		}
		mustClose(t, e)
		k.check([]step{stepLog, stepCopied, stepNamed, stepBridged, stepInstalled, stepUnstale},
			served)
	})
	t.Run("repair", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		flipRecord(t, k.dir, 9)
		r := testRepair(true, false)
		r.after = o.after
		mustRepair(t, k.dir, r)
		k.check([]step{stepMended, stepLog, stepFolded, stepPromoted, stepUnstale, stepEvidence},
			served)
	})
	t.Run("repair run again", func(t *testing.T) {
		t.Parallel()
		k, o := prepare(t)
		loseTail(t, k.dir)
		r := testRepair(true, false)
		r.after = o.after
		mustRepair(t, k.dir, r)
		k.check([]step{stepMended, stepLog, stepFolded, stepPromoted, stepUnstale, stepEvidence},
			func(t *testing.T, dir string) {
				mustRepair(t, dir, testRepair(true, false))
				served(t, dir)
			})
	})
}

// TestKilledOverDamage: an index that is made over damage says that it lacks records before it is
// in use, so that no kill leaves one that does not say so.
func TestKilledOverDamage(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 204, 25)
	e := mustOpen(t, dir, testOptions())
	want := live(t, e)
	mustClose(t, e)
	seg := segments(t, dir)[0]
	whole, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	flipRecord(t, dir, 5)
	remove(t, filepath.Join(dir, indexName))
	k := &killed{t: t, dir: dir}
	o := testOptions()
	o.after = k.after
	mustClose(t, mustOpen(t, dir, o))
	k.check([]step{stepLog, stepFolded, stepStale, stepPromoted}, func(t *testing.T, dir string) {
		mustClose(t, mustOpen(t, dir, testOptions())) // once more over the damage
		seg := filepath.Join(dir, "log", filepath.Base(seg))
		if err := os.WriteFile(seg, whole, filePerm); err != nil {
			t.Fatal(err)
		}
		e := mustOpen(t, dir, testOptions())
		if live(t, e) != want {
			t.Errorf("records that are whole again are not in the index; notes %q", e.Notes())
		}
	})
}

// TestCaughtUpOverDamage: an index that is brought past damage says that it lacks records before
// it has any of those behind it.
func TestCaughtUpOverDamage(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 206, 10)
	old := clone(t, dir)
	e := mustOpen(t, dir, testOptions())
	grow(t, e, newHistory(207), 10)
	mustClose(t, e)
	copyIndex(t, old, dir)
	flipRecord(t, dir, 15)
	o := testOptions()
	applied := 0
	o.Progress = func(stage string, _, _ int64) {
		if stage != StageReplay {
			return
		}
		if applied++; !isStale(filepath.Join(dir, indexName)) {
			t.Errorf("records behind damage are in the index, and it does not say what it lacks")
		}
	}
	mustClose(t, mustOpen(t, dir, o))
	if applied == 0 {
		t.Error("nothing was applied: this test tests nothing")
	}
}

// TestWriteErrors: a write step that fails leaves the old index in use, and the next opening is
// right whether the step took effect or not.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		block string // a directory in the place of this file makes its writing fail
	}{
		{"promotion", "CURRENT.tmp"},
		{"note of gaps", staleName + ".tmp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newStore(t, 205, 20)
			flipRecord(t, dir, 5)
			e := mustOpen(t, dir, testOptions())
			want := live(t, e)
			block := filepath.Join(dir, indexName, c.block, "x")
			if err := os.MkdirAll(block, dirPerm); err != nil {
				t.Fatal(err)
			}
			e.maintenance.Lock()
			_, err := e.rebuild(t.Context(), nil, false)
			e.maintenance.Unlock()
			if err == nil {
				t.Error("the failure is not reported")
			}
			_ = e.Close()
			remove(t, filepath.Dir(block))
			e = mustOpen(t, dir, testOptions())
			if got := live(t, e); got != want && got != folded(t, e.Log) {
				t.Error("the index is neither the old one nor the new one")
			}
			if e.Log.Head().Seq != wal.Seq(checkpoint(e)) {
				t.Error("the index is not up to date")
			}
		})
	}
}
