package daemon_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// benchWorld is a world of a benchmark, with a store of one memory and no owner.
func benchWorld(b *testing.B) *world {
	b.Helper()
	w := &world{dir: filepath.Join(b.TempDir(), "store"), ctx: context.Background()}
	run, err := os.MkdirTemp("", "d")
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("XDG_RUNTIME_DIR", run)
	b.Cleanup(func() {
		if err := daemon.Stop(w.ctx, daemon.Options{Store: w.dir}); err != nil {
			b.Log(err)
		}
		_ = os.RemoveAll(run)
	})
	return w
}

// BenchmarkFailover kills the owner and stores: until the answer of the next owner.
func BenchmarkFailover(b *testing.B) {
	w := benchWorld(b)
	f := daemon.Front(w.spawning())
	defer f.Close()
	for i := 0; b.Loop(); i++ {
		if _, err := f.Store(w.ctx, note("before")); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		st, err := daemon.Status(w.ctx, daemon.Options{Store: w.dir})
		if err != nil {
			b.Fatal(err)
		}
		p, err := os.FindProcess(st.PID)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := p.Kill(); err != nil {
			b.Fatal(err)
		}
		if _, err := f.Store(w.ctx, note("after")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCold starts an owner for a first search, and BenchmarkWarm finds one: each in a new
// front.
func BenchmarkCold(b *testing.B) { benchFirst(b, true) }

// BenchmarkWarm is the same with an owner that runs.
func BenchmarkWarm(b *testing.B) { benchFirst(b, false) }

func benchFirst(b *testing.B, cold bool) {
	w := benchWorld(b)
	for b.Loop() {
		f := daemon.Front(w.spawning())
		if _, err := f.Search(w.ctx, memory.SearchRequest{Query: "word"}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		if cold {
			if err := daemon.Stop(w.ctx, daemon.Options{Store: w.dir}); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
}
