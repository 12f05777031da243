package store_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
	"memlog/wal"
	"memlog/wal/event"
)

// envWriteGolden, set to anything, has [TestWriteGolden] write what is not there yet.
const envWriteGolden = "MEMLOG_WRITE_GOLDEN"

// goldenSegment makes small segments, so that small stores have several.
const goldenSegment = 4 << 10

// goldens make the stores of the present format; each gets an empty directory.
var goldens = map[string]func(t *testing.T, dir string){
	"plain":          writePlain,
	"archive":        writeArchive,
	"snapshot":       writeSnapshot,
	"damaged-middle": writeDamaged,
	"torn-tail":      writeTorn,
	"accepted-loss":  writeAccepted,
	"forked":         writeForked,
	"new-era":        writeEra,
}

// TestWriteGolden writes the golden stores of the present format that are not there yet. It never
// changes one that is.
func TestWriteGolden(t *testing.T) {
	if os.Getenv(envWriteGolden) == "" {
		t.Skipf("%s is not set", envWriteGolden)
	}
	for name, write := range goldens {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(goldenDir, "v"+strconv.Itoa(wal.Format), name)
			if _, err := os.Stat(to); err == nil {
				t.Skipf("%s is there, and stays as it is", to)
			}
			made := filepath.Join(t.TempDir(), "store")
			write(t, made)
			probe := filepath.Join(t.TempDir(), "probe")
			copyStore(t, made, probe)
			want := observe(t, probe, store.Options{}, true)
			want.Rebuilt = rebuilt(t, probe, store.Options{})
			copyStore(t, made, filepath.Join(to, "store"))
			b, err := json.MarshalIndent(want, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(to, "expected.json"), append(b, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// ok ends the test where a step of a history fails.
func ok[R any](t *testing.T) func(R, error) R {
	return func(r R, err error) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// writePlain writes a history with every kind of event, in several segments, at its end some that
// a newer version could have written.
func writePlain(t *testing.T, dir string) {
	t.Helper()
	id := writeOwn(t, dir)
	m := event.Memory{ID: newerID, Version: 1, Content: "by a newer version", Extra: fortyTwo}
	byNewer(t, dir,
		[]event.Envelope{{Event: event.Stored{Memory: m}, Top: deep},
			{Event: event.Unknown{Name: "dreamt", Ignorable: true, Raw: dreamt}}},
		[]event.Envelope{{Event: event.Repeated{ID: newerID,
			Occurrence: event.Occurrence{ID: occID, Extra: deep}}, Extra: fortyTwo}},
		[]event.Envelope{{Event: event.Embedded{ID: id, Version: 1, Model: "golden", Encoding: 1,
			Vector: []byte{1, 2, 3, 4}}}})
	s := openStore(t, dir, store.Options{SegmentSize: goldenSegment})
	add(t, s, "after the newer version")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeOwn writes what this version writes itself, and returns the id of the first memory.
func writeOwn(t *testing.T, dir string) memory.ID {
	t.Helper()
	s := openStore(t, dir, store.Options{SegmentSize: goldenSegment, Holder: "memlog golden"})
	ctx := context.Background()
	a := add(t, s, "The deploy key lives in the vault.").Stored[0].ID.String()
	b := ok[memory.StoreResult](t)(s.Store(ctx, memory.StoreRequest{
		Memories: []memory.NewMemory{{Content: "Cafe\u0301 \U0001f9e0 日本", Tags: []string{"ü", "a b"},
			Type: "fact", Project: "/src/app", Metadata: json.RawMessage(`{"b": 1.50, "a": null}`),
			Aliases: []string{"old/7"}}, {Content: "second of a batch"}},
		Origin: memory.Origin{RequestID: "golden-1", Client: "golden", ClientVersion: "1",
			Session: "s-1", Project: "/src", User: "ann", Host: "box", Reason: "to be kept"}})).
		Stored[0].ID.String()
	ok[memory.StoreResult](t)(s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{{
		Content: "The deploy key lives in the vault.", Tags: []string{"again"}}}}))
	ok[memory.UndoResult](t)(s.Undo(ctx, memory.UndoRequest{}))
	text := "The deploy key moved to the safe."
	ok[memory.Change](t)(s.Update(ctx, memory.UpdateRequest{ID: a, Content: &text}))
	ok[memory.UndoResult](t)(s.Undo(ctx, memory.UndoRequest{}))
	ok[memory.Change](t)(s.Update(ctx, memory.UpdateRequest{ID: a, Content: &text, IfVersion: 1}))
	link := memory.LinkRequest{From: a, To: b, Type: "because"}
	ok[memory.Change](t)(s.Link(ctx, link))
	ok[memory.UndoResult](t)(s.Undo(ctx, memory.UndoRequest{}))
	ok[memory.Change](t)(s.Link(ctx, link))
	ok[memory.Change](t)(s.Delete(ctx, memory.DeleteRequest{IDs: []string{b}}))
	ok[memory.Change](t)(s.Restore(ctx, memory.RestoreRequest{IDs: []string{b}}))
	gone := add(t, s, "deleted for good").Stored[0].ID.String()
	ok[memory.Change](t)(s.Delete(ctx, memory.DeleteRequest{IDs: []string{gone}}))
	add(t, s, "taken back")
	ok[memory.UndoResult](t)(s.Undo(ctx, memory.UndoRequest{}))
	var lines strings.Builder
	for i := range 12 {
		lines.WriteString(`{"content":"imported line ` + strconv.Itoa(i) + `","tags":["import"],` +
			`"created_at":"2019-03-0` + strconv.Itoa(i%9+1) + `T10:00:00Z"}` + "\n")
	}
	ok[memory.ImportResult](t)(s.Import(ctx, strings.NewReader(lines.String()),
		memory.ImportRequest{Name: "lines.jsonl", Group: "golden-group"}))
	for i := range 30 {
		ok[memory.StoreResult](t)(s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{{
			Content:  "memory " + strconv.Itoa(i),
			Metadata: json.RawMessage(`"` + strings.Repeat("some text ", i*2) + `"`)}}}))
	}
	h := ok[memory.History](t)(s.History(ctx, a))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return h.ID
}

func writeArchive(t *testing.T, dir string) {
	t.Helper()
	writePlain(t, dir)
	s := openStore(t, dir, store.Options{SegmentSize: goldenSegment})
	r := ok[memory.ArchiveResult](t)(s.Archive(context.Background(), memory.ArchiveRequest{}))
	if len(r.Segments) < 2 {
		t.Fatalf("%+v", r)
	}
	add(t, s, "after the archive")
	s.Close()
}

func writeSnapshot(t *testing.T, dir string) {
	t.Helper()
	writePlain(t, dir)
	s := openStore(t, dir, store.Options{SegmentSize: goldenSegment})
	ok[memory.SnapshotInfo](t)(s.SnapshotCreate(context.Background()))
	add(t, s, "after the snapshot")
	s.Close()
}

// segments lists the log's files, oldest first.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "log", "[0-9]*"))
	if err != nil || len(all) < 3 {
		t.Fatalf("%v %v", all, err)
	}
	slices.Sort(all)
	return all
}

// writeDamaged flips a bit in the middle of a sealed segment.
func writeDamaged(t *testing.T, dir string) {
	t.Helper()
	writePlain(t, dir)
	file := segments(t, dir)[1]
	b := ok[[]byte](t)(os.ReadFile(file))
	b[len(b)/2] ^= 0x10
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeTorn leaves half of a record that nobody was told of behind the last one.
func writeTorn(t *testing.T, dir string) {
	t.Helper()
	writePlain(t, dir)
	further := filepath.Join(t.TempDir(), "further")
	copyStore(t, dir, further)
	s := openStore(t, further, store.Options{SegmentSize: goldenSegment})
	add(t, s, "never acknowledged")
	s.Close()
	name := filepath.Base(segments(t, dir)[len(segments(t, dir))-1])
	short := ok[[]byte](t)(os.ReadFile(filepath.Join(dir, "log", name)))
	long := ok[[]byte](t)(os.ReadFile(filepath.Join(further, "log", name)))
	if len(long) <= len(short) {
		t.Fatalf("segment %s did not grow", name)
	}
	half := long[:len(short)+(len(long)-len(short))/2]
	if err := os.WriteFile(filepath.Join(dir, "log", name), half, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeAccepted gives up what a flipped bit destroyed.
func writeAccepted(t *testing.T, dir string) {
	t.Helper()
	writeDamaged(t, dir)
	s := openStore(t, dir, store.Options{SegmentSize: goldenSegment})
	r := ok[memory.RepairResult](t)(s.Repair(context.Background(),
		memory.RepairRequest{AcceptLoss: true}))
	if len(r.Lost) == 0 {
		t.Fatalf("%+v", r)
	}
	add(t, s, "after the repair")
	s.Close()
}

// writeForked writes a copy that became a log of its own at an earlier moment.
func writeForked(t *testing.T, dir string) {
	t.Helper()
	whole := filepath.Join(t.TempDir(), "whole")
	writePlain(t, whole)
	s := openStore(t, whole, store.Options{})
	ok[memory.ReplayResult](t)(s.Replay(context.Background(),
		memory.ReplayRequest{Until: memory.Moment{Seq: 20}, Into: dir}))
	s.Close()
	s = openStore(t, dir, store.Options{SegmentSize: goldenSegment})
	add(t, s, "written to the copy")
	s.Close()
}

// writeEra writes on with a clock that was set back, which begins a new era.
func writeEra(t *testing.T, dir string) {
	t.Helper()
	writePlain(t, dir)
	back := func() time.Time { return time.Now().Add(-72 * time.Hour) }
	s := openStore(t, dir, store.Options{SegmentSize: goldenSegment, Now: back, AcceptClock: true})
	add(t, s, "by a clock that was set back")
	s.Close()
}
