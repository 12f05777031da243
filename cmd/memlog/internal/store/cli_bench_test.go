package store

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// benchCommand runs the program itself: from its start to its end, at a store of
// benchMemories, with the memory it took. The reference is `memlog version`, which opens nothing.
func benchCommand(b *testing.B, base string) {
	bin := filepath.Join(b.TempDir(), "memlog")
	build := exec.Command("go", "build", "-o", bin, "memlog/cmd/memlog")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build memlog: %v\n%s", err, out)
	}
	dir := cloneStore(b, base)
	id := anyID(b, dir)
	text := newCorpus(4)
	least := 0.0
	for _, c := range []struct {
		name string
		args func() []string
	}{
		{"version", func() []string { return []string{"version"} }},
		{"add", func() []string { return []string{"add", text.text(benchChars)} }},
		{"search", func() []string { return []string{"search", text.query(3)} }},
		{"list", func() []string { return []string{"list"} }},
		{"get", func() []string { return []string{"get", id} }},
		{"stats", func() []string { return []string{"stats"} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				m := medians{}
				for range 4*benchRuns + 1 {
					m.add(runCommand(b, bin, dir, c.args()))
				}
				m.report(b, "wall-ms", "cpu-ms", "peak-MB")
				if c.name == "version" {
					least = m.of("wall-ms")
				}
				if least > 0 {
					b.ReportMetric(m.of("wall-ms")/least, "ratio-to-version")
				}
			}
		})
	}
}

func anyID(b *testing.B, dir string) string {
	s, err := Open(b.Context(), dir, Options{Holder: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	page, err := s.List(b.Context(), memory.ListRequest{Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	return page.Memories[0].ID.String()
}

// runCommand runs memlog once. What the kernel counts for a child begins with the memory of the
// process that started it, so the peak is read from the child itself, as long as it runs.
func runCommand(b *testing.B, bin, dir string, args []string) figures {
	cmd := exec.Command(bin, append([]string{"--store", dir}, args...)...)
	cmd.Env = append(os.Environ(), "MEMLOG_SESSION=bench")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended, peak := make(chan struct{}), make(chan float64)
	go watchPeak(cmd.Process.Pid, ended, peak)
	err := cmd.Wait()
	took := time.Since(begun)
	close(ended)
	if err != nil {
		b.Fatalf("memlog %v: %v\n%s", args, err, &out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return figures{"wall-ms": ms(took), "cpu-ms": ms(cpu), "peak-MB": <-peak}
}

// watchEvery is how often watchPeak looks; the figure only grows, so the last look counts.
const watchEvery = 2 * time.Millisecond

func watchPeak(pid int, ended <-chan struct{}, peak chan<- float64) {
	most := 0.0
	for {
		most = max(most, peakMB(pid))
		select {
		case <-ended:
			peak <- most
			return
		case <-time.After(watchEvery):
		}
	}
}
