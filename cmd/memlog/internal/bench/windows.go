package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// WindowsOptions say what [Windows] measures.
type WindowsOptions struct {
	Exe      string // the binary, absolute
	Dir      string // where stores are made and left; must exist
	Memories int    // in the larger of the two stores, beside an empty one
	Runs     int    // of what is timed from the start of a process
	Logger   *slog.Logger
	Progress memory.Progress // nil: silent
}

// Start is how fast a new window is of use, in a store of so many memories.
type Start struct {
	Memories   int    `json:"memories"`
	Process    Spread `json:"process"`     // the reference: one that says its version, to its end
	Initialize Spread `json:"initialize"`  // process start to the answer of initialize
	ColdSearch Spread `json:"cold_search"` // to that of a search, without an owner before
	WarmSearch Spread `json:"warm_search"` // with one
}

// WindowsResult is what [Windows] measured.
type WindowsResult struct {
	Runs     int        `json:"runs"`
	Start    []Start    `json:"start"`
	Resident []Resident `json:"resident"` // empty where the platform does not tell
	Stores   []Stores   `json:"stores"`
}

// windows is a run of [Windows].
type windows struct {
	WindowsOptions
	dir string // of the store being measured
}

// Windows measures what a window of an agent costs: how soon it answers, what memory it
// takes, and how fast several of them store.
func Windows(ctx context.Context, o WindowsOptions) (WindowsResult, error) {
	res := WindowsResult{Runs: o.Runs}
	for _, n := range []int{0, o.Memories} {
		w := &windows{WindowsOptions: o, dir: filepath.Join(o.Dir, fmt.Sprint(n))}
		if err := w.measure(ctx, n, &res); err != nil {
			return res, err
		}
	}
	return res, nil
}

// measure measures a store of n memories.
func (w *windows) measure(ctx context.Context, n int, res *WindowsResult) (err error) {
	defer func() {
		stop := daemon.Stop
		if err != nil { // the windows ended in the middle of something
			stop = daemon.StopLate
		}
		err = errors.Join(err, stop(context.WithoutCancel(ctx), w.owner()))
	}()
	if err := fill(ctx, w.Exe, w.dir, n, w.Progress); err != nil {
		return err
	}
	start, err := w.start(ctx, n)
	if err != nil {
		return err
	}
	res.Start = append(res.Start, start)
	mem, err := w.resident(ctx, n)
	if err != nil {
		return err
	}
	if mem != nil {
		res.Resident = append(res.Resident, *mem)
	}
	stores, err := w.stores(ctx, n)
	res.Stores = append(res.Stores, stores...)
	return err
}

// start times the starts of windows.
func (w *windows) start(ctx context.Context, n int) (Start, error) {
	var process, first, cold, warm []time.Duration
	for i := range w.Runs {
		w.step("start of a window", i, w.Runs)
		if err := w.stop(ctx); err != nil {
			return Start{}, err
		}
		_, took, err := w.search(ctx)
		if err != nil {
			return Start{}, err
		}
		cold = append(cold, took)
		initialized, took, err := w.search(ctx)
		if err != nil {
			return Start{}, err
		}
		first, warm = append(first, initialized), append(warm, took)
		if took, err = w.process(ctx); err != nil {
			return Start{}, err
		}
		process = append(process, took)
	}
	return Start{n, SpreadOf(process), SpreadOf(first), SpreadOf(cold), SpreadOf(warm)}, nil
}

// process is the reference for starts: a process of the same binary that does next to nothing, from
// its start to its end.
func (w *windows) process(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	err := exec.CommandContext(ctx, w.Exe, "version").Run()
	return time.Since(began), err
}

// search opens a window, searches, and closes it.
func (w *windows) search(ctx context.Context) (initialized, searched time.Duration, err error) {
	began := time.Now()
	win, initialized, err := openWindow(ctx, w.Exe, w.dir)
	if err != nil {
		return 0, 0, err
	}
	_, err = win.call("memory_search", map[string]any{"query": "water in the garden"})
	return initialized, time.Since(began), errors.Join(err, win.close())
}

// stop has the owner of the store leave.
func (w *windows) stop(ctx context.Context) error { return daemon.Stop(ctx, w.owner()) }

func (w *windows) owner() daemon.Options {
	return daemon.Options{Store: w.dir, Logger: w.Logger}
}

func (w *windows) step(stage string, done, total int) {
	if w.Progress != nil {
		w.Progress(stage, int64(done), int64(total))
	}
}

// fill makes a store of n memories at dir with the binary's own import.
func fill(ctx context.Context, exe, dir string, n int, p memory.Progress) error {
	if n == 0 {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(dir), "memories-*.jsonl")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = writeCorpus(f, n)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write memories to import: %w", err)
	}
	if p != nil {
		p("import", 0, int64(n))
	}
	return run(ctx, exe, "import", f.Name(), "--store", dir, "--json")
}
