package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/philippgille/chromem-go"

	"memlog/cmd/memlog/internal/bench"
)

func memlogVectors(ctx context.Context, dir string, n, queries int) (row, error) {
	o := bench.SearchOptions{N: n, Queries: queries}
	began := time.Now()
	if _, err := bench.BuildVectors(ctx, dir, o); err != nil {
		return row{}, fmt.Errorf("memlog: %w", err)
	}
	r := row{name: "vectors: memlog", build: time.Since(began)}
	read, err := bench.ReadVectors(ctx, dir, o)
	r.search, r.recall = read.Vector, read.Recall10
	return r, err
}

// chromemVectors keeps the vectors in memory only, which is what chromem-go is fastest at. It
// compares all of them, so what it finds is exact.
func chromemVectors(ctx context.Context, _ string, n, queries int) (row, error) {
	none := func(context.Context, string) ([]float32, error) { return nil, fmt.Errorf("no text") }
	c, err := chromem.NewDB().CreateCollection("peers", nil, none)
	if err != nil {
		return row{}, err
	}
	clusters, docs := bench.NewClusters(), make([]chromem.Document, n)
	began := time.Now()
	for i := range docs {
		docs[i] = chromem.Document{ID: fmt.Sprint(i), Embedding: clusters.Vector(i)}
	}
	if err := c.AddDocuments(ctx, docs, runtime.GOMAXPROCS(0)); err != nil {
		return row{}, fmt.Errorf("chromem-go: %w", err)
	}
	r := row{name: "vectors: chromem-go 0.7.0", build: time.Since(began), recall: 1}
	var took []time.Duration
	for q := range queries {
		x := clusters.Query(q)
		began := time.Now()
		if _, err := c.QueryEmbedding(ctx, x, min(10, n), nil, nil); err != nil {
			return row{}, fmt.Errorf("chromem-go: %w", err)
		}
		took = append(took, time.Since(began))
	}
	r.search = bench.SpreadOf(took)
	return r, nil
}
