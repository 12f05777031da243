package vector

import (
	"math"
	"runtime"
	"slices"
	"sync"
)

// parallelFrom is how many vectors a search scans with more than one goroutine; below, starting
// them costs more than they save.
const parallelFrom = 200_000

// maxWorkers bounds the goroutines of one search.
const maxWorkers = 4

// Candidate is a vector that a scan found.
type Candidate struct {
	Slot     uint32
	Row      uint32
	Estimate float32 // of the inner product with the query
	Error    float32 // standard deviation of the estimate
}

// better is the order of candidates: by estimate, and the later one of equals.
func (c Candidate) better(o Candidate) bool {
	if c.Estimate != o.Estimate {
		return c.Estimate > o.Estimate
	}
	return c.Slot > o.Slot
}

// Scan is one search of a slab.
type Scan struct {
	Query  Vector
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
		for _, c := range t.heap {
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

var sums = sync.Pool{New: func() any { return new([chunkSlots]uint16) }}

func (s *Slab) scanChunks(t *top, q Scan, probes []*probe, from, to uint32) {
	out := sums.Get().(*[chunkSlots]uint16)
	defer sums.Put(out)
	for n := from; n < to; n++ {
		slot := n * chunkSlots
		c, p := s.chunk(slot), probes[MeanOf(slot)]
		count := min(chunkSlots, q.Prefix-slot)
		s.kernel.sums(out[:], c.codes, p, int(count+scanLanes-1)/scanLanes)
		for i := range count {
			e := p.estimate(out[i], c.ones[i], c.ratio[i], c.toMean[i])
			if e < t.floor {
				continue
			}
			if c.holds(i, q.Seq) && (q.Pass == nil || q.Pass(c.row[i])) {
				t.offer(Candidate{slot + i, c.row[i], e, float32(c.ratio[i] * p.doubt)})
			}
		}
	}
}

// top keeps the best limit candidates, the worst of them first.
type top struct {
	limit int
	floor float32 // the worst that is kept, once there are limit
	heap  []Candidate
}

func newTop(limit int) *top {
	return &top{limit: limit, floor: float32(math.Inf(-1))}
}

func (t *top) offer(c Candidate) {
	if len(t.heap) < t.limit {
		t.heap = append(t.heap, c)
		t.up(len(t.heap) - 1)
	} else if c.better(t.heap[0]) {
		t.heap[0] = c
		t.down(0)
	}
	if len(t.heap) == t.limit {
		t.floor = t.heap[0].Estimate
	}
}

func (t *top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !t.heap[parent].better(t.heap[i]) {
			return
		}
		t.heap[i], t.heap[parent] = t.heap[parent], t.heap[i]
		i = parent
	}
}

func (t *top) down(i int) {
	for {
		worst := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(t.heap) && t.heap[worst].better(t.heap[child]) {
				worst = child
			}
		}
		if worst == i {
			return
		}
		t.heap[i], t.heap[worst] = t.heap[worst], t.heap[i]
		i = worst
	}
}

func (t *top) sorted() []Candidate {
	slices.SortFunc(t.heap, func(a, b Candidate) int {
		if a.better(b) {
			return -1
		}
		return 1
	})
	return t.heap
}
