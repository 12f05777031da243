package recovery

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
	"memlog/wal/event"
)

// testSegment makes a short history fill several segments.
const testSegment = 4 << 10

// start is the moment of the first record of every test store.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rapidChecks is how many histories a property test tries, where -rapid.checks does not say: each
// of them opens several stores.
const rapidChecks = "15"

func TestMain(m *testing.M) {
	flag.Parse()
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir)
		return
	}
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", rapidChecks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func testOptions() Options {
	return Options{SegmentSize: testSegment, Now: func() time.Time { return start }}
}

func mustOpen(t testing.TB, dir string, o Options) *Engine {
	t.Helper()
	e, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func mustClose(t testing.TB, e *Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// history makes random events about few memories, sensible and nonsensical ones.
type history struct{ r *rand.Rand }

func newHistory(seed uint64) *history { return &history{rand.New(rand.NewPCG(seed, 1))} }

func (h *history) id() event.ID {
	var id event.ID
	binary.BigEndian.PutUint64(id[8:], 1+h.r.Uint64N(12))
	return id
}

func (h *history) memory() event.Memory {
	words := []string{"anchor", "basalt", "cedar", "delta", "ember", "fjord", "granite"}
	pick := func() string { return words[h.r.IntN(len(words))] }
	return event.Memory{ID: h.id(), Version: 1 + h.r.Uint64N(4), Type: "note",
		Content: fmt.Sprintf("%s %s %s %d", pick(), pick(), pick(), h.r.IntN(100)),
		Tags:    []string{pick()}, CreatedAt: start, UpdatedAt: start}
}

func (h *history) event() event.Event {
	switch h.r.IntN(10) {
	case 0:
		return event.Deleted{ID: h.id()}
	case 1:
		return event.Restored{Memory: h.memory()}
	case 2:
		return event.Updated{Memory: h.memory()}
	case 3:
		o := event.Occurrence{ID: h.id(), CreatedAt: start}
		return event.Repeated{ID: h.id(), Occurrence: o, Tags: []string{"again"}}
	case 4:
		return event.Linked{Link: event.Link{From: h.id(), To: h.id(), Type: "about"}}
	case 5:
		return event.Retracted{ID: h.id()}
	}
	return event.Stored{Memory: h.memory()}
}

// command makes the events of one record.
func (h *history) command() []event.Event {
	var all []event.Event
	for range 1 + h.r.IntN(2) {
		all = append(all, h.event())
	}
	return all
}

func encode(t testing.TB, all []event.Event) [][]byte {
	t.Helper()
	var out [][]byte
	for _, ev := range all {
		b, err := event.Encode(event.Envelope{Event: ev})
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		out = append(out, b)
	}
	return out
}

func add(t testing.TB, e *Engine, all ...event.Event) wal.Record {
	t.Helper()
	b := encode(t, all)
	rec, err := e.Append(t.Context(), func(*projection.Projector) (wal.Entry, error) {
		return wal.Entry{Events: b}, nil
	})
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return rec
}

// grow appends n random commands.
func grow(t testing.TB, e *Engine, h *history, n int) {
	t.Helper()
	for range n {
		add(t, e, h.command()...)
	}
}

// newStore makes a closed store with n random commands.
func newStore(t testing.TB, seed uint64, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	grow(t, e, newHistory(seed), n)
	mustClose(t, e)
	return dir
}

type sums struct{ all, state [32]byte }

func live(t testing.TB, e *Engine) sums {
	t.Helper()
	db, release := e.Index()
	defer release()
	return sumsOf(t, db)
}

func sumsOf(t testing.TB, db *index.DB) sums {
	t.Helper()
	var s sums
	var err error
	if s.all, s.state, err = digests(db); err != nil {
		t.Fatalf("digests: %v", err)
	}
	return s
}

// folded is what a fresh replay of the log gives.
func folded(t testing.TB, l *wal.Log) sums {
	t.Helper()
	db, err := Fold(context.Background(), l, 0, filepath.Join(t.TempDir(), "fold"), nil)
	if err != nil {
		t.Fatalf("fold: %v", err)
	}
	defer db.Close()
	return sumsOf(t, db)
}

// wantFold fails unless the live index is what a fresh replay gives.
func wantFold(t testing.TB, e *Engine) {
	t.Helper()
	if got, want := live(t, e), folded(t, e.Log); got != want {
		t.Errorf("live index is not what a replay gives: got %x, want %x; notes %q",
			got.all[:4], want.all[:4], e.Notes())
	}
}

// clone copies a closed store, so that one history can be damaged in many ways.
func clone(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "store")
	if err := copyTree(dir, to); err != nil {
		t.Fatalf("copy store: %v", err)
	}
	return to
}

// currentGeneration is the path of the generation in use of a closed store.
func currentGeneration(t testing.TB, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, indexName, "CURRENT"))
	if err != nil {
		t.Fatalf("read CURRENT: %v", err)
	}
	return filepath.Join(dir, indexName, string(b[:len(b)-1]))
}

// flip changes one byte of a file.
func flip(t testing.TB, path string, offset int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[offset] ^= 0x55
	if err := os.WriteFile(path, b, filePerm); err != nil {
		t.Fatal(err)
	}
}

func truncate(t testing.TB, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// segments lists the segment files of a store in order.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "log", "0*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	return paths
}

func sizeOf(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
