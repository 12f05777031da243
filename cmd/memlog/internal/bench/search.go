package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"memlog/index"
	"memlog/index/vector"
)

const (
	vectorDims   = 384
	vectorRecord = 1000
	searchK      = 10
)

// benchSpace is where the measure keeps its vectors.
var benchSpace = index.Space{Model: "memlog bench", Dims: vectorDims}

// SearchOptions of Search. Dir is a directory for a throw-away index.
type SearchOptions struct {
	Exe     string // this binary: the reading half runs in a process of its own
	Dir     string
	N       int
	Queries int
	// Partitions: look only into those nearest to a query.
	Partitions bool
	Progress   func(stage string, done, total int64)
}

// SearchResult is how fast vectors are found among N, and how many of those that an exact scan of
// all of them finds.
type SearchResult struct {
	N            int     `json:"n"`
	Dims         int     `json:"dims"`
	Partitioned  bool    `json:"partitioned"`
	Kernel       string  `json:"kernel"`
	BuildPerSec  float64 `json:"build_per_second"`      // vectors, into an index that has the memories
	FirstAnswer  float64 `json:"open_to_first_ms"`      // from opening the index
	Vector       Spread  `json:"vector"`                // one search at a time
	Filtered     Spread  `json:"filtered"`              // the same among a tenth of the memories
	Exact        Spread  `json:"exact"`                 // comparing all, float32, one goroutine
	Recall10     float64 `json:"recall@10"`             //
	RecallTenth  float64 `json:"filtered_recall@10"`    //
	ResidentMB   float64 `json:"resident_mb,omitempty"` // of the process after its searches
	WithFilterMB float64 `json:"filtered_mb,omitempty"` // and after those with a filter
	IndexMB      float64 `json:"index_mb"`              // on disk

	Text *TextResult `json:"text,omitempty"`
}

// Search builds an index of N vectors and measures it in a process of its own.
func Search(ctx context.Context, o SearchOptions) (SearchResult, error) {
	dir := filepath.Join(o.Dir, "index")
	built, err := BuildVectors(ctx, dir, o)
	if err != nil {
		return SearchResult{}, fmt.Errorf("build: %w", err)
	}
	cmd := exec.CommandContext(ctx, o.Exe, "bench", "search", "--json", "--read", dir,
		"--n", fmt.Sprint(o.N), "--queries", fmt.Sprint(o.Queries),
		fmt.Sprintf("--partitions=%t", o.Partitions))
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return SearchResult{}, fmt.Errorf("measure: %w", err)
	}
	var r SearchResult
	if err := json.Unmarshal(out, &r); err != nil {
		return SearchResult{}, fmt.Errorf("measure: %w", err)
	}
	r.BuildPerSec = built
	return r, nil
}

func benchID(n int) (id index.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n)+1)
	return id
}

// BuildVectors fills an index with documents, then with their vectors, and returns how many of
// those a second, by the median batch.
func BuildVectors(ctx context.Context, dir string, o SearchOptions) (_ float64, err error) {
	db, err := index.Open(dir, index.Options{MemTableBytes: index.RebuildMemTableBytes})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = inBatches(ctx, db, o.N, func(b *index.Batch, n int, seq uint64) error {
		return b.PutImage(index.NewImage{ID: benchID(n), Seq: seq, Version: 1,
			Type: fmt.Sprint("kind ", n%10), Payload: []byte{0xA0}})
	})
	if err != nil {
		return 0, err
	}
	rot, err := vector.NewRotation(vectorDims)
	if err != nil {
		return 0, err
	}
	c := NewClusters()
	var took []time.Duration
	encoded := make([][]byte, vectorRecord)
	for from := 0; from < o.N; from += vectorRecord {
		count := min(vectorRecord, o.N-from)
		for i := range count {
			v, err := rot.Encode(c.Vector(from + i))
			if err != nil {
				return 0, err
			}
			encoded[i] = v.Append(nil)
		}
		began := time.Now()
		err := inBatches(ctx, db, count, func(b *index.Batch, n int, seq uint64) error {
			_, err := b.PutVector(index.NewVector{ID: benchID(from + n), Version: 1, Seq: seq,
				Model: benchSpace.Model, Encoded: encoded[n]})
			return err
		})
		if err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
		if o.Progress != nil {
			o.Progress("build", int64(from+count), int64(o.N))
		}
	}
	if err := db.Compact(); err != nil {
		return 0, err
	}
	slices.Sort(took)
	return float64(min(vectorRecord, o.N)) / quantile(took, 0.5).Seconds(), nil
}

// inBatches calls put for each of n numbers, a record for each vectorRecord of them.
func inBatches(ctx context.Context, db *index.DB, n int,
	put func(b *index.Batch, n int, seq uint64) error) error {
	for from := 0; from < n; from += vectorRecord {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := db.NewBatch()
		if err != nil {
			return err
		}
		seq := b.Checkpoint().Seq + 1
		for i := from; i < min(n, from+vectorRecord) && err == nil; i++ {
			err = put(b, i, seq)
		}
		if err == nil {
			err = b.SetCheckpoint(index.Checkpoint{Seq: seq})
		}
		if err == nil {
			err = b.Commit()
		}
		if err != nil {
			return errors.Join(err, b.Close())
		}
	}
	return nil
}

// ReadVectors is the half of Search that measures, on an index that it built: for a process of its
// own, whose memory is counted.
func ReadVectors(ctx context.Context, dir string, o SearchOptions) (r SearchResult, err error) {
	r = SearchResult{N: o.N, Dims: vectorDims, Partitioned: o.Partitions, Kernel: vector.Kernel()}
	queries, err := vectorQueries(o.Queries)
	if err != nil {
		return r, err
	}
	debug.FreeOSMemory() // what it took to make them is no part of a search
	began := time.Now()
	db, err := index.Open(dir, index.Options{ReadOnly: true, Partitions: o.Partitions})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	view, err := db.View()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	if _, _, err = ask(ctx, view, queries[:1], index.Filter{}); err != nil {
		return r, err
	}
	r.FirstAnswer = millis(time.Since(began))
	all, took, err := ask(ctx, view, queries, index.Filter{})
	if err != nil {
		return r, err
	}
	r.Vector, r.ResidentMB = SpreadOf(took), residentMB()
	tenth, took, err := ask(ctx, view, queries, index.Filter{Type: "kind 3"})
	if err != nil {
		return r, err
	}
	r.Filtered, r.WithFilterMB = SpreadOf(took), residentMB()
	bytes, err := db.Bytes()
	r.IndexMB = float64(bytes) / 1e6
	if err == nil {
		err = r.compare(ctx, NewClusters(), all, tenth)
	}
	return r, err
}

func vectorQueries(n int) ([]vector.Query, error) {
	rot, err := vector.NewRotation(vectorDims)
	if err != nil {
		return nil, err
	}
	c, queries := NewClusters(), make([]vector.Query, n)
	for i := range queries {
		if queries[i], err = rot.Query(c.Query(i)); err != nil {
			return nil, err
		}
	}
	return queries, nil
}

// ask searches once with each query and returns the numbers of what was found.
func ask(ctx context.Context, v *index.View, queries []vector.Query, f index.Filter) (
	found [][]int, took []time.Duration, err error) {
	for _, q := range queries {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		began := time.Now()
		hits, err := v.Nearest(index.VectorQuery{Space: benchSpace, Vector: q, Filter: f,
			Limit: searchK})
		took = append(took, time.Since(began))
		if err != nil {
			return nil, nil, err
		}
		var numbers []int
		for _, h := range hits {
			numbers = append(numbers, int(binary.BigEndian.Uint64(h.Doc.ID[8:]))-1)
		}
		found = append(found, numbers)
	}
	return found, took, nil
}

// exactQueries bounds the queries that are also answered by comparing all: that is slow.
const exactQueries = 100

// compare answers queries by comparing all vectors as they were made, and counts what was found.
func (r *SearchResult) compare(ctx context.Context, c Clusters, all, tenth [][]int) error {
	n := min(len(all), exactQueries)
	type near struct {
		number int
		score  float32
	}
	best, bestTenth := make([][]near, n), make([][]near, n)
	queries := make([][]float32, n)
	for i := range queries {
		queries[i] = unit(c.Query(i))
	}
	keep := func(top []near, x near) []near {
		if len(top) == searchK && top[searchK-1].score >= x.score {
			return top
		}
		at, _ := slices.BinarySearchFunc(top, x, func(a, b near) int {
			if a.score > b.score {
				return -1
			}
			return 1
		})
		top = slices.Insert(top, at, x)
		return top[:min(len(top), searchK)]
	}
	took := make([]time.Duration, n)
	const block = 10_000
	for from := 0; from < r.N; from += block {
		if err := ctx.Err(); err != nil {
			return err
		}
		vectors := make([][]float32, min(block, r.N-from))
		for i := range vectors {
			vectors[i] = unit(c.Vector(from + i))
		}
		for q := range queries {
			began := time.Now()
			for i, v := range vectors {
				x := near{from + i, dotFloats(queries[q], v)}
				best[q] = keep(best[q], x)
				if x.number%10 == 3 {
					bestTenth[q] = keep(bestTenth[q], x)
				}
			}
			took[q] += time.Since(began)
		}
	}
	r.Exact = SpreadOf(took)
	count := func(want [][]near, got [][]int) float64 {
		found, total := 0, 0
		for q := range want {
			for _, w := range want[q] {
				total++
				if slices.Contains(got[q], w.number) {
					found++
				}
			}
		}
		return float64(found) / float64(max(total, 1))
	}
	r.Recall10, r.RecallTenth = count(best, all), count(bestTenth, tenth)
	return nil
}
