package vector

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// Putting codes in order of partitions changes nothing for a scan of all, also one that goes on
// meanwhile and one of the past; and a scan of partitions finds nearly what that finds.
func TestScanOfSealedRuns(t *testing.T) {
	const n, dims, queries = FirstPartition + 5000, 16, 12
	r := rand.New(rand.NewPCG(11, 12))
	rot := rotation(t, dims)
	xs := clustered(r, n+queries, dims)
	s, vs := slabOf(t, rot, xs[:n])
	scan := func(i int, prefix uint32, partitions bool) []Candidate {
		return s.Scan(Scan{Query: encode(t, rot, xs[n+i]).Query(), Prefix: prefix, Seq: n,
			Limit: 50, Partitions: partitions})
	}
	prefixes := []uint32{FirstMean, runSlots, 2 * runSlots, 2*runSlots + 999, FirstPartition, n}
	var want [][]Candidate
	for i := range queries {
		want = append(want, scan(i, prefixes[i%len(prefixes)], false))
	}
	compare := func() {
		for i := range queries {
			if !slices.Equal(scan(i, prefixes[i%len(prefixes)], false), want[i]) {
				t.Errorf("query %d finds others below %d", i, prefixes[i%len(prefixes)])
			}
		}
	}

	partitions, step := PartitionSample(FirstPartition)
	var encoded, sample [][]byte
	for i, v := range vs {
		encoded = append(encoded, v.Append(nil))
		if i < FirstPartition && i%int(step) == 0 {
			sample = append(sample, encoded[i])
		}
	}
	c := Train(sample, partitions)
	parts := c.NearestAll(encoded)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); compare() }()
	s.AddPartitions(c, parts)
	wg.Wait()
	compare()
	for i, p := range parts {
		if r := s.run(uint32(i / runSlots)); r != nil && i%7 == 0 {
			within := r.order[r.starts[p]:r.starts[p+1]]
			if _, ok := slices.BinarySearch(within, uint16(i%runSlots)); !ok {
				t.Fatalf("slot %d is not in its partition", i)
			}
		}
	}

	found, scanned := 0, uint32(0)
	for i := range queries {
		all, some := scan(i, n, false)[:10], scan(i, n, true)
		for _, x := range all {
			if slices.Contains(some, x) {
				found++
			}
		}
		for _, p := range s.pieces(Scan{Query: encode(t, rot, xs[n+i]).Query(), Prefix: n,
			Partitions: true}, nil) {
			scanned += p.to - p.from
		}
		if !slices.Equal(scan(i, 2*runSlots, true), scan(i, 2*runSlots, false)) {
			t.Error("partitions are used of a time before there were any")
		}
	}
	if found < 7*queries { // estimates of few dimensions are far off
		t.Errorf("partitions have %d of %d", found, 10*queries)
	}
	if scanned > queries*n/2 {
		t.Errorf("%d codes were looked at, of %d", scanned/queries, n)
	}
}

func TestCentroidsAreKept(t *testing.T) {
	const dims = 24
	r := rand.New(rand.NewPCG(1, 3))
	rot := rotation(t, dims)
	var sample [][]byte
	for _, x := range clustered(r, 3000, dims) {
		sample = append(sample, encode(t, rot, x).Append(nil))
	}
	c := Train(sample, 64)
	back, err := ParseCentroids(c.Append(nil), dims)
	if err != nil || len(back) != 64 {
		t.Fatalf("%d centroids, %v", len(back), err)
	}
	if !slices.Equal(back.NearestAll(sample), c.NearestAll(sample)) {
		t.Error("read centroids are others")
	}
	if _, err := ParseCentroids(c.Append(nil)[1:], dims); err == nil {
		t.Error("part of a centroid was taken")
	}
	if q := back[3]; back.Nearest(sample[0]) > 63 || len(back.probe(q)) != 64/probeShare ||
		!slices.Contains(back.probe(q), 3) {
		t.Error("the partition of a centroid is not that nearest to it")
	}
}
