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
	// Partitions: of what has partitions, only those nearest to the query are searched.
	Partitions bool
	// Pass says of a row whether it may be found; nil: any. It is called from several goroutines,
	// and only for rows that would be found.
	Pass func(row uint32) bool
}

// Scan returns the Limit best by estimate, best first. Which ones they are does not depend on the
// number of goroutines.
func (s *Slab) Scan(q Scan) []Candidate {
	list := lists.Get().(*[]piece)
	defer func() { clear(*list); lists.Put(list) }()
	probes, pieces := s.probes(q), s.pieces(q, (*list)[:0])
	*list = pieces
	total := uint32(0)
	for _, p := range pieces {
		total += p.to - p.from
	}
	workers := 1
	if total > parallelFrom {
		workers = max(1, min(maxWorkers, runtime.GOMAXPROCS(0)))
	}
	tops := make([]*top, workers)
	var wg sync.WaitGroup
	for w := range workers {
		tops[w] = newTop(q.Limit)
		some := pieces[len(pieces)*w/workers : len(pieces)*(w+1)/workers]
		if w == workers-1 {
			s.scanPieces(tops[w], q, probes, some)
			break
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.scanPieces(tops[w], q, probes, some)
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
	means, y := *s.means.Load(), q.Query.floats()
	probes := make([]*probe, MeanOf(q.Prefix-1)+1)
	for i := range probes {
		probes[i] = newProbe(y, means[i])
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

// lists are used again: a scan of partitions is of more than a thousand pieces.
var lists = sync.Pool{New: func() any { return new([]piece) }}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *Slab) scanPieces(t *top, q Scan, probes []*probe, pieces []piece) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	for i := range pieces {
		s.scanPiece(t, q, w, probes[pieces[i].mean], &pieces[i])
	}
	w.release()
}

func (s *Slab) scanPiece(t *top, q Scan, w *scratch, p *probe, x *piece) {
	first := x.from / scanLanes * scanLanes // of the group
	groups := int(x.to-first+scanLanes-1) / scanLanes
	s.kernel.sums(w.sums[:], x.codes.bits[int(first)*bitBytes(s.dims):], p, groups)
	w.ready(x.codes, first, w.sums[:], p, t.floor)
	s.kernel.estimate(&w.estimation, groups)
	for g, above := range w.above[:groups] {
		for ; above != 0; above &= above - 1 {
			n := g*scanLanes + bits.TrailingZeros32(above)
			e, at := w.out[n], first+uint32(n)
			if at < x.from || at >= x.to || e < t.floor {
				continue
			}
			slot := x.slot(at)
			if slot >= q.Prefix {
				continue
			}
			c, i := s.chunk(slot), slot%chunkSlots
			if c.holds(i, q.Seq) && (q.Pass == nil || q.Pass(c.row[i])) {
				t.offer(Candidate{slot, c.row[i], e, float32(x.codes.ratio[at] * p.doubt)})
			}
		}
	}
}
