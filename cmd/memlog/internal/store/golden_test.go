package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
	"memlog/index"
)

// goldenDir holds one directory per store format, in it one per kind of store: a complete store
// directory as this program once wrote it (its ballast apart, which holds nothing), and
// expected.json. They are written once and never changed; see [TestWriteGolden].
const goldenDir = "testdata/golden"

// expected is what a golden store has to give, for ever.
type expected struct {
	Records  uint64               `json:"records"`
	Head     string               `json:"head"` // chain hash of the last record
	State    string               `json:"state"`
	Rebuilt  string               `json:"rebuilt"` // state without the index
	Contents []string             `json:"contents"`
	OK       bool                 `json:"ok"` // of verify, before anybody opened it
	Problems []string             `json:"problems"`
	Accepted []memory.SeqRange    `json:"accepted"`
	States   map[int]string       `json:"states"` // as of every record; none where the log is damaged
	Kinds    map[string]int       `json:"kinds"`  // how many events of each kind the log holds
	Times    [2]time.Time         `json:"times"`  // of the first and the last record
	Archived int                  `json:"archived"`
	Snapshot *memory.SnapshotInfo `json:"snapshot,omitempty"`
}

// observe reads off a store what [expected] holds, the states only where it shall replay until
// every record; dir is closed before and after.
func observe(t *testing.T, dir string, o store.Options, replay bool) expected {
	t.Helper()
	ctx := context.Background()
	v, err := store.Verify(ctx, dir, memory.VerifyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	out := expected{Records: v.Records, Head: v.Head.Hash, OK: v.OK, Accepted: v.Accepted,
		Problems: []string{}, States: map[int]string{}, Kinds: map[string]int{}, Contents: []string{}}
	for _, p := range v.Problems {
		out.Problems = append(out.Problems, p.Kind)
	}
	s := openStore(t, dir, o)
	defer s.Close()
	st, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out.State, out.Times = st.Digest, [2]time.Time{st.FirstTime, st.LastTime}
	list, err := s.List(ctx, memory.ListRequest{Limit: memory.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Memories {
		out.Contents = append(out.Contents, m.Content)
	}
	slices.Sort(out.Contents)
	for rec, err := range s.Log(ctx, memory.LogRequest{}) {
		if err != nil {
			continue // damage, which verify counted
		}
		for _, ev := range rec.Events {
			out.Kinds[ev.Kind]++
		}
	}
	for seq := memory.Seq(1); replay && out.OK && seq <= st.LastSeq; seq++ {
		r, err := s.Replay(ctx, memory.ReplayRequest{Until: memory.Moment{Seq: seq}})
		if err != nil {
			t.Fatal(err)
		}
		out.States[int(seq)] = r.Digest
	}
	archive, err := s.ArchiveVerify(ctx)
	if err != nil || len(archive.Problems) > 0 {
		t.Fatalf("%+v %v", archive, err)
	}
	out.Archived = len(archive.Segments)
	snapshots, err := s.SnapshotList(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, sn := range snapshots {
		out.Snapshot = &sn
	}
	return out
}

// rebuilt is the state of a store without its index.
func rebuilt(t *testing.T, dir string, o store.Options) string {
	t.Helper()
	bare := filepath.Join(t.TempDir(), "bare")
	copyStore(t, dir, bare)
	if err := os.RemoveAll(filepath.Join(bare, "index")); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, bare, o)
	defer s.Close()
	st, err := s.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st.Digest
}

// copyStore copies a store directory without its ballast.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "ballast" {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// golden lists the golden stores of every format.
func golden(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(goldenDir, "v*", "*", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Skip("no store format is frozen yet; TestWriteGolden writes the directories")
	}
	return all
}

// TestGolden opens, verifies and replays every store that was ever written and kept.
func TestGolden(t *testing.T) {
	for _, file := range golden(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want expected
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		src := filepath.Join(filepath.Dir(file), "store")
		for name, now := range map[string]time.Time{"now": time.Now(),
			"long after": want.Times[1].AddDate(30, 0, 0), "before": want.Times[0].AddDate(-1, 0, 0)} {
			t.Run(filepath.Base(filepath.Dir(file))+"/"+name, func(t *testing.T) {
				o := store.Options{Now: func() time.Time { return now }}
				goldenAt(t, src, want, o, name == "now")
			})
		}
	}
}

// goldenAt holds a copy of a golden store, opened at some time, against what it has to give; at
// last it is written to.
func goldenAt(t *testing.T, src string, want expected, o store.Options, replay bool) {
	dir := filepath.Join(t.TempDir(), "store")
	copyStore(t, src, dir)
	got := observe(t, dir, o, replay)
	held := len(got.Contents)
	if !replay {
		got.States = want.States
	}
	got.Rebuilt = rebuilt(t, dir, o)
	if !want.OK && got.State == got.Rebuilt {
		// An index of another version cannot be had back over the damage; what the log still says is
		// there.
		for _, c := range got.Contents {
			if !slices.Contains(want.Contents, c) {
				t.Errorf("%q was never stored", c)
			}
		}
		if lost := len(want.Contents) - len(got.Contents); lost > len(want.Problems) {
			t.Errorf("%d memories are gone with %d damaged records", lost, len(want.Problems))
		}
		got.State, got.Contents = want.State, want.Contents
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	ctx := context.Background()
	o.AcceptClock = true
	if want.Snapshot != nil {
		s := openStore(t, dir, o)
		r, err := s.SnapshotRestore(ctx, want.Snapshot.Name)
		if memory.CodeOf(err) == memory.CodeConflict && errors.Is(err, index.ErrOutdated) {
			r.State, err = want.State, nil // the log has it all: see Rebuilt
		}
		if err != nil || r.State != want.State {
			t.Fatalf("%+v %v", r, err)
		}
		s.Close()
	}
	if want.Archived > 0 {
		s := openStore(t, dir, o)
		if r, err := s.ArchiveRestore(ctx); err != nil || len(r.Segments) == 0 {
			t.Fatalf("%+v %v", r, err)
		}
		s.Close()
	}
	s := openStore(t, dir, o)
	add(t, s, "written by a later version")
	if want.OK {
		verified(t, s)
	}
	s.Close()
	s = openStore(t, dir, o)
	st, err := s.Stats(ctx)
	if err != nil || st.Memories != held+1 {
		t.Fatalf("%+v %v", st, err)
	}
}

// TestGoldenClock holds writes to an old store against the rule of the clock: refused with the way
// out, while reads go on.
func TestGoldenClock(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	add(t, s, "long ago")
	s.Close()
	later := func() time.Time { return time.Now().AddDate(30, 0, 0) }
	s = openStore(t, dir, store.Options{Now: later})
	if _, err := s.List(context.Background(), memory.ListRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Store(context.Background(),
		memory.StoreRequest{Memories: []memory.NewMemory{{Content: "thirty years on"}}})
	if e, ok := err.(*memory.Error); !ok || e.Code != memory.CodeFailed || e.Hint == "" {
		t.Fatalf("%v", err)
	}
	s.Close()
	s = openStore(t, dir, store.Options{Now: later, AcceptClock: true})
	add(t, s, "thirty years on")
	verified(t, s)
}
