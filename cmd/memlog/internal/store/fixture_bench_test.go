package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// The benchmarks of a store of benchMemories memories, one record each. It is made once for a run
// of `go test`; MEMLOG_BENCH_STORE names a directory in which it is kept from run to run.
//
// What is measured in a process of its own (memory, opening) runs in a child: this very test
// binary, with one test that does what MEMLOG_BENCH_CHILD says and prints figures.
const (
	envBenchStore = "MEMLOG_BENCH_STORE"
	envBenchChild = "MEMLOG_BENCH_CHILD"
	envBenchDir   = "MEMLOG_BENCH_DIR"
	figuresMark   = "figures: "
)

// Writers that fill the store, and how many runs a median is taken of.
const (
	fillWriters = 64
	benchRuns   = 5
)

// Benchmark100k makes the store once and lends it to each of its parts.
func Benchmark100k(b *testing.B) {
	base := benchStore(b)
	for _, part := range []struct {
		name string
		run  func(b *testing.B, base string)
	}{
		{"Rebuild", benchRebuild},
		{"Replay", benchReplay},
		{"OpenClean", benchOpenClean},
		{"OpenKilled", benchOpenKilled},
		{"Bytes", benchBytes},
		{"Search", benchSearch},
		{"Read", benchRead},
		{"Command", benchCommand},
	} {
		b.Run(part.name, func(b *testing.B) { part.run(b, base) })
	}
}

// benchStore returns the directory of the store.
func benchStore(b *testing.B) string {
	b.Helper()
	dir := os.Getenv(envBenchStore)
	if dir == "" {
		dir = filepath.Join(b.TempDir(), "base")
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	s, err := Open(context.Background(), dir+".new", Options{Holder: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	err = errors.Join(fill(s, newCorpus(1), benchMemories), s.Close())
	if err == nil {
		err = os.Rename(dir+".new", dir)
	}
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

// fill stores n memories of c, each a command of its own.
func fill(s *Store, c *corpus, n int) error {
	work := make(chan memory.NewMemory, fillWriters)
	errs := make(chan error, fillWriters)
	var wg sync.WaitGroup
	for range fillWriters {
		wg.Go(func() {
			for m := range work {
				r := memory.StoreRequest{Memories: []memory.NewMemory{m}, Origin: benchOrigin}
				if _, err := s.Store(context.Background(), r); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for range n {
		work <- c.memory()
	}
	close(work)
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

var benchOrigin = memory.Origin{Client: "bench", Session: "bench-session", Project: "bench"}

// cloneStore copies a store, so that a benchmark may change it.
func cloneStore(b *testing.B, from string) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		b.Fatal(err)
	}
	return dir
}

// figures are what a child measured, by name.
type figures map[string]float64

// TestBenchChild is no test: it is what child starts.
func TestBenchChild(t *testing.T) {
	what := os.Getenv(envBenchChild)
	if what == "" {
		t.Skip("only started by benchmarks")
	}
	f, err := childWork[what](os.Getenv(envBenchDir))
	if err != nil {
		t.Fatal(err)
	}
	f["peak-MB"] = peakMB(os.Getpid())
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s%s\n", figuresMark, b)
}

func childCommand(what, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchChild$", "-test.v")
	cmd.Env = append(os.Environ(), envBenchChild+"="+what, envBenchDir+"="+dir)
	return cmd
}

// child runs one piece of work in a process of its own and returns its figures, with the
// processor time it took.
func child(b *testing.B, what, dir string) figures {
	b.Helper()
	cmd := childCommand(what, dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", what, err, out)
	}
	_, line, ok := strings.Cut(string(out), "\n"+figuresMark)
	line, _, _ = strings.Cut(line, "\n")
	var f figures
	if !ok || json.Unmarshal([]byte(line), &f) != nil {
		b.Fatalf("%s printed no figures:\n%s", what, out)
	}
	f["cpu-s"] = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return f
}

// peakMB is a process's highest resident memory so far, 0 where it cannot be read.
func peakMB(pid int) float64 {
	s, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(s), "VmHWM:")
	var kb float64
	fmt.Sscan(after, &kb)
	return kb / 1024
}

// medians collects figures of several runs.
type medians map[string][]float64

func (m medians) add(f figures) {
	for k, v := range f {
		m[k] = append(m[k], v)
	}
}

func (m medians) of(name string) float64 { return quantile(m[name], 0.5) }

// report gives the median of each figure.
func (m medians) report(b *testing.B, names ...string) {
	b.Helper()
	for _, n := range names {
		b.ReportMetric(m.of(n), n)
	}
}

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[int(q*float64(len(v)-1)+0.5)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// treeBytes is the size of the files below dir.
func treeBytes(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
