package recovery

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"memlog/projection"
	"memlog/wal"
	"memlog/wal/event"
)

var benchMemories = flag.Int("bench-memories", 100_000, "memories in the store of benchmarks")

// benchText is the length of a memory in bytes.
const benchText = 300

// benchStore makes a store of distinct memories, and a copy as a kill would leave it.
func benchStore(b *testing.B) (clean, killed string) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "store")
	e := mustOpen(b, dir, Options{})
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < *benchMemories; {
		var events [][]byte
		for ; len(events) < 100 && n < *benchMemories; n++ {
			events = append(events, benchEvent(b, r, n))
		}
		_, err := e.Append(b.Context(), func(*projection.Projector) (wal.Entry, error) {
			return wal.Entry{Events: events}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	killed = cloneLive(b, dir)
	mustClose(b, e)
	return dir, killed
}

// cloneLive copies a store that is open, as often as it takes to get a copy of one moment: pebble
// moves files meanwhile.
func cloneLive(b *testing.B, dir string) string {
	b.Helper()
	for {
		to := filepath.Join(b.TempDir(), "store")
		if err := copyTree(dir, to); err == nil {
			e := mustOpen(b, clone(b, to), Options{})
			mustClose(b, e)
			if len(e.Notes()) == 0 {
				return to
			}
		}
		remove(b, to)
	}
}

func benchEvent(b *testing.B, r *rand.Rand, n int) []byte {
	var text strings.Builder
	for text.Len() < benchText {
		fmt.Fprintf(&text, "w%d ", int(r.ExpFloat64()*2000))
	}
	var id event.ID
	binary.BigEndian.PutUint64(id[8:], uint64(n)+1)
	out, err := event.Encode(event.Envelope{Event: event.Stored{Memory: event.Memory{
		ID: id, Version: 1, Content: text.String()[:benchText], Type: "note", CreatedAt: start,
		UpdatedAt: start, Tags: []string{fmt.Sprintf("t%d", r.IntN(50))}}}})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// BenchmarkRebuild makes the index of a whole store anew.
func BenchmarkRebuild(b *testing.B) {
	dir, _ := benchStore(b)
	e := mustOpen(b, dir, Options{})
	for b.Loop() {
		if _, err := e.Rebuild(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
	perSecond := float64(b.N) * float64(*benchMemories) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "events/s")
	b.ReportMetric(float64(peakMemory())/(1<<20), "peak-MB")
}

// BenchmarkOpen opens a store that was shut down well, and one that was killed.
func BenchmarkOpen(b *testing.B) {
	clean, killed := benchStore(b)
	b.Run("clean", func(b *testing.B) {
		for b.Loop() {
			e := mustOpen(b, clean, Options{})
			b.StopTimer()
			mustClose(b, e)
			b.StartTimer()
		}
	})
	b.Run("killed", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := clone(b, killed)
			b.StartTimer()
			e := mustOpen(b, dir, Options{})
			b.StopTimer()
			if notes := e.Notes(); len(notes) > 0 {
				b.Errorf("the index was not used as the kill left it: %q", notes)
			}
			mustClose(b, e)
			remove(b, dir)
			b.StartTimer()
		}
	})
}

// peakMemory is the largest resident size of this process in bytes; 0: not known here.
func peakMemory() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
