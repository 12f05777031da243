package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"memlog/cmd/memlog/internal/bench"
)

// row is what one library did.
type row struct {
	name   string
	build  time.Duration
	search bench.Spread
	recall float64 // of ten, against an exact scan; 0 where nothing is compared
}

func main() {
	n := flag.Int("n", 10_000, "vectors and texts")
	queries := flag.Int("queries", 100, "searches of each kind")
	flag.Parse()
	if err := run(context.Background(), *n, *queries); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n, queries int) (err error) {
	if n < 1 || queries < 1 {
		return fmt.Errorf("--n %d and --queries %d: both are at least 1", n, queries)
	}
	dir, err := os.MkdirTemp("", "memlog-peers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Printf("%-28s %12s %10s %10s %10s\n", fmt.Sprintf("%d, milliseconds", n), "a second", "median",
		"99 %", "recall@10")
	for _, measure := range []func(context.Context, string, int, int) (row, error){
		memlogVectors, chromemVectors, memlogWords, bleveWords,
	} {
		r, err := measure(ctx, filepath.Join(dir, "index"), n, queries)
		if err != nil {
			return err
		}
		recall := "" // of words there is no exact answer to compare with
		if r.recall > 0 {
			recall = fmt.Sprintf("%.3f", r.recall)
		}
		fmt.Printf("%-28s %12.0f %10.2f %10.2f %10s\n", r.name, float64(n)/r.build.Seconds(),
			r.search.P50, r.search.P99, recall)
		if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
			return err
		}
	}
	return nil
}
