package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"memlog/cmd/memlog/internal/bench"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// benchText measures searches by text in a throw-away store.
func (c *call) benchText(ctx context.Context, n, queries int) (r bench.TextResult, err error) {
	dir, err := os.MkdirTemp("", "memlog-bench-")
	if err != nil {
		return r, fmt.Errorf("make a throw-away directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return bench.SearchText(ctx, bench.TextOptions{
		N: n, Queries: queries, Texts: c.str("texts"), Progress: c.bar.progress(),
		Open: func(ctx context.Context) (memory.Service, error) {
			s, err := store.Open(ctx, filepath.Join(dir, "store"), store.Options{Holder: c.holder,
				Version: version(), Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return nil, err
			}
			return s, nil
		},
	})
}

func (p *page) benchText(r bench.TextResult) {
	p.line("%d memories, texts: %s", r.N, r.Source)
	p.line("  imported %.0f a second, rebuilt %.0f a second; first answer %.0f ms after opening",
		r.ImportPerSec, r.RebuildPerSec, r.FirstAnswer)
	if r.ResidentMB > 0 {
		p.line("  resident after the searches: %.0f MB, import and rebuild included", r.ResidentMB)
	}
	p.line("  %-28s %10s %10s", "milliseconds", "median", "99 %")
	for _, m := range []struct {
		name string
		took bench.Spread
	}{
		{"words", r.Words}, {"words, as of half", r.WordsAsOf}, {"hybrid", r.Hybrid},
		{"hybrid, 1 tag of 50", r.HybridTag}, {"hybrid, 1 project of 8", r.HybridProject},
		{"hybrid, as of half", r.HybridAsOf}, {"exact", r.Exact},
		{"scan of all words in memory", r.Scan},
	} {
		p.line("  %-28s %10.2f %10.2f", m.name, m.took.P50, m.took.P99)
	}
}
