package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/bench"
	"memlog/cmd/memlog/internal/memory"
)

// The defaults of memlog bench search.
const (
	benchVectors = 100_000
	benchQueries = 500
)

func benchSearchCommand() *command {
	return &command{
		name:    "search",
		summary: "How fast vectors and texts are found, and how many of the vectors",
		about: `
Builds an index of made vectors of 384 dimensions in a throw-away directory, then searches it in a
process of its own, one search at a time, with and without a filter. What is found is compared with
an exact scan of all vectors in the same run. With --partitions a search without a filter looks only
into the partitions nearest to it, as it does anyway among two million and more; there are some from
262,144 vectors on.

Then fills a throw-away store with as many memories, rebuilds its index and searches it by words, by
all signals, with filters, as of a moment and for exact text, beside a scan of all words in memory.
The texts are made, or with --texts those of a folder of NAME.memories.jsonl, whose questions are
then asked; where they are too few, halves of two of them.`,
		examples: []string{`memlog bench search`, `memlog bench search --n 10000 --queries 50`,
			`memlog bench search --only texts --texts questions/`},
		flags: []cli.Flag{
			&cli.IntFlag{Name: "n", Usage: "`N` vectors and memories (default: 100000)"},
			&cli.IntFlag{Name: "queries", Usage: "`N` searches of each kind (default: 500)"},
			&cli.BoolFlag{Name: "partitions", Usage: "look only into the nearest partitions"},
			&cli.StringFlag{Name: "texts", Usage: "`DIR` of texts to be searched (default: made ones)"},
			&cli.StringFlag{Name: "only", Usage: "measure only `PART`: vectors or texts"},
			&cli.StringFlag{Name: "read", Hidden: true},
		},
		run: runBenchSearch,
	}
}

func runBenchSearch(ctx context.Context, c *call) (err error) {
	o := bench.SearchOptions{N: benchVectors, Queries: benchQueries, Progress: c.bar.progress(),
		Partitions: c.yes("partitions")}
	for name, n := range map[string]*int{"n": &o.N, "queries": &o.Queries} {
		given, err := c.positive(name)
		if err != nil {
			return err
		}
		if given > 0 {
			*n = given
		}
	}
	only := c.str("only")
	switch only {
	case "texts":
		text, err := c.benchText(ctx, o.N, o.Queries)
		if err != nil {
			return err
		}
		return c.emit(map[string]any{"n": o.N, "text": text}, func(p *page) { p.benchText(text) })
	case "", "vectors":
	default:
		return memory.Invalid("--only", "there is no part %q", only).WithHint("vectors or texts")
	}
	var res bench.SearchResult
	if dir := c.str("read"); dir != "" {
		tidy() // as an owner
		res, err = bench.ReadVectors(ctx, dir, o)
	} else {
		if o.Exe, err = os.Executable(); err != nil {
			return fmt.Errorf("find this binary: %w", err)
		}
		if o.Dir, err = os.MkdirTemp("", "memlog-bench-"); err != nil {
			return fmt.Errorf("make a throw-away directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
		res, err = bench.Search(ctx, o)
		if err == nil && only == "" {
			var text bench.TextResult
			text, err = c.benchText(ctx, o.N, o.Queries)
			res.Text = &text
		}
	}
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		p.benchSearch(res)
		if res.Text != nil {
			p.benchText(*res.Text)
		}
	})
}

func (p *page) benchSearch(r bench.SearchResult) {
	how := ""
	if r.Partitioned {
		how = ", partitions"
	}
	p.line("%d vectors of %d dimensions, kernel %s%s", r.N, r.Dims, r.Kernel, how)
	p.line("  built %.0f a second; %.0f MB on disk; first answer %.0f ms after opening", r.BuildPerSec,
		r.IndexMB, r.FirstAnswer)
	p.line("  %-22s %10s %10s %12s %12s", "milliseconds", "median", "99 %", "recall@10", "resident MB")
	p.line("  %-22s %10.2f %10.2f %12.3f %12.0f", "search", r.Vector.P50, r.Vector.P99, r.Recall10,
		r.ResidentMB)
	p.line("  %-22s %10.2f %10.2f %12.3f %12.0f", "among a tenth", r.Filtered.P50, r.Filtered.P99,
		r.RecallTenth, r.WithFilterMB)
	p.line("  %-22s %10.2f %10.2f %12.3f", "exact scan", r.Exact.P50, r.Exact.P99, 1.0)
}
