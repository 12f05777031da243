package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The measure of durable stores: for each number of windows, so many slices of time, between which
// the reference has its turn.
const (
	storeSlice  = 400 * time.Millisecond
	storeSlices = 3
	rawSlice    = 200 * time.Millisecond
	rawBytes    = 700 // about what a memory of the corpus takes in the log
)

// storeWindows are the numbers of windows that store at the same time.
var storeWindows = [...]int{1, 4, 8, 16}

// Stores is how fast so many windows store at the same time, each store durable before its answer.
type Stores struct {
	Memories  int     `json:"memories"` // in the store before
	Windows   int     `json:"windows"`
	PerSecond float64 `json:"per_second"` // median of slices, of all windows
	Took      Spread  `json:"took"`       // of one store
	Raw       float64 `json:"raw_per_second"`
}

// stores measures every number of windows on the store.
func (w *windows) stores(ctx context.Context, n int) (out []Stores, err error) {
	var open []*window
	defer func() {
		for _, win := range open {
			err = errors.Join(err, win.close())
		}
	}()
	for i, windows := range storeWindows {
		w.step("durable stores", i, len(storeWindows))
		for len(open) < windows {
			win, _, err := openWindow(ctx, w.Exe, w.dir)
			if err != nil {
				return out, err
			}
			open = append(open, win)
		}
		s, err := w.storeSlices(ctx, open)
		if err != nil {
			return out, err
		}
		s.Memories = n
		out = append(out, s)
	}
	return out, nil
}

func (w *windows) storeSlices(ctx context.Context, open []*window) (Stores, error) {
	var rates, raws []float64
	var took []time.Duration
	for slice := range storeSlices + 1 {
		raw, err := rawRate(filepath.Dir(w.dir))
		if err != nil {
			return Stores{}, err
		}
		some, spent, err := storeAll(ctx, open)
		if err != nil {
			return Stores{}, err
		}
		if slice == 0 {
			continue // the first one warms up
		}
		took, raws = append(took, some...), append(raws, raw)
		rates = append(rates, float64(len(some))/spent.Seconds())
	}
	return Stores{Windows: len(open), PerSecond: median(rates), Took: SpreadOf(took),
		Raw: median(raws)}, nil
}

// storeAll has every window store for a slice of time.
func storeAll(ctx context.Context, open []*window) ([]time.Duration, time.Duration, error) {
	var wg sync.WaitGroup
	took, errs := make([][]time.Duration, len(open)), make([]error, len(open))
	began := time.Now()
	for i, win := range open {
		wg.Go(func() {
			text := newCorpus(uint64(time.Now().UnixNano()))
			for n := 0; time.Since(began) < storeSlice && errs[i] == nil && ctx.Err() == nil; n++ {
				args := map[string]any{"content": fmt.Sprintf("%s %d-%d", text.text(corpusChars), i, n)}
				start := time.Now()
				_, errs[i] = win.call("memory_store", args)
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	spent := time.Since(began)
	var all []time.Duration
	for _, t := range took {
		all = append(all, t...)
	}
	return all, spent, errors.Join(append(errs, ctx.Err())...)
}

// rawRate is the reference: one writer that appends to a file in dir and syncs it, again and again.
func rawRate(dir string) (rate float64, err error) {
	f, err := os.CreateTemp(dir, "raw-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	entry, began, n := bytes.Repeat([]byte{'x'}, rawBytes), time.Now(), 0
	for ; time.Since(began) < rawSlice; n++ {
		if _, err = f.Write(entry); err == nil {
			err = syncData(f)
		}
		if err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
