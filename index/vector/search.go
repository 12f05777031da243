package vector

import (
	"math/bits"
	"runtime"
	"sync"
)

// parallelFrom is how many vectors a search scans with more than one goroutine; below, starting
// them costs more than they save.
const parallelFrom = 200_000

// maxWorkers bounds the goroutines of one search.
const maxWorkers = 4

// Scan is one search of a slab.
type Scan struct {
	Query  Query
	Prefix uint32 // slots below are searched; at least FirstMean
	Seq    uint64 // only rows that have not ended by then
	Limit  int
	// Pass says of a row whether it may be found; nil: any. It is called from several goroutines,
	// and only for rows that would be found.
	Pass func(row uint32) bool
}

// Scan returns the Limit best by estimate, best first. Which ones they are does not depend on the
// number of goroutines.
func (s *Slab) Scan(q Scan) []Candidate {
	probes := s.probes(q)
	chunks := (q.Prefix + chunkSlots - 1) / chunkSlots
	workers := uint32(1)
	if q.Prefix > parallelFrom {
		workers = uint32(max(1, min(maxWorkers, runtime.GOMAXPROCS(0))))
	}
	tops := make([]*top, workers)
	var wg sync.WaitGroup
	for w := range workers {
		tops[w] = newTop(q.Limit)
		from, to := chunks*w/workers, chunks*(w+1)/workers
		if w == workers-1 {
			s.scanChunks(tops[w], q, probes, from, to)
			break
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.scanChunks(tops[w], q, probes, from, to)
		}()
	}
	wg.Wait()
	for _, t := range tops[1:] {
		for _, c := range t.kept {
			tops[0].offer(c)
		}
	}
	return tops[0].sorted()
}

// probes makes the query ready for each mean.
func (s *Slab) probes(q Scan) []*probe {
	means := *s.means.Load()
	probes := make([]*probe, MeanOf(q.Prefix-1)+1)
	for i := range probes {
		probes[i] = newProbe(q.Query, means[i])
		if s.kernel.name == goKernel.name {
			probes[i].widen()
		}
	}
	return probes
}

// scratch is what one goroutine of a scan works in.
type scratch struct {
	sums [chunkSlots]uint16
	estimation
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *Slab) scanChunks(t *top, q Scan, probes []*probe, from, to uint32) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	for n := from; n < to; n++ {
		slot := n * chunkSlots
		c, p := s.chunk(slot), probes[MeanOf(slot)]
		count := min(chunkSlots, q.Prefix-slot)
		groups := int(count+scanLanes-1) / scanLanes
		s.kernel.sums(w.sums[:], c.codes, p, groups)
		w.ready(c, &w.sums, p, t.floor)
		s.kernel.estimate(&w.estimation, groups)
		for g, above := range w.above[:groups] {
			for ; above != 0; above &= above - 1 {
				i := uint32(g*scanLanes + bits.TrailingZeros32(above))
				e := w.out[i]
				if i >= count || e < t.floor {
					continue
				}
				if c.holds(i, q.Seq) && (q.Pass == nil || q.Pass(c.row[i])) {
					t.offer(Candidate{slot + i, c.row[i], e, float32(c.ratio[i] * p.doubt)})
				}
			}
		}
	}
	w.release()
}
